"""Environment variables as rows of a table: what each sets, how it is read, and how `--help` and the documents tell it.

Each server package fills a table of its own in its `config.py`, which alone reads the environment.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class SettingError(ValueError):
    """A setting that cannot be used; the message names it and says what is expected."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable."""

    variable: str
    field: str
    """What it sets in its component's configuration."""
    default: str
    """As people read it."""
    meaning: str
    read: Callable[[str], Any]
    """Text to value; raises ValueError with words."""


def read_settings(settings: Sequence[Setting], environment: Mapping[str, str]) -> dict[str, Any]:
    """Field → value of all that the environment says. Raises SettingError, naming the variable."""
    values: dict[str, Any] = {}
    for setting in settings:
        if said := environment.get(setting.variable, "").strip():
            try:
                values[setting.field] = setting.read(said)
            except ValueError as error:
                raise SettingError(f"{setting.variable}: {error}") from None
    return values


def settings_help(settings: Sequence[Setting]) -> str:
    """The settings for `--help`: one line each."""
    width = max(len(setting.variable) for setting in settings)
    return "\n".join(f"{s.variable:<{width}}  {s.meaning} [{s.default}]" for s in settings)


def settings_table(settings: Sequence[Setting]) -> str:
    """The settings as a table of docs/HOSTING.md."""
    rows = [f"| `{s.variable}` | {s.default} | {s.meaning} |" for s in settings]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def whole(text: str) -> int:
    """A whole number, not negative. Raises ValueError."""
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"must be a whole number, 0 or more, not {text!r}")
    return int(text)
