"""The import contract of the pure cores: they find themselves, so no list can fall behind the code.

A module is a pure core when a line of its docstring begins with "Pure core"; a package that says so speaks for everything in it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bench", "party", "relay", "signalling", "soiree", "turn")

_DECLARATION = re.compile(r"^\s*Pure core\b", re.MULTILINE)


def module_name(path: Path, root: Path) -> str:
    """The dotted name of the module in file `path` below `root`."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def declared_cores(root: Path = ROOT, packages: tuple[str, ...] = PACKAGES) -> Iterator[str]:
    """Names of the modules and packages whose docstring declares them pure cores, in the order of the tree."""
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            if "node_modules" in path.parts:  # what npm brought for the benchmarks
                continue
            docstring = ast.get_docstring(ast.parse(path.read_bytes())) or ""
            if _DECLARATION.search(docstring):
                yield module_name(path, root)


def impure_chains(graph: ImportGraph, cores: list[str], forbidden: list[str]) -> list[tuple[str, ...]]:
    """Each shortest chain of imports that leads from a core, or from inside it, to a forbidden module."""
    known = [name for name in forbidden if name in graph.modules]
    return sorted(
        chain
        for core in cores
        for name in known
        for chain in graph.find_shortest_chains(importer=core, imported=name, as_packages=True)
    )


class PureCoreContract(Contract):
    """No declared pure core imports a forbidden module, be it through others of ours."""

    forbidden_modules = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Break with the chains that `impure_chains` finds."""
        chains = impure_chains(graph, list(declared_cores()), list(self.forbidden_modules))  # type: ignore[call-overload]  # fields are descriptors
        return ContractCheck(kept=not chains, metadata={"chains": chains})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one chain a line."""
        for chain in check.metadata["chains"]:
            output.print_error(" -> ".join(chain))
