"""Tables of figures in a document: each between two marks, and written there by the benchmark that measured it."""

import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from bench.errors import BenchError

CPU_INFO = Path("/proc/cpuinfo")


class FiguresError(BenchError):
    """The document has no place for these figures."""


class Place(click.ParamType[tuple[Path, str]]):
    """Where figures go: a document and the name between its marks, as FILE#NAME."""

    name = "file#name"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Path, str]:
        if isinstance(value, tuple):
            return value
        path, _, name = str(value).partition("#")
        try:
            replaced(Path(path).read_text(), name, "")
        except (OSError, FiguresError) as error:
            self.fail(str(error), param, ctx)
        return Path(path), name


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, its first column to the left and all others to the right."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def replaced(document: str, name: str, figures: str) -> str:
    """The document with `figures` between the marks `<!-- figures: NAME -->` and `<!-- end -->`.

    Raises:
        FiguresError: it has no such marks, or several.
    """
    marks = re.compile(rf"(<!-- figures: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    made, places = marks.subn(lambda found: f"{found[1]}{figures}\n{found[2]}", document)
    if places != 1:
        raise FiguresError(f"the document has {places} places for figures named {name!r}, not one")
    return made


def write(place: tuple[Path, str], command: str, table: str) -> None:
    """Put a table there, with the command that measured it, the day and the machine."""
    path, name = place
    day = datetime.now(UTC).date().isoformat()
    path.write_text(replaced(path.read_text(), name, f"`{command}` on {day}, {machine()}:\n\n{table}"))


def machine() -> str:
    """What it was measured on, in a line."""
    models = re.findall(r"^model name\s*: (.*)$", CPU_INFO.read_text(), re.MULTILINE) if CPU_INFO.exists() else []
    cpu = f"{len(models)} × {models[0]}" if models else platform.machine()
    return f"{cpu}, {platform.system()} {platform.release().partition('-')[0]}, Python {platform.python_version()}"
