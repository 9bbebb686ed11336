"""The server as a whole: what one room breaks stays in that room."""

import logging
from pathlib import Path

import pytest

import soiree
from relay.hosted import HostedRoom
from relay.room import Room
from tests.party_server import running_party


@pytest.mark.parametrize(("core", "step"), [(HostedRoom, "tick"), (Room, "control")], ids=["tick", "control"])
async def test_a_room_that_fails_is_closed_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, core: type, step: str
) -> None:
    sound_step = getattr(core, step)
    broken: list[str] = []

    def fail(hosted: HostedRoom | Room, *what: object) -> None:
        room = hosted.room if isinstance(hosted, HostedRoom) else hosted
        if room.spec.code in broken:
            raise RuntimeError("a defect of the core")
        sound_step(hosted, *what)

    monkeypatch.setattr(core, step, fail)
    async with running_party(tmp_path, engine="none") as party:
        sound = await party.another_room()
        async with (
            soiree.join(party.url, room=sound, name="Ada") as well,
            soiree.join(party.url, room=party.room, name="Bob") as ill,
        ):
            with caplog.at_level(logging.ERROR):
                broken.append(party.room)
                ill.send(b"the last straw", reliable=True)
                with pytest.raises(soiree.RoomClosedError) as told:
                    async for _ in ill.changes():
                        pass
            assert told.value.code == "closed"
            assert "a defect of the core" in caplog.text
            ball = await well.spawn("ball", position=(0, 0, 0), rule="allow")
            assert ball.owner == well.peer_id
