"""What docs/PYTHON.md shows works as shown."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import soiree
from tests.party_server import Party

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "PYTHON.md").read_text()


def example(party: Party, printed: asyncio.Queue[object]) -> Callable[[], Awaitable[None]]:
    """The first example's `main`, pointed at this party; what it prints is put into a queue."""
    block = re.search(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert block is not None
    code = block.group(1).replace("http://127.0.0.1:8080", party.url).replace('"party"', repr(party.room))
    code, runs = re.subn(r"^asyncio\.run\(main\(\)\)$", "", code, flags=re.MULTILINE)
    assert runs == 1
    names: dict[str, Any] = {"print": printed.put_nowait}
    exec(compile(code, "PYTHON.md", "exec"), names)
    main: Callable[[], Awaitable[None]] = names["main"]
    return main


async def test_the_example_of_ten_lines_runs(party: Party) -> None:
    printed: asyncio.Queue[object] = asyncio.Queue()
    async with asyncio.timeout(20), soiree.join(party.url, room=party.room, transport="websocket") as witness:
        changes = witness.changes()
        running = asyncio.ensure_future(example(party, printed)())
        async for change in changes:
            if isinstance(change, soiree.StateUpdated) and change.entity.position[0] > 1.9:
                break
        await witness.send_event("seen")
        while not isinstance(shown := await printed.get(), soiree.Event):
            assert isinstance(shown, soiree.Change)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_every_change_is_described() -> None:
    changes = {
        name
        for name in soiree.__all__
        if isinstance(kind := getattr(soiree, name), type) and issubclass(kind, soiree.Change)
    }
    assert {name for name in changes - {"Change"} if f"`{name}`" not in DOCUMENT} == set()


@pytest.mark.parametrize("kind", [soiree.Room, soiree.Entity, soiree.Group], ids=["Room", "Entity", "Group"])
def test_every_public_method_is_described(kind: type) -> None:
    inner = {"write", "time", "relay_s", "open", "leave", "pump", "on_connection_packets", "on_interrupted"}
    inner |= {"account", "check_here", "shown", "take_placed", "take_owner", "take_moved"}
    own = {name for each in kind.__mro__[:-1] for name in vars(each)}
    public = {name for name in own if not name.startswith("_") and callable(getattr(kind, name))} - inner
    assert {name for name in public if not re.search(rf"`[^`]*\b{name}[`(]", DOCUMENT)} == set()
