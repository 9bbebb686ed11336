"""The homeserver itself: directory, keys and relay joined together. REST, signalling and pages stand on it; it knows no HTTP."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

from signalling.config import HomeConfig
from signalling.directory import Directory, DirectoryBounds
from signalling.errors import InvalidError, RateError, UnknownPeerError, UnknownRoomError, relay_refusal
from signalling.feed import Feed
from signalling.ice import IceServers, configured_ice_servers
from signalling.occupancy import Occupancy
from signalling.rates import RateLimiter
from signalling.rooms import Change, Room, RoomDraft
from signalling.switchboard import Switchboard
from soiree.link import LinkError, RelayLink
from soiree.rtc.engine import Candidate
from soiree.ticket import LEEWAY_S, TicketIssuer

log = logging.getLogger("soiree.home")

SWEEP_INTERVAL_S = 1.0
"""How often lapsed tickets and empty rooms are looked for."""
HANG_UP_GRACE_S = 5.0
"""How long a connection may still take to open once its signalling socket is gone."""

T = TypeVar("T")


async def asked(call: Awaitable[T]) -> T:
    """What the relay answers; its refusals as errors of the API."""
    try:
        return await call
    except LinkError as error:
        raise relay_refusal(error) from error


class Subscription:
    """One subscriber of the list of rooms, and what wakes it."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.woken = asyncio.Event()
        self.woken.set()


class Stoppable(Protocol):
    """What is told that the server stops."""

    def stop(self) -> None: ...


class Homeserver:
    """Rooms, and the way into them. It is the `HomeLink` of its relay."""

    def __init__(
        self,
        config: HomeConfig,
        link: RelayLink,
        issuer: TicketIssuer,
        *,
        ice_servers: IceServers | None = None,
        rng: random.Random | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self.link = link
        self.monotonic = monotonic
        self.wall = wall
        self.issuer = issuer
        self.verifier = issuer.verifier()
        self.ice_servers = ice_servers or configured_ice_servers(config)
        bounds = DirectoryBounds(
            max_rooms=config.max_rooms,
            max_rooms_per_address=config.max_rooms_per_address,
            max_peers=config.max_peers,
            empty_room_life_s=config.empty_room_life_s,
            promise_life_s=config.ticket_life_s + LEEWAY_S + 1.0,
        )
        self.directory = Directory(bounds, rng or random.SystemRandom())
        self._misses = RateLimiter(config.misses_per_minute)
        self.switchboard = Switchboard()
        self.subscriptions: set[Subscription] = set()
        self.feeds = Occupancy(config.max_feeds, config.max_feeds_per_address)
        self.signal_sockets = Occupancy(config.max_signal_sockets, config.max_signal_sockets_per_address)
        self._tasks: set[asyncio.Task[None]] = set()
        self.signal_lines: set[Stoppable] = set()
        self.stopping = asyncio.Event()
        link.listen(self)

    # Rooms

    def find_room(self, key: str, client_key: str) -> Room:
        """The room with this id or code, for a client who cannot try them all. Raises UnknownRoomError, RateError."""
        now = self.monotonic()
        if wait_s := self._misses.wait_s(client_key, now):
            raise RateError("Too many wrong room codes from your address: wait a moment.", retry_after_s=wait_s)
        try:
            return self.directory.find(key)
        except UnknownRoomError:
            self._misses.take(client_key, now)
            raise

    async def create_room(self, draft: RoomDraft, *, creator: str) -> tuple[Room, str]:
        """Make a room and have the relay host it; gives the room and its host key. Raises ApiError."""
        self._check_capacity(draft.capacity)
        room = await self._open(draft, creator=creator)
        log.info("room %s created", room.room_id)
        return room, self.issuer.host_key(room=room.room_id, now=self.wall())

    async def create_permanent_room(self, draft: RoomDraft, *, code: str) -> Room:
        """A room of the server's own that never expires, such as the demo's. Raises ValueError for a code in use."""
        return await self._open(draft, code=code, permanent=True)

    async def change_room(self, room_id: str, change: Change) -> Room:
        """Change a room as its host asks. Raises ApiError."""
        if change.capacity is not None:
            self._check_capacity(change.capacity)
        room = self.directory.change(room_id, change)
        self.publish()
        await asked(self.link.open_room(room.spec()))
        return room

    async def close_room(self, room_id: str, reason: str = "closed") -> None:
        """Close a room and tell everybody in it. Raises ApiError."""
        self.directory.remove(room_id)
        self.publish()
        log.info("room %s closed: %s", room_id, reason)
        await asked(self.link.close_room(room_id, reason))

    async def kick(self, room_id: str, peer_id: int, reason: str) -> None:
        """End a peer's session. Raises UnknownPeerError."""
        if not await asked(self.link.kick(room_id, peer_id, reason)):
            raise UnknownPeerError(field="peer_id")

    async def _open(
        self, draft: RoomDraft, *, creator: str = "", code: str | None = None, permanent: bool = False
    ) -> Room:
        room = self.directory.create(
            draft, creator=creator, code=code, permanent=permanent, now=self.monotonic(), created_at=self.wall()
        )
        try:
            await asked(self.link.open_room(room.spec()))
        except BaseException:
            self.directory.remove(room.room_id)
            raise
        finally:
            self.publish()
        return room

    def hang_up(self, connections: Iterable[str]) -> None:
        """Give up connections whose signalling socket is gone; those that opened live on by themselves. Returns at once."""
        for connection in connections:
            self.switchboard.disconnect(connection)
            task = asyncio.ensure_future(self._hang_up(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _hang_up(self, connection: str) -> None:
        # A client may leave the moment its own side is open, which is a round trip before the relay's is.
        await asyncio.sleep(HANG_UP_GRACE_S)
        try:
            await self.link.hang_up(connection)
        except LinkError as error:
            log.debug("the relay did not hang up: %s", error.code)

    def _check_capacity(self, capacity: int) -> None:
        if capacity > self.config.max_capacity:
            raise InvalidError(f"Rooms here are for at most {self.config.max_capacity} peers.", field="capacity")

    # What the relay tells (HomeLink)

    def candidate(self, connection: str, candidate: Candidate) -> None:
        self.switchboard.tell(connection, candidate)

    def connection_closed(self, connection: str, reason: str) -> None:
        self.switchboard.tell(connection, reason)

    def peer_joined(self, room_id: str, peer_id: int) -> None:
        self.directory.arrived(room_id, peer_id)
        self.publish()

    def peer_left(self, room_id: str, peer_id: int, reason: str) -> None:  # noqa: ARG002 (the relay logs it)
        self.directory.departed(room_id, peer_id, self.monotonic())
        self.publish()

    # The lobby, and time

    def stop(self) -> None:
        """End what streams: subscribers and signalling sockets."""
        self.stopping.set()
        for subscription in self.subscriptions:
            subscription.woken.set()
        for line in self.signal_lines:
            line.stop()
        for task in self._tasks:
            task.cancel()

    def publish(self) -> None:
        """Tell the subscribers what changed in the directory."""
        events = self.directory.drain()
        for subscription in self.subscriptions if events else ():
            subscription.feed.add(events)
            subscription.woken.set()

    async def sweep(self) -> None:
        """Forget what has lapsed, once."""
        for room in self.directory.expire(self.monotonic()):
            log.info("room %s expired", room.room_id)
            try:
                await self.link.close_room(room.room_id, "closed")
            except LinkError as error:
                log.warning("the relay would not close room %s: %s", room.room_id, error.code)
        self.publish()

    async def keep_sweeping(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_S)
            await self.sweep()
