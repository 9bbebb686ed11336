"""One room on a relay: its core, the connections that carry its sessions, and the way from the core's outputs to them."""

import logging
from collections.abc import Callable
from random import SystemRandom

from relay.config import RoomConfig
from relay.connections import Connection
from relay.interest import STRIDE_TICKS
from relay.metrics import Metrics
from relay.outputs import Away, CloseConnection, Dropped, Granted, Joined, Left, Output, Refused, SendControl, SendState
from relay.room import Room
from soiree.link import HomeLink, LinkError, RoomSpec
from soiree.ticket import Ticket
from soiree.transport import CONTROL, STATE
from soiree.wire import control
from soiree.wire.errors import WireError
from soiree.wire.messages import VERSION, Bye, Error, Hello, Message
from soiree.wire.state import FrameType

log = logging.getLogger("soiree.relay.room")
_STATE = bytes([FrameType.STATE])

ADVANCE_TICKS = STRIDE_TICKS
"""Timers pass, and sight is looked at, at ticks at which somebody is served, and else after so many."""
MAX_FRAMES_PER_TICK = 16384
"""STATE frames that wait for the next tick, of all peers together; more are dropped and counted, since newer ones follow."""


def waits_for_a_tick(payload: bytes) -> bool:
    """Whether a message of the state stream is taken at the next tick, with all others of its kind, and not at once."""
    return payload[:1] == _STATE


