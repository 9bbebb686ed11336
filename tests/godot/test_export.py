"""A project exported without an editor, as a server gives it to browsers."""

from pathlib import Path

import pytest

from signalling.config import HomeConfig
from tests.godot.export import export
from tests.godot.rig import PROJECTS, Game, Godot
from tests.signalling.conftest import running_lobby


@pytest.mark.asyncio(loop_scope="session")
async def test_it_runs_where_the_lobby_serves_it(godot: Godot, tmp_path: Path) -> None:
    export(PROJECTS / "hello", tmp_path)
    async with running_lobby(HomeConfig(godot_demo=tmp_path)) as lobby:
        url = str(lobby.client.make_url("/demo/?room=abc"))
        page = await godot.context.new_page()
        game = Game(page, url)
        godot.games.append(game)
        page.on("console", lambda message: game.hear(message))
        await page.add_init_script("window.soiree = {told: []}")
        await page.goto(url)
        await game.line("engine 4.6", within_s=60)
        await game.ask("visitors", "hello visitors")


def test_what_is_no_project_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"project\.godot"):
        export(tmp_path, tmp_path / "out")
