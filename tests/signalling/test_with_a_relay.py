"""The homeserver in front of a real relay, met by real WebRTC stacks: offers, trickled candidates, ICE restarts, one-shot joins."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from aiohttp import ClientWebSocketResponse, WSMsgType

from relay.config import RelayConfig, RoomConfig
from relay.service import RelayService
from signalling.config import HomeConfig
from soiree.rtc import EngineConfig, RtcError, available, create
from soiree.rtc.engine import Engine
from soiree.ticket import TicketIssuer
from soiree.transport import CONTROL
from soiree.wire import control
from soiree.wire import messages as m
from tests.relay.transports.stage import Recorder
from tests.signalling.conftest import SECRET, Json, Lobby, running_lobby, until

LOOPBACK = EngineConfig(bind_address="127.0.0.1")


@dataclass
class Visit:
    """A client's WebRTC stack, and a homeserver before a relay."""

    lobby: Lobby
    relay: RelayService
    engine: Engine
    told: Recorder
    room: Json
    host_key: str

    def connections(self) -> float | None:
        """How many the relay has."""
        return self.relay.metrics.registry.get_sample_value("soiree_connections")

    async def open(self, conn: int) -> None:
        """Both streams of a connection are open."""
        await self.told.until(lambda: conn in self.told.opens)

    async def hello(self, conn: int) -> m.Welcome:
        """Say hello, and be welcomed."""
        before = len(self.told.received)
        said = m.Hello(n=0, version=m.VERSION, applied=0, fresh=True, agent="test", capabilities=[])
        assert self.engine.send(conn, CONTROL, control.encode(said))
        await self.told.until(lambda: any(packet.conn == conn for packet in self.told.received[before:]))
        heard = [packet.payload for packet in self.told.received[before:] if packet.conn == conn]
        welcome = control.decode_from_relay(heard[0])
        assert isinstance(welcome, m.Welcome)
        return welcome

    async def negotiate(self, ws: ClientWebSocketResponse, conn: int, token: str, *, trickle: bool) -> None:
        """An offer by the signalling socket, its candidates in it or sent one by one."""
        offer = await self.engine.offer(conn)
        lines = offer.splitlines()
        candidates = [line.removeprefix("a=") for line in lines if line.startswith("a=candidate:")]
        if trickle:
            offer = "\r\n".join(line for line in lines if "candidate" not in line) + "\r\n"
        await ws.send_json({"type": "offer", "token": token, "sdp": offer})
        for candidate in [*candidates, ""] if trickle else ():
            await ws.send_json({"type": "candidate", "candidate": candidate, "mid": "0"})
        answer = await ws.receive_json(timeout=10)
        assert answer["type"] == "answer"
        await self.engine.answered(conn, answer["sdp"])


@pytest_asyncio.fixture(params=available())
async def visit(request: pytest.FixtureRequest) -> AsyncIterator[Visit]:
    relay = RelayService(
        RelayConfig(engine=request.param, rtc=LOOPBACK, room=RoomConfig(left_after_s=0.2)),
        TicketIssuer(SECRET).verifier(),
    )
    await relay.start()
    told = Recorder()
    engine = create(request.param, LOOPBACK, told)
    async with running_lobby(HomeConfig(), relay) as lobby:
        made = await lobby.create()
        yield Visit(lobby, relay, engine, told, made["room"], made["host_key"])
        await engine.aclose()
        await relay.stop()


async def peers(visit: Visit) -> int:
    count: int = (await visit.lobby.call("GET", f"/rooms/{visit.room['id']}"))[1]["peers"]
    return count


@pytest.mark.parametrize("trickle", [False, True], ids=["whole", "trickled"])
async def test_an_offer_by_the_socket_opens_a_connection_that_outlives_it(visit: Visit, trickle: bool) -> None:
    joined = await visit.lobby.join(visit.room)
    async with visit.lobby.client.ws_connect("/api/v1/signal") as ws:
        await visit.negotiate(ws, 1, joined["ticket"], trickle=trickle)
        await visit.open(1)
    await until(lambda: not visit.lobby.home.signal_lines)
    welcome = await visit.hello(1)
    assert (welcome.peer, welcome.host) == (joined["peer_id"], False)
    assert welcome.room.code == visit.room["code"]
    assert await peers(visit) == 1


async def test_an_ice_restart_carries_the_session_to_a_new_connection(visit: Visit) -> None:
    joined = await visit.lobby.join(visit.room)
    async with visit.lobby.client.ws_connect("/api/v1/signal") as ws:
        await visit.negotiate(ws, 1, joined["ticket"], trickle=False)
        await visit.open(1)
        await visit.hello(1)
        await visit.negotiate(ws, 2, joined["resume"], trickle=True)
        await visit.open(2)
        assert (await visit.hello(2)).peer == joined["peer_id"]
        await visit.told.until_closed(1)
        await until(lambda: visit.connections() == 1)
        # The older one was told why itself; said here as well, it could come first, and without the words.
        await ws.send_json({"type": "offer", "token": joined["resume"], "sdp": await visit.engine.offer(3)})
        while (message := await ws.receive_json(timeout=10))["type"] == "candidate":
            pass
        assert message["type"] == "answer"
    assert await peers(visit) == 1


