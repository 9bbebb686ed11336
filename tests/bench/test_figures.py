"""Figures get into documents by the command that measured them, and nowhere else."""

from pathlib import Path

import click
import pytest

from bench.figures import FiguresError, Place, machine, markdown, replaced, write

DOCUMENT = "# A\n<!-- figures: one -->\nold\n<!-- end -->\nbetween\n<!-- figures: two -->\n<!-- end -->\n"


def test_only_what_is_between_the_marks_is_replaced() -> None:
    made = replaced(DOCUMENT, "one", "new")
    assert made == DOCUMENT.replace("old", "new")
    assert replaced(made, "two", "more") == made.replace("two -->\n", "two -->\nmore\n")


@pytest.mark.parametrize("name", ["three", "on", ""])
def test_a_name_without_marks_is_refused(name: str) -> None:
    with pytest.raises(FiguresError, match="0 places"):
        replaced(DOCUMENT, name, "new")


def test_a_name_with_several_marks_is_refused() -> None:
    with pytest.raises(FiguresError, match="2 places"):
        replaced(DOCUMENT + DOCUMENT, "one", "new")


def test_tables_are_markdown() -> None:
    assert markdown(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_the_command_and_the_machine_stand_above_the_table(tmp_path: Path) -> None:
    path = tmp_path / "document.md"
    path.write_text(DOCUMENT)
    write((path, "two"), "soiree bench relay", "| t |")
    made = path.read_text()
    assert "`soiree bench relay` on 20" in made
    assert f"{machine()}:\n\n| t |\n<!-- end -->" in made
    assert "old" in made


def test_a_place_is_checked_before_anything_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "document.md"
    path.write_text(DOCUMENT)
    assert Place().convert(f"{path}#two", None, None) == (path, "two")
    for wrong in (f"{path}#three", f"{path}", f"{tmp_path}/nothing.md#two"):
        with pytest.raises(click.BadParameter):
            Place().convert(wrong, None, None)
