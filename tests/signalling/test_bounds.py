"""The named bounds of joins and rates, each reached."""

import asyncio

import pytest

from signalling.config import HomeConfig
from signalling.errors import BusyError
from signalling.joining import PasswordDesk
from signalling.limits import (
    EARLY_CANDIDATES,
    EARLY_CONNECTIONS,
    MAX_ADDRESSES,
    MAX_OFFER_CHARS,
    MAX_PASSWORD_CHECKS,
    PASSWORD_TRIES_PER_MINUTE,
)
from signalling.passwords import hashed
from signalling.rates import RateLimiter, address_key
from signalling.switchboard import Event, Switchboard
from soiree.rtc.engine import Candidate
from tests.signalling.conftest import Lobby, running_lobby


async def test_joins_of_one_address_in_a_minute() -> None:
    async with running_lobby(HomeConfig(joins_per_minute=3)) as lobby:
        lobby.home.monotonic = lambda: 0.0
        room = (await lobby.create())["room"]
        for _ in range(3):
            await lobby.join(room)
        async with lobby.client.post(f"/api/v1/rooms/{room['id']}/join", json={"name": "Ada"}) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (429, "rate")
            assert response.headers["Retry-After"] == "20"
        lobby.home.monotonic = lambda: 20.1
        await lobby.join(room)


async def test_rooms_made_by_one_address_in_a_minute_and_at_a_time() -> None:
    async with running_lobby(HomeConfig(creations_per_minute=2)) as lobby:
        await lobby.create()
        await lobby.create()
        assert (await lobby.call("POST", "/rooms", {"name": "Den"}))[1]["error"]["code"] == "rate"
    async with running_lobby(HomeConfig(max_rooms_per_address=1)) as lobby:
        await lobby.create()
        assert (await lobby.call("POST", "/rooms", {"name": "Den"}))[1]["error"]["code"] == "too-many-rooms"


async def test_wrong_codes_of_one_address_in_a_minute() -> None:
    async with running_lobby(HomeConfig(misses_per_minute=3)) as lobby:
        lobby.home.monotonic = lambda: 0.0
        room = (await lobby.create())["room"]
        for _ in range(3):
            assert (await lobby.call("GET", "/rooms/nowhere"))[0] == 404
        for path in ("/rooms/nowhere", f"/rooms/{room['id']}"):
            status, body = await lobby.call("GET", path)
            assert (status, body["error"]["code"]) == (429, "rate")
        async with lobby.client.get(f"/r/{room['code']}") as response:
            assert response.status == 429
        lobby.home.monotonic = lambda: 20.1
        assert (await lobby.call("GET", f"/rooms/{room['id']}"))[0] == 200


async def test_tries_of_a_room_s_password(lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobby.home, "monotonic", lambda: 0.0)
    room = (await lobby.create(password="moon"))["room"]
    codes = []
    for _ in range(PASSWORD_TRIES_PER_MINUTE + 1):
        _, body = await lobby.call("POST", f"/rooms/{room['id']}/join", {"name": "Eve", "password": "sun"})
        codes.append(body["error"]["code"])
    assert codes == ["wrong-password"] * PASSWORD_TRIES_PER_MINUTE + ["rate"]


async def test_password_checks_at_a_time() -> None:
    desk = PasswordDesk()
    hashing = [asyncio.ensure_future(desk.hash("moon")) for _ in range(MAX_PASSWORD_CHECKS)]
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await desk.hash("moon")
    await asyncio.gather(*hashing)
    assert (await desk.hash("moon")).matches("moon")
    desk.close()


async def test_the_length_of_an_offer(lobby: Lobby) -> None:
    room = (await lobby.create())["room"]
    long = "v=0" + " " * (MAX_OFFER_CHARS - 3)
    assert (await lobby.join(room, offer=long))["answer"]
    refused = await lobby.call("POST", f"/rooms/{room['id']}/join", {"name": "Ada", "offer": long + " "})
    assert (refused[0], refused[1]["error"]["field"]) == (400, "offer")


def test_addresses_remembered_by_a_rate_limiter() -> None:
    limiter = RateLimiter(1)
    for n in range(MAX_ADDRESSES + 50):
        assert limiter.take(str(n), 0.0) == 0.0
    assert len(limiter) == MAX_ADDRESSES
    assert limiter.take(str(MAX_ADDRESSES + 49), 0.0) > 0.0
    assert limiter.take("0", 0.0) == 0.0


def test_a_rate_is_so_many_a_minute_and_the_wait_is_told() -> None:
    limiter = RateLimiter(6)
    assert [limiter.take("a", 0.0) for _ in range(6)] == [0.0] * 6
    assert limiter.take("a", 0.0) == pytest.approx(10.0)
    assert limiter.take("b", 0.0) == 0.0
    assert limiter.take("a", 4.0) == pytest.approx(6.0)
    assert limiter.take("a", 10.0) == 0.0


def test_one_client_is_an_ipv4_address_or_the_64_of_an_ipv6_one() -> None:
    assert address_key("192.0.2.7") == address_key("::ffff:192.0.2.7") == "192.0.2.7"
    assert address_key("2001:db8:1:2:3:4:5:6") == address_key("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert address_key("unknown") == "unknown"


class Listener:
    def __init__(self) -> None:
        self.heard: list[tuple[str, Event]] = []

    def tell(self, connection: str, event: Event) -> None:
        self.heard.append((connection, event))


def test_candidates_kept_before_an_answer_are_bounded_and_given_once() -> None:
    board, listener = Switchboard(), Listener()
    with board.offering():
        for connection in range(EARLY_CONNECTIONS + 5):
            for n in range(EARLY_CANDIDATES + 5):
                board.tell(str(connection), Candidate(str(n)))
        assert sum(map(len, board._early.values())) == EARLY_CONNECTIONS * EARLY_CANDIDATES
        board.connect("0", listener)
        board.connect(str(EARLY_CONNECTIONS), listener)
    assert listener.heard == [("0", Candidate(str(n))) for n in range(EARLY_CANDIDATES)]
    assert not board._early


def test_nothing_is_kept_while_no_offer_is_under_way_nor_after_the_line_is_cut() -> None:
    board, listener = Switchboard(), Listener()
    board.tell("c1", "failed")
    board.connect("c1", listener)
    board.tell("c1", "failed")
    board.disconnect("c1")
    board.tell("c1", "closed")
    assert listener.heard == [("c1", "failed")]
    assert len(board) == 0


def test_a_password_is_known_by_its_hash_alone() -> None:
    moon = hashed("moon")
    assert moon.matches("moon")
    assert not moon.matches("sun")
    assert hashed("moon").digest != moon.digest