async def test_a_connection_that_never_opened_is_told_of_by_the_socket(visit: Visit) -> None:
    joined = await visit.lobby.join(visit.room)
    async with visit.lobby.client.ws_connect("/api/v1/signal") as ws:
        await ws.send_json({"type": "offer", "token": joined["ticket"], "sdp": await visit.engine.offer(1)})
        assert (await ws.receive_json(timeout=10))["type"] == "answer"
        assert (await visit.lobby.call("DELETE", f"/rooms/{visit.room['id']}", key=visit.host_key))[0] == 204
        while (message := await ws.receive_json(timeout=10))["type"] == "candidate":
            pass
        assert (message["type"], message["reason"]) == ("closed", "closed")


async def test_a_join_with_an_offer_is_in_with_one_round_trip(visit: Visit) -> None:
    joined = await visit.lobby.join(visit.room, visit.host_key, offer=await visit.engine.offer(1))
    assert joined["ticket"] is None
    await visit.engine.answered(1, joined["answer"])
    await visit.open(1)
    welcome = await visit.hello(1)
    assert (welcome.peer, welcome.host) == (joined["peer_id"], True)
    again = await visit.lobby.join(visit.room, resume=joined["resume"], offer=await visit.engine.offer(2))
    await visit.engine.answered(2, again["answer"])
    await visit.open(2)
    assert (await visit.hello(2)).peer == joined["peer_id"]


async def test_a_connection_that_ends_while_it_is_negotiated_is_told_and_forgotten(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a busy machine takes longer than the peer waits."""
    offer = await visit.engine.offer(1)
    rtc = visit.relay._rtc
    assert rtc is not None

    async def too_late(conn: int, _sdp: str) -> str:
        raise RtcError(f"connection {conn} was closed while it was negotiated")

    monkeypatch.setattr(rtc, "accept", too_late)
    status, body = await visit.lobby.call("POST", f"/rooms/{visit.room['id']}/join", {"name": "Ada", "offer": offer})
    assert (status, body["error"]["code"]) == (503, "unavailable")
    assert visit.connections() == 0


async def test_an_offer_that_is_none_leaves_nobody_behind(visit: Visit) -> None:
    wish = {"name": "Ada", "offer": "v=0 nothing"}
    status, body = await visit.lobby.call("POST", f"/rooms/{visit.room['id']}/join", wish)
    assert (status, body["error"]["code"]) == (400, "bad-sdp")
    assert await peers(visit) == 0
    assert visit.lobby.home.directory.taken == 0


async def test_a_kicked_peer_and_a_closed_room_are_gone_at_once(visit: Visit) -> None:
    joined = await visit.lobby.join(visit.room, offer=await visit.engine.offer(1))
    await visit.engine.answered(1, joined["answer"])
    await visit.open(1)
    await visit.hello(1)
    kick = {"peer_id": joined["peer_id"], "reason": "enough"}
    assert (await visit.lobby.call("POST", f"/rooms/{visit.room['id']}/kick", kick, visit.host_key))[0] == 204
    await visit.told.until_closed(1)
    assert await peers(visit) == 0
    status, body = await visit.lobby.call(
        "POST", f"/rooms/{visit.room['id']}/join", {"name": "Ada", "resume": joined["resume"]}
    )
    assert (status, body["error"]["code"]) == (410, "session-gone")
    assert (await visit.lobby.call("DELETE", f"/rooms/{visit.room['id']}", key=visit.host_key))[0] == 204


async def test_a_used_ticket_is_refused_by_the_relay(visit: Visit) -> None:
    joined = await visit.lobby.join(visit.room)
    async with visit.lobby.client.ws_connect("/api/v1/signal") as ws:
        await visit.negotiate(ws, 1, joined["ticket"], trickle=False)
        await visit.open(1)
    async with visit.lobby.client.ws_connect("/api/v1/signal") as ws:
        await ws.send_json({"type": "offer", "token": joined["ticket"], "sdp": await visit.engine.offer(2)})
        assert (await ws.receive_json(timeout=10))["code"] == "unauthorized"
        assert (await ws.receive(timeout=10)).type is WSMsgType.CLOSE
        assert ws.close_code == 4001


@pytest.mark.usefixtures("prompt")
async def test_a_client_that_gives_up_before_it_connected_is_hung_up(visit: Visit) -> None:
    joined = await visit.lobby.join(visit.room)
    async with visit.lobby.client.ws_connect("/api/v1/signal") as ws:
        offer = await visit.engine.offer(1)
        await ws.send_json({"type": "offer", "token": joined["ticket"], "sdp": offer})
        await ws.receive_json(timeout=10)
        assert visit.connections() == 1
    await until(lambda: visit.connections() == 0)
