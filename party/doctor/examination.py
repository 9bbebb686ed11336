"""All checks of a server that one wants to get into, one after another, each told as soon as it is known."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from aiohttp import ClientSession

from party.doctor.findings import GUEST_CHECKS, TURN_CHECKS, Check, Failure, Finding, Outcome, skipped
from party.doctor.nat import WORDS, Address, Nat, Seen, kind_of_nat
from party.doctor.server_probe import admitted, ask_health, demand_room, examination_room, failure_of
from party.doctor.stun_probe import Answered, ask, resolved
from party.doctor.turn_probe import TurnServer, allocate, stun_addresses, turn_servers
from party.doctor.visit import MuteError, Visit
from soiree import rtc
from soiree.client.carrier import Carrier, DialError, WebRtcCarrier, WebSocketCarrier
from soiree.client.errors import JoinError
from soiree.client.joining import loopback_of
from soiree.client.lobby import Admission, IceServerInfo, split_invite
from soiree.rtc.engine import EngineConfig, IceServer

WEBRTC_TIMEOUT_S = 10.0
"""How long a WebRTC connection may take to come up here: who waits longer has given up."""
TURN_ENGINE = "aiortc"
"""It alone of our stacks speaks TURN over TCP and TLS."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be examined."""

    url: str
    """Address of a party, or an invite link: then its room has to be there, and nobody in it is disturbed."""
    room: str | None = None
    """A room to use; None: one is made, and closed afterwards."""
    password: str | None = None
    stun: tuple[Address, ...] = ()
    """STUN servers to ask beside those that the server names."""
    bind_address: str | None = None


async def examine(wish: Wish) -> AsyncIterator[Finding]:
    """Each finding as it comes, in the order of `GUEST_CHECKS`. Raises JoinError for an address that is none."""
    base_url, code = split_invite(wish.url)
    async with ClientSession() as http:
        health = await ask_health(http, base_url)
        yield health
        if not health.works:
            for check in GUEST_CHECKS[1:]:
                yield skipped(check, "no-server")
            return
        try:
            if code is not None:
                await demand_room(http, base_url, code)
            async with examination_room(http, base_url, wish.room) as room:
                async for finding in _Examination(http, base_url, room, wish).findings():
                    yield finding
        except JoinError as error:
            yield failure_of(error).of(Check.JOIN)
            for check in GUEST_CHECKS[2:]:
                yield skipped(check, "no-room")


class _Examination:
    """The checks that need a room."""

    def __init__(self, http: ClientSession, base_url: str, room: str, wish: Wish) -> None:
        self._http = http
        self._base_url = base_url
        self._room = room
        self._wish = wish
        self._bind = wish.bind_address or loopback_of(base_url)

    async def findings(self) -> AsyncIterator[Finding]:
        place = await self._place()
        if isinstance(place, Failure):
            yield place.of(Check.JOIN)
            for check in GUEST_CHECKS[2:]:
                yield skipped(check, "no-room")
            return
        yield Finding(Check.JOIN, Outcome.WORKS, facts={"room": place.room.code})
        servers = ice_servers(place.ice_servers)
        yield await self._visit(Check.WEBSOCKET, WebSocketVia(place))
        yield await self._webrtc(servers)
        answers = await self._ask_stun(servers)
        yield stun_finding(answers)
        yield nat_finding([answer.seen for answer in answers])
        async for finding in self._turn(servers):
            yield finding

    async def _place(self) -> Admission | Failure:
        return await admitted(self._http, self._base_url, self._room, self._wish.password)

    async def _visit(self, check: Check, via: "Via") -> Finding:
        """Go in over one connection. Each takes a place of its own, given back when it ends."""
        place = via.place or await self._place()
        if isinstance(place, Failure):
            return place.of(check)
        visit = Visit()
        try:
            stay = await visit.stay(via.carrier(visit, self._http, place), place.ticket or place.resume)
        except rtc.EngineUnavailableError as error:
            return Failure("no-engine", str(error)).of(check)
        except DialError as error:
            return via.failure(error).of(check)
        except MuteError as error:
            return Failure("mute", str(error)).of(check)
        facts = {"rung": stay.rung, "engine": stay.engine, "opened_ms": f"{stay.opened_ms:.0f}"}
        return Finding(check, Outcome.WORKS, rtt_ms=stay.rtt_ms, facts=facts)

    async def _webrtc(self, servers: tuple[IceServer, ...]) -> Finding:
        place = await self._place()
        if isinstance(place, Failure):
            return place.of(Check.WEBRTC)
        if "webrtc" not in place.transports:
            return skipped(Check.WEBRTC, "not-offered")
        config = EngineConfig(self._bind, ice_servers=without_turn(servers), connect_timeout_s=WEBRTC_TIMEOUT_S)
        return await self._visit(Check.WEBRTC, WebRtcVia(place, "auto", config))

    async def _ask_stun(self, servers: tuple[IceServer, ...]) -> list[Answered]:
        wanted = list(dict.fromkeys((*stun_addresses(servers), *self._wish.stun)))
        found = [await resolved(host, port) for host, port in wanted]
        known = [address for address in found if address is not None]
        return await ask(known, self._bind) if known else []

    async def _turn(self, servers: tuple[IceServer, ...]) -> AsyncIterator[Finding]:
        offered = turn_servers(servers)
        for check in TURN_CHECKS:
            of_this_kind = [server for server in offered if server.check is check]
            if not of_this_kind:
                yield skipped(check, "not-offered")
            for server in of_this_kind:
                yield await self._through(server)

    async def _through(self, server: TurnServer) -> Finding:
        """An allocation, and then a real data channel to the relay through this TURN server alone."""
        allocated = await allocate(server)
        if isinstance(allocated, Failure):
            return allocated.of(server.check, server=server.url)
        config = EngineConfig(
            self._bind, relay_only=True, ice_servers=(server.ice,), connect_timeout_s=WEBRTC_TIMEOUT_S
        )
        found = await self._visit(server.check, WebRtcVia(None, TURN_ENGINE, config))
        facts = {"server": server.url, "allocated_ms": f"{allocated[0]:.0f}", "relayed": "{}:{}".format(*allocated[1])}
        code = "no-relay" if found.code == "no-way" else found.code
        return replace(found, code=code, facts=facts | found.facts)


