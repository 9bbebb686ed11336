"""One stay in the examination's room over one connection: opened, welcomed, measured, left."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from soiree.client.carrier import Carrier
from soiree.transport import CONTROL, Packet
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.errors import WireError

AGENT = "soiree doctor"
WELCOME_TIMEOUT_S = 5.0
ROUNDS = 7
"""Round trips that are timed."""
ROUND_TIMEOUT_S = 3.0
HANG_UP_S = 1.0
"""How long the relay may take to close a connection on which goodbye was said: closed from here, the word might not get out."""
NOBODY = 0xFFFFFF
"""An entity that is never there: to ask for it is refused at once, which makes an echo that changes nothing."""


class MuteError(Exception):
    """The connection is open, and what is said on it is not answered."""


@dataclass(frozen=True, slots=True)
class Stay:
    """What was measured."""

    opened_ms: float
    """From asking for a connection until the relay has said welcome."""
    rtt_ms: float
    """Median of `ROUNDS` questions to the relay and its answers, on the reliable stream."""
    rung: str
    engine: str


class Visit:
    """Part of `soiree.client.carrier.CarrierSink`: hears what one connection brings."""

    def __init__(self) -> None:
        self._welcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._hung_up = asyncio.Event()

    def on_packets(self, carrier: Carrier, packets: Sequence[Packet]) -> None:  # noqa: ARG002 (there is only one)
        """Part of `soiree.client.carrier.CarrierSink`."""
        for packet in packets:
            if packet.stream == CONTROL:
                self._hear(packet.payload)

    def on_closed(self, carrier: Carrier, reason: str) -> None:  # noqa: ARG002 (there is only one)
        """Part of `soiree.client.carrier.CarrierSink`."""
        self._hung_up.set()
        for waiting in (self._welcome, *self._answers.values()):
            if not waiting.done():
                waiting.set_exception(MuteError(f"the connection was closed: {reason}"))

    async def stay(self, carrier: Carrier, token: str) -> Stay:
        """Open the carrier, measure, and leave.

        Raises:
            soiree.client.carrier.DialError: it did not open.
            MuteError: nothing comes through it.
        """
        began = time.monotonic()
        try:
            await carrier.dial(token)
            carrier.send(CONTROL, control.encode(m.Hello(0, m.VERSION, 0, True, AGENT, [])))
            await _within(self._welcome, WELCOME_TIMEOUT_S, "no welcome came")
            opened_ms = 1000 * (time.monotonic() - began)
            carrier.settle()
            rtts_ms = [await self._round(carrier, number) for number in range(1, ROUNDS + 1)]
            rung = carrier.rung
            carrier.send(CONTROL, control.encode(m.Bye(0, "bye")))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hung_up.wait(), HANG_UP_S)
            return Stay(opened_ms, statistics.median(rtts_ms), str(rung or carrier.kind), carrier.engine or "")
        finally:
            self._forget()
            await asyncio.shield(carrier.aclose())

    async def _round(self, carrier: Carrier, number: int) -> float:
        answered = self._answers[number] = asyncio.get_running_loop().create_future()
        began = time.monotonic()
        carrier.send(CONTROL, control.encode(m.Request(number, NOBODY, 0, "")))
        await _within(answered, ROUND_TIMEOUT_S, "a question was not answered")
        return 1000 * (time.monotonic() - began)

    def _hear(self, payload: bytes) -> None:
        try:
            message = control.decode_from_relay(payload)
        except WireError:
            return  # Whatever it is, it is no answer: the wait for one ends in time.
        if isinstance(message, m.Welcome) and not self._welcome.done():
            self._welcome.set_result(None)
        elif isinstance(message, m.Refused) and message.re in self._answers:
            answered = self._answers[message.re]
            if not answered.done():
                answered.set_result(None)
        elif isinstance(message, m.Error) and not self._welcome.done():
            self._welcome.set_exception(MuteError(message.message))

    def _forget(self) -> None:
        for waiting in (self._welcome, *self._answers.values()):
            if waiting.done() and not waiting.cancelled():
                waiting.exception()  # nobody waits for it any more


async def _within(waiting: asyncio.Future[None], limit_s: float, words: str) -> None:
    done, _ = await asyncio.wait({waiting}, timeout=limit_s)
    if not done:
        raise MuteError(f"{words} within {limit_s:g} s")
    waiting.result()
