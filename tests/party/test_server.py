"""The server as a whole: what one room breaks stays in that room."""

import logging
from pathlib import Path

import pytest

import soiree
from relay.hosted import HostedRoom
from tests.party_server import running_party


async def test_a_room_that_fails_is_closed_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tick = HostedRoom.tick
    broken: list[str] = []

    def fail(room: HostedRoom, number: int, now: float, serve_every: int) -> None:
        if room.room.spec.code in broken:
            raise RuntimeError("a defect of the core")
        tick(room, number, now, serve_every)

    monkeypatch.setattr(HostedRoom, "tick", fail)
    async with running_party(tmp_path, engine="none") as party:
        sound = await party.another_room()
        async with (
            soiree.join(party.url, room=sound, name="Ada") as well,
            soiree.join(party.url, room=party.room, name="Bob") as ill,
        ):
            with caplog.at_level(logging.ERROR):
                broken.append(party.room)
                with pytest.raises(soiree.RoomClosedError) as told:
                    async for _ in ill.changes():
                        pass
            assert told.value.code == "closed"
            assert "a defect of the core" in caplog.text
            ball = await well.spawn("ball", position=(0, 0, 0), rule="allow")
            assert ball.owner == well.peer_id