class Via:
    """One kind of connection into the room."""

    def __init__(self, place: Admission | None) -> None:
        self.place = place
        """The place to use; None: another one."""

    def carrier(self, visit: Visit, http: ClientSession, place: Admission) -> Carrier:
        """What carries it, not yet dialled."""
        raise NotImplementedError

    def failure(self, error: DialError) -> Failure:
        """Why it did not open."""
        raise NotImplementedError


class WebSocketVia(Via):
    """The data WebSocket."""

    def carrier(self, visit: Visit, http: ClientSession, place: Admission) -> Carrier:
        return WebSocketCarrier(visit, http, place.data_url)

    def failure(self, error: DialError) -> Failure:
        if error.code in ("unauthorized", "session-gone"):
            return Failure("unauthorized", str(error))
        return Failure("no-upgrade", str(error))


class WebRtcVia(Via):
    """Data channels, by an engine with these settings."""

    def __init__(self, place: Admission | None, engine: str, config: EngineConfig) -> None:
        super().__init__(place)
        self._engine = engine
        self._config = config
        self._dialled: WebRtcCarrier | None = None

    def carrier(self, visit: Visit, http: ClientSession, place: Admission) -> Carrier:
        self._dialled = WebRtcCarrier(visit, http, place.signal_url, self._engine, self._config)
        return self._dialled

    def failure(self, error: DialError) -> Failure:
        answered = self._dialled is not None and self._dialled.answered
        return Failure("no-way" if answered else "signal", str(error))


def ice_servers(told: Sequence[IceServerInfo]) -> tuple[IceServer, ...]:
    """As the API hands them out → as engines take them."""
    return tuple(IceServer(tuple(one.urls), one.username, one.credential) for one in told)


def without_turn(servers: tuple[IceServer, ...]) -> tuple[IceServer, ...]:
    """Their STUN URLs alone: what is direct must not go through TURN unseen."""
    kept = [replace(one, urls=tuple(url for url in one.urls if url.startswith("stun"))) for one in servers]
    return tuple(one for one in kept if one.urls)


def stun_finding(answers: Sequence[Answered]) -> Finding:
    """What STUN servers answered."""
    if not answers:
        return skipped(Check.STUN, "not-offered")
    heard = [answer for answer in answers if answer.rtt_ms is not None and answer.seen.mapped is not None]
    asked = ", ".join("{}:{}".format(*answer.seen.server) for answer in answers)
    if not heard:
        return Failure("silent", f"asked {asked}").of(Check.STUN)
    mapped = dict.fromkeys("{}:{}".format(*answer.seen.mapped) for answer in heard if answer.seen.mapped)
    fastest = min(answer.rtt_ms for answer in heard if answer.rtt_ms is not None)
    facts = {"mapped": ", ".join(mapped), "asked": str(len(answers)), "answered": str(len(heard))}
    return Finding(Check.STUN, Outcome.WORKS, rtt_ms=fastest, facts=facts)


def nat_finding(seen: Sequence[Seen]) -> Finding:
    """What the answers tell of the NAT."""
    kind = kind_of_nat(seen)
    unknown = kind in (Nat.UNKNOWN, Nat.SILENT, Nat.UNTRIED)
    outcome = Outcome.UNKNOWN if unknown else Outcome.WORKS
    return Finding(Check.NAT, outcome, detail=WORDS[kind], facts={"kind": str(kind)})
