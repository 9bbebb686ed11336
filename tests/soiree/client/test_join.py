"""The client as applications use it, against a real server, over each transport and engine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import soiree
from soiree import rtc
from soiree.client.ladder import Choice
from soiree.client.stay import BYE_S
from tests.party_server import Party, running_party

WAYS: list[tuple[Choice, str]] = [("websocket", "auto"), *(("webrtc", engine) for engine in rtc.available())]


@pytest_asyncio.fixture(params=WAYS, ids=["-".join(way) for way in WAYS])
async def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    transport, engine = request.param
    return {"transport": transport, "engine": engine}


@contextlib.asynccontextmanager
async def two(party: Party, **way: Any) -> AsyncIterator[tuple[soiree.Room, soiree.Room]]:
    async with (
        asyncio.timeout(30),
        soiree.join(party.url, room=party.room, name="Alice", **way) as alice,
        soiree.join(party.url, room=party.room, name="Bob", **way) as bob,
    ):
        yield alice, bob


async def until(room: soiree.Room, condition: Any) -> None:
    """Wait until `condition()` holds, looking after each change."""
    changes = room.changes()
    if condition():
        return
    async for _ in changes:
        if condition():
            return


async def test_two_share_a_ball(party: Party, way: dict[str, Any]) -> None:
    async with two(party, **way) as (alice, bob):
        assert alice.transport == bob.transport == way["transport"]
        await until(alice, lambda: len(alice.peers) == 2)
        await until(bob, lambda: len(bob.peers) == 2)
        assert {peer.name for peer in bob.peers.values()} == {"Alice", "Bob"}
        ball = await alice.spawn("ball", (0, 1, 0), rule="allow", properties={"colour": "red"})
        await until(bob, lambda: ball.id in bob.entities)
        seen = bob.entities[ball.id]
        assert (seen.kind, seen.uuid, seen.properties) == ("ball", ball.uuid, {"colour": "red"})
        ball.set((3, 1, 0), velocity=(1, 0, 0))
        await until(bob, lambda: seen.position == pytest.approx((3, 1, 0), abs=0.01))
        await seen.request()
        assert seen.mine
        await until(alice, lambda: ball.owner == bob.peer_id)
        seen.set((3, 2, 0))
        seen.set_props(b"spin")
        await until(alice, lambda: ball.props == b"spin" and ball.position == pytest.approx((3, 2, 0), abs=0.01))
        await seen.release()
        await ball.set_rule("deny")
        with pytest.raises(soiree.RefusedError) as refused:
            await seen.request()
        assert (refused.value.reason, refused.value.owner) == ("rule", alice.peer_id)
        await ball.despawn()
        await until(bob, lambda: not bob.entities)
        assert not seen.alive


async def test_what_is_spawned_in_a_group_comes_as_one(party: Party) -> None:
    async with two(party, transport="websocket") as (alice, bob):
        changes = bob.changes(state=False)
        group = alice.group()
        car = group.spawn("vehicle", (5, 0, 5), upright=True)
        group.spawn("cabin", (0, 1, 0), parent=car)
        await group.commit()
        assert car.entity is not None
        async for change in changes:
            if isinstance(change, soiree.Spawned):
                break
        kinds = {entity.kind for entity in bob.entities.values()}
        assert kinds == {"vehicle", "cabin"}, "the cabin is there when the vehicle is told"
        cabin = next(entity for entity in bob.entities.values() if entity.kind == "cabin")
        assert cabin.smooth().position == pytest.approx((5, 1, 5), abs=0.01)


async def test_a_leaver_leaves_nothing_behind(party: Party, way: dict[str, Any]) -> None:
    before = asyncio.all_tasks()
    async with two(party, **way) as (alice, _):
        reader = asyncio.create_task(_count(alice))
        await alice.send_event("hello")
    assert await reader >= 1, "the reading ends with the stay"
    async with asyncio.timeout(10):
        await _until_only(before)


async def _count(room: soiree.Room) -> int:
    return len([change async for change in room.changes()])


async def _until_only(before: set[asyncio.Task[Any]]) -> None:
    """Tasks of ours; the homeserver may hold on to a hung-up signalling socket for its own grace."""
    while left := {task for task in asyncio.all_tasks() - before if is_ours(task)}:
        await asyncio.wait(left, timeout=0.1)


def is_ours(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is None or "/signalling/" not in code.co_filename


async def test_a_thousand_messages_survive_three_switches(party: Party) -> None:
    heard: list[int] = []

    async def listen(room: soiree.Room) -> None:
        async for change in room.changes(state=False):
            if isinstance(change, soiree.Event):
                heard.append(change.payload)
                if len(heard) == 1000:
                    return

    async with two(party, transport="webrtc") as (alice, bob):
        listening = asyncio.create_task(listen(bob))
        await asyncio.sleep(0)
        ball = await alice.spawn("ball")
        peer_id = alice.peer_id
        sending = []
        for number in range(1000):
            sending.append(asyncio.create_task(alice.send_event("count", number)))
            if number == 250:
                await asyncio.gather(alice.switch("websocket"), bob.switch("websocket"))
                assert alice.transport == bob.transport == "websocket"
            if number == 500:
                await asyncio.gather(alice.switch("webrtc"), bob.switch("webrtc"))
                assert alice.transport == bob.transport == "webrtc"
            if number % 10 == 0:
                await asyncio.sleep(0.003)
        await asyncio.gather(*sending)
        await listening
        assert heard == list(range(1000))
        assert alice.peer_id == peer_id
        assert ball.mine
        assert alice.stats().connections == bob.stats().connections == 3


async def test_a_broken_connection_is_replaced_and_nothing_is_lost(party: Party, way: dict[str, Any]) -> None:
    async with two(party, **way) as (alice, bob):
        ball = await alice.spawn("ball", lifetime="with-room")
        changes = alice.changes()
        carrier = alice._lifeline.carrier
        assert carrier is not None
        await carrier.aclose()  # the connection dies under the session
        await alice.send_event("still here", entity=ball)
        async for change in changes:
            if isinstance(change, soiree.Event):
                break
        assert alice.stats().connections == 2
        assert ball.mine
        assert alice.entities[ball.id] is ball, "the same session went on"
        await until(bob, lambda: len(bob.peers) == 2)


async def test_who_leaves_between_two_connections_says_bye_on_the_next(party: Party) -> None:
    async with two(party, transport="websocket") as (alice, bob):
        changes = bob.changes(state=False)
        alice._lifeline.lose("cut")
        await alice.leave()
        assert alice.closed == "bye"
        async for change in changes:
            if isinstance(change, soiree.Left):
                assert (change.peer.id, change.reason) == (alice.peer_id, "bye")
                break


async def test_who_leaves_where_no_connection_comes_up_is_kept_for_a_second(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two(party, transport="websocket") as (alice, _):
        monkeypatch.setattr(alice._lifeline.ladder, "climb", asyncio.Event().wait)
        alice._lifeline.lose("cut")
        begun = asyncio.get_running_loop().time()
        await alice.leave()
        assert BYE_S <= asyncio.get_running_loop().time() - begun < BYE_S + 1.0


async def test_from_the_websocket_it_climbs_to_webrtc_by_itself(party: Party) -> None:
    async with two(party, transport="auto") as (alice, _):
        await alice.switch("websocket")
        assert alice.transport == "websocket"
        await alice.switch("auto")
        async for change in alice.changes():
            if isinstance(change, soiree.Connected) and alice.transport == "webrtc":
                break
        await alice.send_event("over WebRTC")
        assert alice.rung == "direct"


async def test_without_webrtc_at_the_relay_auto_means_websocket(tmp_path: Path) -> None:
    async with running_party(tmp_path, engine="none") as party, two(party) as (alice, _):
        assert alice.transport == alice.rung == "websocket"
        with pytest.raises(soiree.SoireeError, match="offers websocket"):
            await alice.switch("webrtc")
        await alice.send_event("it went on as it was")


async def test_bytes_go_both_ways(party: Party, way: dict[str, Any]) -> None:
    async with two(party, **way) as (alice, bob):
        await until(alice, lambda: len(alice.peers) == 2)
        changes = bob.changes()
        alice.send(b"reliably", to=bob.peer_id, reliable=True)
        found = await _first_data(changes)
        assert (found.peer, found.payload, found.reliable) == (alice.peer_id, b"reliably", True)
        hurling = asyncio.create_task(_hurl(alice))
        found = await _first_data(changes)
        hurling.cancel()
        assert (found.peer, found.payload, found.reliable) == (alice.peer_id, b"perhaps", False)
        with pytest.raises(ValueError, match="1024"):
            alice.send(bytes(1025))


async def _first_data(changes: Any) -> soiree.Data:
    async for change in changes:
        if isinstance(change, soiree.Data):
            return change
    raise AssertionError("the room was left")


async def _hurl(room: soiree.Room) -> None:
    """What may be lost is sent until it arrives."""
    while True:
        room.send(b"perhaps")
        await asyncio.sleep(0.05)


async def test_a_master_is_asked(party: Party) -> None:
    async with two(party, transport="websocket") as (alice, bob):
        box = await alice.spawn("box", rule="ask")
        await until(bob, lambda: box.id in bob.entities)
        alice.on_ask = lambda ask: ask.note == "please"
        with pytest.raises(soiree.RefusedError, match="denied"):
            await bob.entities[box.id].request()
        await bob.entities[box.id].request("please")
        assert box.owner == bob.peer_id


async def test_a_decision_that_fails_is_reported_and_left_to_the_readers(party: Party) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    def decide(_: soiree.Asked) -> bool:
        raise RuntimeError("of the application")

    async with two(party, transport="websocket") as (alice, bob):
        box = await alice.spawn("box", rule="ask")
        await until(bob, lambda: box.id in bob.entities)
        changes, alice.on_ask = alice.changes(state=False), decide
        requesting = asyncio.create_task(bob.entities[box.id].request())
        async for change in changes:
            if isinstance(change, soiree.Asked):
                change.allow()
                break
        await requesting
        assert [str(context["exception"]) for context in reported] == ["of the application"]


async def test_one_rides_in_another_and_stays_where_it_is(party: Party) -> None:
    async with two(party, transport="websocket") as (alice, bob):
        car = await alice.spawn("vehicle", (10, 0, 0))
        rider = await alice.spawn("box", (11, 2, 0))
        await rider.set_parent(car)
        assert rider.parent == car.id
        assert rider.position == pytest.approx((1, 2, 0), abs=0.01)
        assert rider.world_transform().position == pytest.approx((11, 2, 0), abs=0.01)
        car.set((20, 0, 0))
        await until(
            bob, lambda: rider.id in bob.entities and bob.entities[rider.id].world_transform().position[0] > 20.9
        )
        await rider.set_parent(None)
        assert rider.position == pytest.approx((21, 2, 0), abs=0.01)


async def test_everything_else_one_can_say(party: Party) -> None:
    async with two(party, transport="websocket") as (alice, bob):
        ball = await alice.spawn("ball", rule="deny")
        await ball.set_properties({"a": 1, "b": None})
        assert ball.properties == {"a": 1}
        await ball.set_lifetime("with-room")
        await ball.set_attach_rule("deny")
        assert (ball.lifetime, ball.attach_rule) == ("with-room", "deny")
        await until(bob, lambda: ball.id in bob.entities)
        await ball.assign(bob.peer_id)
        assert ball.owner == bob.peer_id
        await ball.set_master(bob.peer_id)
        assert ball.master == bob.peer_id
        await alice.set_view(1, 2, 3, 100)
        await alice.set_budget(512)
        with pytest.raises(soiree.RefusedError, match="not-master"):
            await ball.set_rule("allow")
        with pytest.raises(soiree.RefusedError, match="stale"):
            await alice.spawn("bullet", only_if=ball)


async def test_a_session_that_the_relay_ends_says_why(party: Party) -> None:
    async with asyncio.timeout(20), soiree.join(party.url, room=party.room, transport="websocket") as room:
        changes = room.changes()
        stopping = asyncio.create_task(party.server.stop())
        with pytest.raises(soiree.RoomClosedError) as closed:
            async for _ in changes:
                pass
        assert closed.value.reason == room.closed == "shutdown"
        with pytest.raises(soiree.RoomClosedError):
            await room.spawn("ball")
        await stopping


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("unknown-room", {"room": "nowhere"}),
        ("no-room", {"room": None}),
        ("bad-engine", {"engine": "steam"}),
        ("unreachable", {"url": "http://127.0.0.1:9"}),
        ("bad-url", {"url": "gopher://party"}),
    ],
)
async def test_what_cannot_be_joined_says_why(party: Party, code: str, how: dict[str, Any]) -> None:
    with pytest.raises(soiree.JoinError) as refused:
        async with soiree.join(**{"url": party.url, "room": party.room} | how):
            pass
    assert refused.value.code == code
    assert refused.value.message


async def test_a_full_room_and_a_wrong_password(party: Party) -> None:
    full = await party.another_room(capacity=1)
    async with soiree.join(party.url, room=full, transport="websocket"):
        with pytest.raises(soiree.JoinError) as refused:
            async with soiree.join(party.url, room=full, transport="websocket"):
                pass
        assert refused.value.code == "room-full"
    locked = await party.another_room(password="open sesame")
    with pytest.raises(soiree.JoinError) as refused:
        async with soiree.join(party.url, room=locked, password="mellon"):
            pass
    assert refused.value.code == "wrong-password"
    async with soiree.join(f"{party.url}/r/{locked}", password="open sesame", transport="websocket") as room:
        assert room.info.code == locked


async def test_a_crashed_client_comes_back_with_its_resume_token(party: Party) -> None:
    async with asyncio.timeout(20), contextlib.AsyncExitStack() as crash:
        first = await crash.enter_async_context(soiree.join(party.url, room=party.room, transport="websocket"))
        ball = await first.spawn("ball")
        async with soiree.join(party.url, room=party.room, resume=first.resume_token, transport="websocket") as again:
            await until(again, lambda: ball.id in again.entities)
            assert again.peer_id == first.peer_id
            assert again.entities[ball.id].mine
            assert await first.wait_closed() == "superseded"
