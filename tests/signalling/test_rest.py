"""The REST API: what docs/PROTOCOL.md 1.1 promises."""

import re

import pytest

from signalling.limits import MAX_BODY_BYTES
from soiree.link import LinkError
from tests.signalling.conftest import Lobby

ROOM_FIELDS = {
    "id", "code", "name", "peers", "capacity", "public", "locked", "password", "invite_url", "created_at",
}  # fmt: skip
JOIN_FIELDS = {
    "peer_id", "session", "ticket", "resume", "identity", "room", "host", "ice_servers", "transports", "data_url",
    "signal_url", "answer", "connection",
}  # fmt: skip


def code_of(answer: tuple[int, dict[str, object]]) -> tuple[int, object, object]:
    status, body = answer
    error = body["error"]
    assert isinstance(error, dict)
    assert error["message"]
    return status, error["code"], error.get("field")


async def test_a_room_is_made_with_what_was_asked_and_hosted_by_the_relay(lobby: Lobby) -> None:
    made = await lobby.create(name=" The rooftop ", capacity=5, public=False, password="moon", max_speed_m_s=12.5)
    room = made["room"]
    assert set(room) == ROOM_FIELDS
    assert (room["name"], room["capacity"], room["public"], room["password"]) == ("The rooftop", 5, False, True)
    assert (room["peers"], room["locked"]) == (0, False)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", room["created_at"])
    assert made["invite_url"] == room["invite_url"] == str(lobby.client.make_url(f"/r/{room['code']}"))
    spec = lobby.relay.rooms[room["id"]]
    assert (spec.code, spec.name, spec.capacity, spec.max_speed_m_s) == (room["code"], "The rooftop", 5, 12.5)


async def test_a_room_is_read_by_id_and_by_code_in_any_case(lobby: Lobby) -> None:
    room = (await lobby.create())["room"]
    for key in (room["id"], room["code"], room["code"].upper()):
        assert await lobby.call("GET", f"/rooms/{key}") == (200, room)


async def test_the_lobby_lists_public_rooms_only(lobby: Lobby) -> None:
    public = (await lobby.create(name="Open"))["room"]
    await lobby.create(name="Quiet", public=False)
    assert await lobby.call("GET", "/rooms") == (200, {"rooms": [public]})


async def test_a_join_gives_everything_that_a_client_needs(lobby: Lobby) -> None:
    room = (await lobby.create())["room"]
    joined = await lobby.join(room, name="Ada")
    assert set(joined) == JOIN_FIELDS
    assert 2 <= joined["peer_id"] < 2**31
    assert joined["room"] == room
    assert (joined["host"], joined["transports"], joined["answer"]) == (False, ["webrtc", "websocket"], None)
    base = str(lobby.client.make_url("")).replace("http", "ws", 1).rstrip("/")
    assert (joined["data_url"], joined["signal_url"]) == (f"{base}/ws", f"{base}/api/v1/signal")
    ticket = lobby.home.verifier.ticket(joined["ticket"], lobby.home.wall())
    assert (ticket.room, ticket.peer, ticket.session) == (room["id"], joined["peer_id"], joined["session"])
    assert (ticket.name, ticket.host) == ("Ada", False)
    assert lobby.home.verifier.resume(joined["resume"], lobby.home.wall()).session == joined["session"]


async def test_peers_are_counted_from_the_ticket_s_use_to_the_session_s_end(lobby: Lobby) -> None:
    room = (await lobby.create())["room"]
    joined = await lobby.join(room)
    assert (await lobby.call("GET", f"/rooms/{room['id']}"))[1]["peers"] == 0
    lobby.relay.enter(joined["ticket"])
    assert (await lobby.call("GET", f"/rooms/{room['id']}"))[1]["peers"] == 1
    lobby.relay.end(joined["session"])
    assert (await lobby.call("GET", f"/rooms/{room['id']}"))[1]["peers"] == 0


async def test_an_unused_ticket_holds_its_place(lobby: Lobby) -> None:
    room = (await lobby.create(capacity=2))["room"]
    await lobby.enter(room)
    await lobby.join(room)
    refused = await lobby.call("POST", f"/rooms/{room['id']}/join", {"name": "Eve"})
    assert code_of(refused) == (409, "room-full", None)
    assert refused[1]["error"]["message"] == "The room is full (2 of 2)."


async def test_an_identity_is_kept_from_join_to_join_and_a_void_one_is_replaced(lobby: Lobby) -> None:
    room = (await lobby.create())["room"]
    first = await lobby.join(room)
    again = await lobby.join(room, identity=first["identity"])
    other = await lobby.join(room, identity="not one of ours")
    subjects = [lobby.home.verifier.ticket(join["ticket"], lobby.home.wall()).subject for join in (first, again, other)]
    assert again["identity"] == first["identity"] != other["identity"]
    assert subjects[0] == subjects[1] != subjects[2]


