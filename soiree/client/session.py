"""One stay in a room, as the client lives it (docs/PROTOCOL.md sections 3 to 6).

Pure core: bytes and commands with `now` (monotonic s) in; bytes to send, answers and changes out, through `drain()`.
"""

from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import Any

from soiree.client import changes as ch
from soiree.client.downward import Frame
from soiree.client.errors import RoomClosedError
from soiree.client.hub import Hub, Write
from soiree.client.outputs import Answered, Broken, Ended, Output, SendControl, SendState, Welcomed
from soiree.client.state_stream import StateStream
from soiree.client.world import World
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire import state as st
from soiree.wire.control import Unknown
from soiree.wire.errors import WireError
from soiree.wire.numbered import BacklogError, Inbox, Outbox

AGENT = "soiree-python"
DOUBT_S = 10.0
"""How long after a welcome a hello that was given up before it may still reach the relay, which then takes it for the newer one."""
MALFORMED_LIMIT = 16
"""Frames of the relay that cannot be read, after which the connection is given up."""


class Phase(Enum):
    """Where the session stands; ENDED is final."""

    OFFLINE = "offline"
    """No connection, or none that has said hello."""
    GREETING = "greeting"
    """hello was said, welcome not yet heard."""
    LIVE = "live"
    ENDED = "ended"


