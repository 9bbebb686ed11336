"""A peer in a process of its own, to be killed, stopped or cut off: `python -m tests.system.victim URL ROOM WAY [RESUME [BIND]]`.

On stdout it says one JSON object a line. It asks for every entity of kind "lent" that it sees, and makes things of its own. On stdin a
line is an instruction: "talk N" sends N numbered events, "tell" reports, "leave" ends it in order.
"""

import asyncio
import json
import sys
from typing import Any

import soiree
from tests.system.ways import choice, engine

TALK_EVERY_S = 0.012


def say(**what: Any) -> None:
    """One line."""
    print(json.dumps(what), flush=True)


class Victim:
    """What the peer does and remembers."""

    def __init__(self, room: soiree.Room) -> None:
        self.room = room
        self.heard: list[int] = []
        """Numbers of others' events, in order."""
        self._tasks: set[asyncio.Task[None]] = set()

    def do(self, work: Any) -> None:
        """In the background."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def follow(self) -> None:
        """Watch the room until it ends."""
        changes = self.room.changes(state=False)
        for entity in list(self.room.entities.values()):
            self._meet(entity)
        async for change in changes:
            if isinstance(change, soiree.Spawned):
                self._meet(change.entity)
            elif isinstance(change, soiree.Event) and change.peer != self.room.peer_id:
                self.heard.append(change.payload)

    def _meet(self, entity: soiree.Entity) -> None:
        if entity.kind == "lent" and not entity.mine:
            self.do(entity.request())

    async def talk(self, count: int) -> None:
        """Say numbered events, each without waiting for the answer to the last."""
        said = []
        for number in range(count):
            said.append(asyncio.ensure_future(self.room.send_event("count", number)))
            await asyncio.sleep(TALK_EVERY_S)
        await asyncio.gather(*said)
        say(talked=count)

    def report(self) -> None:
        """All that the test may want to know."""
        owned = sorted(entity.id for entity in self.room.entities.values() if entity.mine)
        mastered = sorted(entity.id for entity in self.room.entities.values() if entity.mastered)
        say(
            peer=self.room.peer_id,
            owned=owned,
            mastered=mastered,
            heard=self.heard,
            connections=self.room.stats().connections,
            transport=self.room.transport,
            closed=self.room.closed,
        )


async def _instructions() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def main(url: str, code: str, way: str, resume: str = "", bind: str = "127.0.0.1") -> None:
    """Be in the room until told to leave."""
    async with soiree.join(
        url,
        room=code,
        name=f"victim {way}",
        transport=choice(way),
        engine=engine(way),
        bind_address=bind,
        resume=resume or None,
    ) as room:
        victim = Victim(room)
        victim.do(victim.follow())
        if not resume:
            await room.spawn("its box")
            await room.spawn("its car", lifetime="with-room")
        say(ready=room.peer_id, resume=room.resume_token)
        reader = await _instructions()
        async for line in reader:
            match line.decode().split():
                case ["talk", count]:
                    victim.do(victim.talk(int(count)))
                case ["tell"]:
                    victim.report()
                case ["leave"]:
                    break


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