async def test_the_password_is_asked_for_and_the_host_key_opens_all_the_same(lobby: Lobby) -> None:
    made = await lobby.create(password="moon")
    room, path = made["room"], f"/rooms/{made['room']['id']}/join"
    assert code_of(await lobby.call("POST", path, {"name": "Eve"})) == (403, "wrong-password", "password")
    wrong = await lobby.call("POST", path, {"name": "Eve", "password": "sun"})
    assert code_of(wrong) == (403, "wrong-password", "password")
    assert (await lobby.join(room, password="moon"))["host"] is False
    hosting = await lobby.join(room, made["host_key"])
    assert hosting["host"] is True
    assert lobby.home.verifier.ticket(hosting["ticket"], lobby.home.wall()).host is True


async def test_a_locked_room_takes_nobody_new_but_its_host_and_those_who_come_back(lobby: Lobby) -> None:
    made = await lobby.create()
    room = made["room"]
    guest = await lobby.enter(room)
    status, changed = await lobby.call("PATCH", f"/rooms/{room['id']}", {"locked": True}, made["host_key"])
    assert (status, changed["locked"]) == (200, True)
    refused = await lobby.call("POST", f"/rooms/{room['id']}/join", {"name": "Eve"})
    assert code_of(refused) == (403, "room-locked", None)
    await lobby.join(room, made["host_key"])
    assert (await lobby.join(room, resume=guest["resume"]))["peer_id"] == guest["peer_id"]


async def test_a_resume_gives_the_same_place_even_in_a_full_room_with_a_password(lobby: Lobby) -> None:
    made = await lobby.create(capacity=1, password="moon")
    first = await lobby.enter(made["room"], password="moon")
    back = await lobby.join(made["room"], resume=first["resume"])
    assert (back["peer_id"], back["session"], back["ticket"]) == (first["peer_id"], first["session"], None)
    assert lobby.home.verifier.resume(back["resume"], lobby.home.wall()).session == first["session"]


async def test_a_host_who_comes_back_is_host_still(lobby: Lobby) -> None:
    made = await lobby.create()
    first = await lobby.enter(made["room"], made["host_key"])
    assert (await lobby.join(made["room"], resume=first["resume"]))["host"] is True


async def test_a_session_that_has_ended_is_gone(lobby: Lobby) -> None:
    room = (await lobby.create())["room"]
    other = (await lobby.create())["room"]
    joined = await lobby.enter(room)
    for place, resume in ((other, joined["resume"]), (room, "garbage"), (room, joined["ticket"])):
        refused = await lobby.call("POST", f"/rooms/{place['id']}/join", {"name": "Ada", "resume": resume})
        assert code_of(refused) == (410, "session-gone", "resume")
    lobby.relay.end(joined["session"])
    refused = await lobby.call("POST", f"/rooms/{room['id']}/join", {"name": "Ada", "resume": joined["resume"]})
    assert code_of(refused) == (410, "session-gone", "resume")


async def test_an_offer_in_the_join_is_answered_in_the_same_round_trip(lobby: Lobby) -> None:
    room = (await lobby.create())["room"]
    joined = await lobby.join(room, offer="v=0 offer")
    assert (joined["answer"], joined["connection"], joined["ticket"]) == ("v=0 answer", "c1", None)
    assert (await lobby.call("GET", f"/rooms/{room['id']}"))[1]["peers"] == 1
    again = await lobby.join(room, resume=joined["resume"], offer="v=0 offer")
    assert (again["connection"], again["session"]) == ("c2", joined["session"])


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        ("bad-sdp", 400, "bad-sdp"),
        ("unavailable", 503, "unavailable"),
        ("draining", 503, "shutdown"),
        ("unknown-room", 404, "unknown-room"),
        ("unauthorized", 500, "internal"),
    ],
)
async def test_an_offer_that_the_relay_refuses_gives_its_place_back(
    lobby: Lobby, refusal: str, status: int, code: str
) -> None:
    room = (await lobby.create(capacity=1))["room"]
    lobby.relay.refuses = LinkError(refusal, "no")
    refused = await lobby.call("POST", f"/rooms/{room['id']}/join", {"name": "Ada", "offer": "v=0"})
    assert code_of(refused)[:2] == (status, code)
    lobby.relay.refuses = None
    await lobby.join(room)


async def test_a_room_that_the_relay_will_not_host_is_not_made(lobby: Lobby) -> None:
    lobby.relay.refuses = LinkError("draining", "about to stop")
    assert code_of(await lobby.call("POST", "/rooms", {"name": "Den"})) == (503, "shutdown", None)
    assert await lobby.call("GET", "/rooms") == (200, {"rooms": []})


async def test_the_host_changes_everything_that_may_change(lobby: Lobby) -> None:
    made = await lobby.create(password="moon")
    path, key = f"/rooms/{made['room']['id']}", made["host_key"]
    status, room = await lobby.call("PATCH", path, {"name": "Attic", "capacity": 3, "public": False}, key)
    assert (status, room["name"], room["capacity"], room["public"]) == (200, "Attic", 3, False)
    assert lobby.relay.rooms[room["id"]].name == "Attic"
    assert (await lobby.call("PATCH", path, {"password": None}, key))[1]["password"] is False
    assert (await lobby.call("PATCH", path, {"password": "sun"}, key))[1]["password"] is True
    assert (await lobby.join(made["room"], password="sun"))["peer_id"]
    assert (await lobby.call("PATCH", path, {}, key))[1]["password"] is True