class HostedRoom:
    """A room with its connections. After each call the core's outputs are carried out by `flush()`."""

    def __init__(self, spec: RoomSpec, config: RoomConfig, metrics: Metrics, now: float) -> None:
        self.room = Room(spec, config, now, SystemRandom())
        self.sessions: dict[int, str] = {}
        """Peer → session id, for all that have not left."""
        self.home: HomeLink | None = None
        self._room_id = spec.room_id
        self._metrics = metrics
        self._attached: dict[int, Connection] = {}
        self._began: dict[int, float] = {}
        """Peer → when its last fresh hello was taken (monotonic s), for those in `sessions`."""
        self._frames: list[tuple[int, bytes]] = []
        self._serves = False
        self._advanced = 0
        """Tick at which timers last passed."""

    def open_session(self, ticket: Ticket, now: float) -> None:
        """Let a ticket's peer in. Raises LinkError when the room is full or the peer is there already."""
        if ticket.peer in self.sessions:
            raise LinkError("unauthorized", "This peer is in the room already. Resume, or join again.")
        if len(self.sessions) >= self.room.spec.capacity:
            raise LinkError("room-full", f"The room is full ({self.room.spec.capacity}).")
        self.sessions[ticket.peer] = ticket.session
        self.room.open_session(
            ticket.peer,
            session_id=ticket.session,
            subject=ticket.subject,
            name=ticket.name,
            host=ticket.host,
            now=now,
        )
        self.flush()

    def first_message(self, connection: Connection, payload: bytes, now: float) -> None:
        """What a connection says before it is attached: it must be hello."""
        try:
            message = control.decode_from_client(payload)
        except WireError as error:
            self.refuse(connection, "malformed", str(error))
            return
        if not isinstance(message, Hello):
            self.refuse(connection, "protocol", "The first message of a connection must be hello.")
        elif message.version[0] != VERSION[0]:
            spoken = ".".join(map(str, VERSION))
            self.refuse(connection, "version", f"This relay speaks version {spoken}; update the client.")
        else:
            self._attach(connection, message, now)

    def _attach(self, connection: Connection, hello: Hello, now: float) -> None:
        if connection.peer not in self.sessions:
            self.refuse(connection, "session-gone", "This session has ended. Join again.")
            return
        if hello.fresh and connection.since < self._began.get(connection.peer, connection.since):
            # A client without memory comes over a connection made since. This hello was overtaken by another of the same client.
            self.refuse(connection, "superseded", "The session has begun over another connection.")
            return
        if not hello.fresh and not self.room.can_go_on(connection.peer, hello.applied):
            self.refuse(connection, "protocol", "This session cannot go on from there.")
            return
        if hello.fresh:
            self._began[connection.peer] = now
        older = self._attached.get(connection.peer)
        if older is not None:
            self.refuse(older, "superseded", "The session goes on over a newer connection.")
        connection.attached = True
        self._attached[connection.peer] = connection
        # What an older connection sent counts by that connection's numbers, which a fresh hello ends.
        self._frames = [frame for frame in self._frames if frame[0] != connection.peer]
        self.room.attach(connection.peer, hello, now)
        self._metrics.joins.labels(connection.transport.name, str(hello.fresh).lower()).inc()

    def refuse(self, connection: Connection, code: str, message: str) -> None:
        """Say why, and close a connection that does not (or no longer) carry its session."""
        self._hang_up(connection, Error(0, code, message), code)

    def dismiss(self, connection: Connection, reason: str) -> None:
        """Say that the session is over, and close a connection that does not carry it."""
        self._hang_up(connection, Bye(0, reason), reason)

    @staticmethod
    def _hang_up(connection: Connection, last: Message, reason: str) -> None:
        connection.attached, connection.refused = False, True
        connection.transport.send(connection.conn, CONTROL, control.encode(last))
        connection.transport.close(connection.conn, reason)

    def keep(self, peer: int, payload: bytes) -> None:
        """A message that `waits_for_a_tick`."""
        if len(self._frames) < MAX_FRAMES_PER_TICK:
            self._frames.append((peer, payload))
        else:
            self._metrics.drops.labels("frames").inc()

    def lost(self, connection: Connection, now: float) -> None:
        """The connection that carried a session is gone."""
        if self._attached.get(connection.peer) is connection:
            del self._attached[connection.peer]
            self.room.detach(connection.peer, now)
            self.flush()

    def serves(self, tick: int, serve_every: int, budget_share: float = 1.0) -> bool:
        """Set how often and how much is served (`relay.pacing`). Whether anybody is at this tick, which is taken next."""
        self.room.serve_every, self.room.budget_share = serve_every, budget_share
        self._serves = bool(self.sessions) and self.room.serves(tick)
        return self._serves

    def tick(self, tick: int, now: float) -> None:
        """One step of the world's clock: take what came, serve who is due, let timers pass."""
        if not self.sessions:
            return
        if self._serves:
            # First what is waited for: who is due gets what came, and only then is looked who sees what and who is silent.
            self.room.reach(tick, now)
            frames, self._frames = self._frames, []
            self.room.frames(frames, now)
            self._serve(now)
        if self._serves or tick - self._advanced >= ADVANCE_TICKS:
            self._advanced = tick
            self.room.advance(tick, now)
            self.flush()

    def _serve(self, now: float) -> None:
        count = size = 0
        for peer, frame in self.room.pack(now):
            connection = self._attached.get(peer)
            if connection is not None and connection.transport.send(connection.conn, STATE, frame):
                count += 1
                size += len(frame)
            else:
                self.room.dropped(peer, frame)
                self._metrics.drops.labels("congested").inc()
        if count:
            self._metrics.sent(STATE, count, size)

    def flush(self) -> None:
        """Carry out what the core wants."""
        for output in self.room.drain():
            self._carry_out(output)

    def _carry_out(self, output: Output) -> None:
        match output:
            case SendControl(peer, payload):
                self._send(peer, CONTROL, payload)
            case SendState(peer, payload):
                self._send(peer, STATE, payload)
            case CloseConnection(peer, reason):
                connection = self._attached.pop(peer, None)
                if connection is not None:
                    connection.attached, connection.refused = False, True
                    connection.transport.close(connection.conn, reason)
            case Joined(peer):
                self._metrics.peers.inc()
                log.info("peer %d joined %s", peer, self._room_id)
                self._tell_home(lambda home: home.peer_joined(self._room_id, peer))
            case Left(peer, reason):
                self.sessions.pop(peer, None)
                self._began.pop(peer, None)
                self._metrics.peers.dec()
                self._metrics.leaves.labels(reason).inc()
                log.info("peer %d left %s: %s", peer, self._room_id, reason)
                self._tell_home(lambda home: home.peer_left(self._room_id, peer, reason))
            case Away(peer, away):
                log.debug("peer %d of %s is %s", peer, self._room_id, "away" if away else "back")
            case Granted(cause):
                self._metrics.grants.labels(cause).inc()
            case Refused(reason):
                self._metrics.refusals.labels(reason).inc()
            case Dropped(reason, count):
                self._metrics.drops.labels(reason).inc(count)

    def _send(self, peer: int, stream: int, payload: bytes) -> None:
        connection = self._attached.get(peer)
        if connection is not None and connection.transport.send(connection.conn, stream, payload):
            self._metrics.sent(stream, 1, len(payload))

    def _tell_home(self, tell: Callable[[HomeLink], None]) -> None:
        if self.home is not None:
            tell(self.home)