class Session:
    """The whole state of a stay: numbered control, who and what is here, what goes up and has come down.

    Attributes:
        phase: where it stands.
        peer: our peer id, 0 before the first welcome.
        host: whether we are a host of the room.
        room: what the relay told of the room, None before the first welcome.
        world: who and what is here.
        state: the state stream.
    """

    def __init__(self, hub: Hub) -> None:
        self.phase = Phase.OFFLINE
        self.peer = 0
        self.host = False
        self.room: m.RoomInfo | None = None
        self.world = World(hub, self._answer)
        self._outbox = Outbox()
        self._inbox = Inbox()
        self.state = StateStream(self.world.entities, self._outbox.on_applied_low)
        self._fresh = True
        self._unanswered = False
        """A hello was said that no welcome followed, on a connection given up since."""
        self._doubt_until = 0.0
        self._malformed = 0
        self._outputs: deque[Output] = deque()

    def drain(self) -> list[Output]:
        """Everything to be sent or told since the last call, in order."""
        outputs = list(self._outputs)
        self._outputs.clear()
        return outputs

    @property
    def untold(self) -> int:
        """Control messages applied that no frame has told the relay of."""
        return self.state.untold(self._inbox.applied)

    # Connections.

    def attach(self) -> None:
        """A new connection is open: say hello on it. What is heard on an older one from now on must not be passed in."""
        if self.phase is Phase.ENDED:
            return
        self.detach()
        self.phase = Phase.GREETING
        self._malformed = 0
        hello = m.Hello(0, m.VERSION, 0 if self._fresh else self._inbox.applied, self._fresh, AGENT, [])
        self._outputs.append(SendControl(control.encode(hello)))

    def detach(self) -> None:
        """The current connection is gone."""
        self._unanswered |= self.phase is Phase.GREETING
        if self.phase is not Phase.ENDED:
            self.phase = Phase.OFFLINE

    def leave(self, reason: str) -> None:
        """Say bye and be done."""
        if self.phase is Phase.ENDED:
            return
        if self.phase is not Phase.OFFLINE:
            self._outputs.append(SendControl(control.encode(m.Bye(0, reason))))
        self.end(reason)

    def end(self, reason: str, words: str = "") -> None:
        """The session is over, for whatever reason came first."""
        if self.phase is not Phase.ENDED:
            self.phase = Phase.ENDED
            self._outputs.append(Ended(reason, words))

    # What the application says.

    def command(self, message_type: type[m.Message], *fields: Any) -> int:
        """Number a command and send it, now or as soon as there is a connection; returns its number.

        Raises:
            RoomClosedError: the session has ended, or just did since too much waits for the relay (`backlog`).
            ValueError: the message is too long to be sent.
        """
        if self.phase is Phase.ENDED:
            raise RoomClosedError("closed", "the session has ended")
        try:
            data = self._outbox.push(message_type, *fields)
        except BacklogError as error:
            self.end("backlog", str(error))
            raise RoomClosedError("backlog", str(error)) from error
        except (WireError, TypeError, OverflowError) as error:
            raise ValueError(str(error)) from error
        if self.phase is Phase.LIVE:
            self._outputs.append(SendControl(data))
        return self._outbox.last

    def write(self, write: Write, now: float) -> None:
        """Replicate a slot of an entity that we own, with the next frames. As `Hub.write`."""
        self.state.write(write, now)

    def frames(self, now: float) -> None:
        """A serving tick: put out what is due on the state stream."""
        if self.phase is Phase.LIVE:
            self._outputs.extend(map(SendState, self.state.frames(now, self._inbox.applied)))

    # What the relay says.

    def frame(self, payload: bytes, now: float) -> Frame | None:
        """A message of the state stream. Returns what moved, None when nothing could."""
        if self.phase is not Phase.LIVE:
            return None
        try:
            kind = st.frame_type(payload)
            if kind is st.FrameType.STATE:
                return self.state.on_state(payload, now)
            if kind is st.FrameType.PING:
                self._outputs.append(SendState(self.state.on_ping(payload, now)))
            elif kind is st.FrameType.DATA:
                peer, data = st.unpack_data(payload)
                self._outputs.append(ch.Data(peer, data, reliable=False))
        except WireError:
            self._malformed += 1
            if self._malformed == MALFORMED_LIMIT:
                self._outputs.append(Broken("malformed"))
        return None

    def control(self, payload: bytes, now: float) -> None:
        """A message of the control stream of the current connection."""
        if self.phase not in (Phase.GREETING, Phase.LIVE):
            return
        try:
            message = control.decode_from_relay(payload)
            if isinstance(message, m.Welcome):
                self._on_welcome(message, now)
            elif isinstance(message, m.Error) and message.code == "superseded" and self._doubts(now):
                self._outputs.append(Broken("superseded"))
            elif isinstance(message, m.Error):
                self.end(message.code, message.message)
            elif isinstance(message, m.Bye):
                self.end(message.reason)
            elif self.phase is Phase.LIVE:
                self._numbered(message, now)
        except WireError:
            # Nothing numbered may be lost: a new connection begins again behind the last message that was applied.
            self._outputs.append(Broken("protocol"))

    def _doubts(self, now: float) -> bool:
        """Whether a hello of our own may have overtaken the one that was said on the current connection."""
        return self.phase is Phase.GREETING or now < self._doubt_until

    def _on_welcome(self, welcome: m.Welcome, now: float) -> None:
        if self.phase is Phase.LIVE:
            raise WireError("welcome twice")
        if welcome.version[0] != m.VERSION[0]:
            self.end("version", f"the relay speaks version {welcome.version[0]}, this client {m.VERSION[0]}")
            return
        if self._fresh:
            self._begin_anew()
        elif not self._outbox.on_applied(welcome.applied):
            self.end("protocol", "the relay has applied what was never said")
            return
        if self._unanswered:
            self._unanswered, self._doubt_until = False, now + DOUBT_S
        self._fresh = False
        self.phase = Phase.LIVE
        self.peer, self.host, self.room = welcome.peer, welcome.host, welcome.room
        self.state.peer, self.state.max_speed_m_s = welcome.peer, welcome.room.max_speed_m_s
        self.state.clock.anchor(welcome.tick, now)
        self._outputs.append(Welcomed())
        self._outputs.extend(SendControl(data) for data in self._outbox.replay())

    def _begin_anew(self) -> None:
        self._inbox = Inbox()
        self.state.begin_anew()
        self.world.clear()

    def _numbered(self, message: m.Message | Unknown, now: float) -> None:
        """Apply it when it is next; a group as one, since nothing that is put out here is drained before its last message."""
        # All of it is read before its number counts as applied.
        grouped: Sequence[m.Message | Unknown] = (message,)
        if isinstance(message, m.Group):
            grouped = control.grouped_from_relay(message)
        if self._inbox.admit(message.n):
            for each in grouped:
                if not isinstance(each, Unknown):
                    self._apply(each, now)

    def _apply(self, message: m.Message, now: float) -> None:
        self.state.heed(message, now)
        self._outputs.extend(self.world.apply(message))
        re = getattr(message, "re", 0)
        if re:
            # Frames tell it too, but later: a burst of long commands would fill the outbox though each was answered.
            self._outbox.on_applied(re)
            self._outputs.append(Answered(re, message))

    def _answer(self, ticket: int, allow: bool) -> None:
        if self.phase is not Phase.ENDED:
            self.command(m.Answer, ticket, allow)