@pytest.mark.parametrize(("method", "path"), [("PATCH", ""), ("DELETE", ""), ("POST", "/kick")])
async def test_only_the_host_of_this_room_may(lobby: Lobby, method: str, path: str) -> None:
    made, other = await lobby.create(), await lobby.create()
    path, body = f"/rooms/{made['room']['id']}{path}", {"peer_id": 5, "locked": True}
    joined = await lobby.join(made["room"])
    assert code_of(await lobby.call(method, path, body)) == (401, "unauthorized", None)
    assert code_of(await lobby.call(method, path, body, "forged")) == (401, "unauthorized", None)
    assert code_of(await lobby.call(method, path, body, joined["resume"])) == (401, "unauthorized", None)
    assert code_of(await lobby.call(method, path, body, other["host_key"])) == (403, "not-host", None)
    assert lobby.relay.closed == []


async def test_a_closed_room_is_gone_and_everybody_in_it_is_told(lobby: Lobby) -> None:
    made = await lobby.create()
    await lobby.enter(made["room"])
    assert await lobby.call("DELETE", f"/rooms/{made['room']['id']}", key=made["host_key"]) == (204, {})
    assert lobby.relay.closed == [(made["room"]["id"], "closed")]
    assert code_of(await lobby.call("GET", f"/rooms/{made['room']['id']}")) == (404, "unknown-room", None)
    assert await lobby.call("GET", "/rooms") == (200, {"rooms": []})


async def test_a_kicked_peer_leaves_and_a_stranger_cannot_be_kicked(lobby: Lobby) -> None:
    made = await lobby.create()
    joined = await lobby.enter(made["room"])
    path, key = f"/rooms/{made['room']['id']}/kick", made["host_key"]
    wish = {"peer_id": joined["peer_id"], "reason": "enough"}
    assert await lobby.call("POST", path, wish, key) == (204, {})
    assert lobby.relay.kicked == [(made["room"]["id"], joined["peer_id"], "enough")]
    assert code_of(await lobby.call("POST", path, wish, key)) == (404, "unknown-peer", "peer_id")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "\u3000"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\n"}, "name"),
        ({"name": 5}, "name"),
        ({"name": "Den", "capacity": 0}, "capacity"),
        ({"name": "Den", "capacity": 257}, "capacity"),
        ({"name": "Den", "capacity": 1001}, "capacity"),
        ({"name": "Den", "capacity": "many"}, "capacity"),
        ({"name": "Den", "public": 1}, "public"),
        ({"name": "Den", "password": "x" * 129}, "password"),
        ({"name": "Den", "max_speed_m_s": 0}, "max_speed_m_s"),
        ({"name": "Den", "max_speed_m_s": 10001}, "max_speed_m_s"),
        ([], None),
        (None, None),
    ],
)
async def test_a_room_that_cannot_be_is_refused_by_the_field_at_fault(
    lobby: Lobby, body: object, field: str | None
) -> None:
    assert code_of(await lobby.call("POST", "/rooms", body)) == (400, "invalid", field)
    assert len(lobby.home.directory) == 0


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x" * 65}])
async def test_a_name_that_cannot_be_is_told_in_words_of_our_own(lobby: Lobby, body: object) -> None:
    room = (await lobby.create())["room"]
    _, told = await lobby.call("POST", f"/rooms/{room['id']}/join", body)
    assert told["error"]["message"].startswith("name: 1 to 64 characters")


async def test_whatever_is_not_json_is_refused(lobby: Lobby) -> None:
    for data in (b"", b"{", b"\xff\xfe", b'"\\ud800"', b"[" * 60000, b"\x00" * 100):
        async with lobby.client.post("/api/v1/rooms", data=data) as response:
            assert response.status == 400
            assert (await response.json())["error"]["code"] == "invalid"


async def test_a_body_above_its_bound_is_refused(lobby: Lobby) -> None:
    async with lobby.client.post("/api/v1/rooms", data=b" " * (MAX_BODY_BYTES + 1)) as response:
        assert response.status == 413
        assert (await response.json())["error"]["code"] == "too-large"


async def test_unknown_addresses_and_methods_are_refused_in_the_same_shape(lobby: Lobby) -> None:
    assert code_of(await lobby.call("GET", "/nothing")) == (404, "not-found", None)
    assert code_of(await lobby.call("GET", "/rooms/nowhere")) == (404, "unknown-room", None)
    assert code_of(await lobby.call("PUT", "/rooms", {})) == (405, "method", None)


async def test_health_and_readiness_are_told(lobby: Lobby) -> None:
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        async with lobby.client.get(path) as response:
            assert (response.status, (await response.json())["status"]) == (200, status)
    lobby.home.stop()
    async with lobby.client.get("/readyz") as response:
        assert (response.status, (await response.json())["status"]) == (503, "stopping")
