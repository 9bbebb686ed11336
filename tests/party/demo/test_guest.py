"""The demo's guest is in the room, has brought one thing for each rule, greets, and gives when asked."""

import asyncio
from pathlib import Path

import soiree
from party.config import PartyConfig
from party.demo.opening import PARTY_CODE
from party.server import PartyServer
from relay.config import RelayConfig
from signalling.config import HomeConfig


async def test_a_newcomer_meets_the_guest_and_its_things(tmp_path: Path) -> None:
    home = HomeConfig(port=0, data_dir=tmp_path)
    server = PartyServer(PartyConfig(home, RelayConfig(engine="none"), demo="party"))
    await server.start()
    try:
        async with asyncio.timeout(20), soiree.join(server.url, room=PARTY_CODE, name="Ada") as room:
            found: dict[str, soiree.Entity] = {}
            greeted = moved = False
            async for change in room.changes():
                match change:
                    case soiree.Spawned(entity):
                        found[entity.kind] = entity
                    case soiree.Event(name="chat", payload={"text": text}):
                        greeted = greeted or "Ada" in text
                    case soiree.StateUpdated():
                        moved = True
                    case _:
                        pass
                if greeted and moved and len(found) == 5:
                    break
            assert {kind: thing.rule for kind, thing in found.items()} == {
                "ball": "allow", "box": "ask", "sign": "deny", "vehicle": "allow", "avatar": "deny",
            }  # fmt: skip
            await found["ball"].request()
            await found["box"].request("may I?")
            assert found["ball"].owner == found["box"].owner == room.peer_id
    finally:
        await server.stop()
