"""Compiles the inner loops of a room while Soiree is installed, where a C compiler and Python's headers are; else says what is lost.

Hatchling's hook; setuptools knows how to compile for this Python.
"""

import runpy
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CompileError, LinkError

FOLDER = Path("relay") / "core"
MISSING = (
    "soiree: relay/core was not compiled, so relays take a multiple of the CPU. It needs a C compiler and Python's headers, "
    "on Debian: apt-get install gcc libc6-dev python3-dev. Then install Soiree again (make clean, make party).\n"
)


class CompileHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # as hatchling calls it
        """Put the compiled module beside its source, and into a wheel."""
        if self.target_name != "wheel":
            return
        try:
            built = self._compile()
        except (BaseError, CompileError, LinkError, OSError) as error:
            sys.stderr.write(f"{error}\n{MISSING}")
            return
        build_data["artifacts"].append(f"relay/{built.name}")
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def _compile(self) -> Path:
        """Raises what setuptools raises where there is no compiler, no header, or no room."""
        root = Path(self.root)
        told = runpy.run_path(str(root / "relay" / "core_sources.py"))["source_hash"](root / FOLDER)
        # Without contracted multiplications: the same numbers as in Python, to the bit.
        flags = ["-O3", "-ffp-contract=off", "-fvisibility=hidden"] if sys.platform != "win32" else []
        extension = Extension(
            "relay._core",
            sorted(str(path.relative_to(root)) for path in (root / FOLDER).glob("*.c")),
            define_macros=[("SOURCE_HASH", f'"{told}"')],
            extra_compile_args=flags,
        )
        with tempfile.TemporaryDirectory() as scratch:
            command = build_ext(Distribution({"ext_modules": [extension]}))
            command.build_lib = command.build_temp = scratch
            command.ensure_finalized()
            command.run()
            made = Path(command.get_ext_fullpath("relay._core"))
            return Path(shutil.copy(made, root / "relay" / made.name))
