"""TCP and TLS connections: bounded both ways. Who does not read loses data first, and then the connection."""

import asyncio
import logging
from typing import Protocol, cast

from turn.errors import StunError
from turn.framing import Deframer
from turn.limits import STREAM_CLOSE_BYTES, STREAM_DROP_BYTES, STREAM_IDLE_S
from turn.values import Endpoint

log = logging.getLogger("soiree.turn")


class Lines(Protocol):
    """What connections tell."""

    def line_opened(self, stream: "StreamLine") -> int | None:
        """Its number, or None where there are enough of them."""

    def line_heard(self, stream: "StreamLine", messages: list[bytes]) -> None: ...

    def line_closed(self, stream: "StreamLine") -> None: ...


class StreamLine(asyncio.Protocol):
    """One connection of a client.

    Attributes:
        number: names it; −1 before it is open.
        address: of the client.
    """

    def __init__(self, lines: Lines) -> None:
        self.number = -1
        self.address: Endpoint = ("", 0)
        self.has_allocation = False
        self._lines = lines
        self._deframer = Deframer()
        self._transport: asyncio.Transport | None = None
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are transports in all but name.
        self._transport = transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.address = (peer[0], peer[1]) if peer else ("", 0)
        number = self._lines.line_opened(self)
        if number is None:
            transport.abort()
            return
        self.number = number
        transport.set_write_buffer_limits(high=STREAM_CLOSE_BYTES)
        self._watch()

    def data_received(self, data: bytes) -> None:
        if self.number < 0:
            return
        try:
            messages = self._deframer.feed(data)
        except StunError as error:
            log.debug("a connection is closed: %s", error)
            self.abort()
            return
        if messages:
            self._lines.line_heard(self, messages)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (every end is alike)
        if self._idle is not None:
            self._idle.cancel()
        if self.number >= 0:
            self._lines.line_closed(self)
            self.number = -1

    def send(self, data: bytes, *, is_answer: bool) -> bool:
        """Whether it was taken: data is dropped while much waits, and the connection closed when answers pile up too."""
        if self._transport is None or self._transport.is_closing():
            return False
        waiting = self._transport.get_write_buffer_size()
        if waiting > STREAM_CLOSE_BYTES:
            self.abort()
            return False
        if waiting > STREAM_DROP_BYTES and not is_answer:
            return False
        self._transport.write(data if is_answer else data + bytes(-len(data) % 4))
        return True

    def abort(self) -> None:
        """Close it now, whatever waits."""
        if self._transport is not None:
            self._transport.abort()

    def _watch(self) -> None:
        self._idle = asyncio.get_running_loop().call_later(STREAM_IDLE_S, self._on_idle)

    def _on_idle(self) -> None:
        if self.has_allocation:
            self._watch()
        else:
            self.abort()
