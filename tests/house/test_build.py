"""Installing compiles the relay's inner loops, and goes on without where that cannot be done."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from relay import core_sources

ROOT = Path(__file__).resolve().parents[2]


class Hook:
    """What hatchling, which is there only while something is built, gives a hook."""

    root: str
    target_name = "wheel"


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Of a tree with nothing but the C source."""
    interface = ModuleType("hatchling.builders.hooks.plugin.interface")
    interface.BuildHookInterface = Hook  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shutil.copytree(core_sources.FOLDER, tmp_path / "relay" / "core")
    shutil.copy(str(core_sources.__file__), tmp_path / "relay")
    monkeypatch.chdir(tmp_path)
    found = module.CompileHook()
    found.root = str(tmp_path)
    return found


def built(hook: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"artifacts": []}
    hook.initialize("editable", data)
    return data


@pytest.mark.skipif(shutil.which("cc") is None and not os.environ.get("CI"), reason="there is no C compiler")
def test_the_core_is_compiled_and_knows_its_source(hook: Any) -> None:
    data = built(hook)
    assert data["pure_python"] is False
    (artifact,) = data["artifacts"]
    spec = importlib.util.spec_from_file_location("relay._core", Path(hook.root) / artifact)
    assert spec
    assert core_sources.source_hash() == importlib.util.module_from_spec(spec).SOURCE_HASH


@pytest.mark.parametrize("broken", ["compiler", "source"])
def test_without_it_all_is_installed_the_same_and_what_is_lost_is_said(
    hook: Any, broken: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if broken == "compiler":
        monkeypatch.setenv("CC", "/nowhere/cc")
    else:
        (Path(hook.root) / "relay" / "core" / "flight.c").write_text('#include "nowhere.h"\n')
    assert built(hook) == {"artifacts": []}
    assert "apt-get install gcc" in capfd.readouterr().err
    assert not list((Path(hook.root) / "relay").glob("*.so"))
