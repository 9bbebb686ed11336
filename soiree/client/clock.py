"""The relay's clock as a client knows it (docs/PROTOCOL.md section 6).

Pure core: pings and `now` in, ticks and microseconds out.
"""

from collections import deque

from soiree.wire.state import TICK_HZ, Ping

SAMPLES = 8
"""Pings looked back on: the one that travelled fastest tells best."""

EVEN = 0.25
"""Samples are taken at least so much of a tick away from where dates change; timers and estimates are off by less."""


class Clock:
    """Relay time and ticks at any moment of the client's monotonic clock.

    Attributes:
        rtt_s: round trip as the relay measured it last, 0 before the first ping.
    """

    __slots__ = ("_phase", "_tick_offsets", "_us_offsets", "rtt_s")

    def __init__(self) -> None:
        self.rtt_s = 0.0
        self._phase = 0.0
        """Of a tick: how far dates lie behind."""
        self._us_offsets: deque[float] = deque(maxlen=SAMPLES)
        self._tick_offsets: deque[float] = deque(maxlen=SAMPLES)

    def anchor(self, tick: int, now: float) -> None:
        """Begin from the tick of a `welcome`; what was known before is forgotten."""
        self._us_offsets.clear()
        self._tick_offsets.clear()
        self._tick_offsets.append(tick - now * TICK_HZ)

    def on_ping(self, ping: Ping, now: float) -> None:
        """Take in a ping that arrived at `now`."""
        self.rtt_s = ping.rtt_us / 1e6
        half_s = self.rtt_s / 2
        self._us_offsets.append(ping.relay_us + (half_s - now) * 1e6)
        self._tick_offsets.append(ping.tick + (half_s - now) * TICK_HZ)

    def tick(self, now: float) -> int:
        """The relay's tick at `now`, 0 before the first anchor."""
        return max(0, int(max(self._tick_offsets) + now * TICK_HZ)) if self._tick_offsets else 0

    def date(self, now: float) -> int:
        """The tick by which to date a sample taken at `now`: never ahead of the relay's.

        Ticks are whole, so what is sampled each time when the tick is about to change would be dated now by the one and now by the
        other, and be shown going fast and slow. So dates change between the times at which samples are taken.
        """
        at = self.seconds(now) * TICK_HZ
        if not EVEN <= (at - self._phase) % 1.0 <= 1.0 - EVEN:
            self._phase = (at - 0.5) % 1.0
        return max(0, int(at - self._phase))

    def seconds(self, now: float) -> float:
        """The same with the share of the next tick, in seconds: what samples are dated by."""
        return max(0.0, max(self._tick_offsets) / TICK_HZ + now) if self._tick_offsets else 0.0

    def relay_us(self, now: float) -> int | None:
        """Relay time in microseconds at `now`, None before the first ping."""
        # A late ping makes the relay look slow, never fast: so the largest offset is the best.
        return int(max(self._us_offsets) + now * 1e6) if self._us_offsets else None
