"""What a host decides, as guests hear of it: capacity, lock, password, kick, the end of the room."""

from typing import Any

import pytest

import soiree
from tests.system.party_process import CallError, Party, PartyOf
from tests.system.ways import BEST, change, crowd, join, server_engine, until


def _make(server: Party, **settings: object) -> tuple[str, str]:
    """Code and host key of a new room."""
    made = server.call("POST", "/rooms", {"name": "hosted", **settings})
    return made["room"]["code"], made["host_key"]


async def _turned_away(server: Party, code: str, **more: Any) -> str:
    """Why one may not come in."""
    with pytest.raises(soiree.JoinError) as refused:
        async with join(server.url, code, "websocket", **more):
            pass
    assert refused.value.message
    return refused.value.code


async def test_a_full_room_takes_nobody_until_somebody_leaves(party_of: PartyOf) -> None:
    server = party_of(BEST)
    code, _ = _make(server, capacity=2)
    async with join(server.url, code, "websocket"):
        async with join(server.url, code, BEST):
            assert await _turned_away(server, code) == "room-full"
        await until(lambda: server.call("GET", f"/rooms/{code}")["peers"] == 1, what="its place is free")
        async with join(server.url, code, "websocket") as third:
            await until(lambda: len(third.peers) == 2, what="it hears of both")


async def test_a_peer_that_is_away_keeps_its_place(party_of: PartyOf) -> None:
    server = party_of(BEST)
    code, _ = _make(server, capacity=2)
    async with join(server.url, code, "websocket") as room, join(server.url, code, "websocket") as other:
        changes = other.changes()
        other._lifeline.lose("the test")  # and at once on its way back
        assert await _turned_away(server, code) == "room-full"
        await change(changes, soiree.Connected)
        assert set(room.peers) == {room.peer_id, other.peer_id}


async def test_a_locked_room_takes_nobody_but_those_who_come_back(party_of: PartyOf) -> None:
    server = party_of(BEST)
    code, key = _make(server)
    async with join(server.url, code, "websocket") as inside:
        server.call("PATCH", f"/rooms/{code}", {"locked": True}, key)
        assert await _turned_away(server, code) == "room-locked"
        inside._lifeline.lose("the test")
        await change(inside.changes(), soiree.Connected)
        server.call("PATCH", f"/rooms/{code}", {"locked": False}, key)
        async with join(server.url, code, "websocket") as second:
            await until(lambda: set(second.peers) == {inside.peer_id, second.peer_id}, what="it hears of both")


async def test_a_password_is_asked_for(party_of: PartyOf) -> None:
    server = party_of(BEST)
    code, _ = _make(server, password="open sesame")
    assert await _turned_away(server, code) == "wrong-password"
    assert await _turned_away(server, code, password="open barley") == "wrong-password"
    async with join(server.url, code, "websocket", password="open sesame") as room:
        assert room.closed is None


async def test_a_kicked_peer_has_left_and_hears_why(party_of: PartyOf, way: str) -> None:
    server = party_of(server_engine(way))
    code, key = _make(server)
    async with crowd(server.url, code, "websocket", way) as (witness, guest):
        box = await guest.spawn("box", lifetime="with-room")
        changes = witness.changes(state=False)
        server.call("POST", f"/rooms/{code}/kick", {"peer_id": guest.peer_id, "reason": "enough"}, key)
        assert await guest.wait_closed() == "kicked"
        with pytest.raises(soiree.RoomClosedError) as told:
            await guest.send_event("but")
        assert (told.value.reason, str(told.value)) == ("kicked", "enough")
        left = await change(changes, soiree.Left)
        assert (left.peer.id, left.reason) == (guest.peer_id, "kicked")
        assert witness.entities[box.id].master == witness.peer_id
        resume = guest.resume_token
    assert await _turned_away(server, code, resume=resume) == "session-gone"


async def test_a_closed_room_is_over_for_all_in_it(party_of: PartyOf, way: str) -> None:
    server = party_of(server_engine(way))
    code, key = _make(server)
    async with crowd(server.url, code, way, "websocket") as rooms:
        server.call("DELETE", f"/rooms/{code}", key=key)
        assert [await room.wait_closed() for room in rooms] == ["closed", "closed"]
    assert await _turned_away(server, code) == "unknown-room"


async def test_a_stranger_hosts_nothing(party_of: PartyOf) -> None:
    server = party_of(BEST)
    code, _ = _make(server)
    _, key_of_another = _make(server)
    async with join(server.url, code, "websocket") as room:
        for key, status in ((None, 401), ("nonsense", 401), (key_of_another, 403)):
            for method, path, body in (
                ("DELETE", "", None),
                ("PATCH", "", {"locked": True}),
                ("POST", "/kick", {"peer_id": room.peer_id}),
            ):
                with pytest.raises(CallError) as refused:
                    server.call(method, f"/rooms/{code}{path}", body, key)
                assert refused.value.status == status
        assert room.closed is None
