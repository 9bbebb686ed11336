"""Pure core: one peer of the city's traffic: what it says and hears, bytes in and bytes out (docs/PROTOCOL.md 3 to 6).

It lives in the relay's own process, where nothing is lost and nothing overtaken, and speaks as any peer does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from bench.batching import Body
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.acks import ReceiveWindow
from soiree.wire.control import Unknown
from soiree.wire.errors import WireError
from soiree.wire.numbered import Inbox, Outbox
from soiree.wire.state import (
    ACK_VALID,
    TICK_HZ,
    FrameType,
    Header,
    Pong,
    frame_type,
    pack_header,
    pack_pong,
    unpack_header,
    unpack_ping,
)

AGENT: Final = "soiree-city"
NOWHERE_M: Final = -100_000.0
"""It looks from so far below that it is told of nothing but its own."""
LEAST_RADIUS_M: Final = 1.0


class DriverError(Exception):
    """The relay has ended the session, or refuses what a driver needs; the message says why."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A group of ours was carried out."""

    group: int
    """Its number."""
    answers: tuple[m.Message, ...]
    """One for each of its messages, in their order."""


class Driver:
    """One session, from hello on.

    Attributes:
        present: the relay has welcomed it.
    """

    def __init__(self) -> None:
        self.present = False
        self._outbox = Outbox()
        self._inbox = Inbox()
        self._window = ReceiveWindow()
        self._seq = 0
        self._tick, self._tick_at = 0, 0.0
        self._awaited: dict[int, tuple[int, list[m.Message]]] = {}
        """Group → how many answers it gets, and those that it got."""

    def hello(self) -> bytes:
        """The first message, on CONTROL."""
        return control.encode(m.Hello(0, m.VERSION, 0, True, AGENT, []))

    def say(self, message: type[m.Message], *fields: object) -> bytes:
        """One command, on CONTROL."""
        return self._outbox.push(message, *fields)

    def goodbye(self) -> bytes:
        """The last message, on CONTROL: what it brought goes with it."""
        return control.encode(m.Bye(0, "bye"))

    def look_nowhere(self) -> bytes:
        """Be told of nothing but one's own; on CONTROL."""
        return self.say(m.View, 0.0, NOWHERE_M, 0.0, LEAST_RADIUS_M)

    def group(self, messages: Sequence[m.Message]) -> tuple[int, bytes]:
        """(number, bytes on CONTROL) of several commands as one; `Answered` follows."""
        raw = [msgspec.Raw(control.encode(message)) for message in messages]
        data = self._outbox.push(m.Group, raw)
        self._awaited[self._outbox.last] = (len(raw), [])
        return self._outbox.last, data

    def frame(self, body: Body, now: float) -> bytes:
        """A STATE frame."""
        window = self._window
        flags = ACK_VALID if window.seq is not None else 0
        tick = self._tick + int((now - self._tick_at) * TICK_HZ)
        seq, self._seq = self._seq & 0xFFFF, self._seq + 1
        applied = self._inbox.applied & 0xFFFF
        header = Header(flags, seq, tick & 0xFFFFFFFF, *body.base, window.seq or 0, window.mask, applied)
        return pack_header(header) + body.sections

    def hear_state(self, payload: bytes, now: float) -> bytes | None:
        """What came on STATE; a pong to be sent on it if that was a ping."""
        kind = frame_type(payload)
        if kind is FrameType.PING:
            ping = unpack_ping(payload)
            # In one process there is one clock, so nothing that holds the event loop up sets ours wrong.
            self._tick, self._tick_at = ping.tick, ping.relay_us / 1e6
            return pack_pong(Pong(ping.seq, ping.relay_us, int(now * 1e6)))
        if kind is FrameType.STATE:
            header = unpack_header(payload)
            self._window.receive(header.seq)
            self._outbox.on_applied_low(header.control_applied)
        return None

    def hear_control(self, payload: bytes, now: float) -> list[Answered | m.ParentSet]:
        """What came on CONTROL, as far as traffic is concerned.

        Raises:
            DriverError: the session has ended.
        """
        try:
            message = control.decode_from_relay(payload)
        except WireError as error:
            raise DriverError(f"the relay said something unreadable: {error}") from error
        match message:
            case m.Welcome(tick=tick):
                self.present, self._tick, self._tick_at = True, tick, now
                return []
            case m.Error(code=reason) | m.Bye(reason=reason):
                raise DriverError(reason)
            case _ if not self._inbox.admit(message.n):
                return []
            case m.Group():
                return [event for each in control.grouped_from_relay(message) for event in self._take(each)]
            case _:
                return self._take(message)

    def _take(self, message: m.Message | Unknown) -> list[Answered | m.ParentSet]:
        found: list[Answered | m.ParentSet] = []
        if isinstance(message, m.ParentSet):
            found.append(message)
        re = getattr(message, "re", 0)
        if re in self._awaited and isinstance(message, m.Message):
            count, answers = self._awaited[re]
            answers.append(message)
            if len(answers) == count:
                del self._awaited[re]
                found.append(Answered(re, tuple(answers)))
        return found
