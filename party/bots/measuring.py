"""What is measured of a crowd as a whole: bytes on the wire, and what the relay says of itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import ClientError, ClientSession, ClientTimeout

from party.bots import report as rp
from party.bots.bot import Bot
from party.bots.late_ticks import LateTicks
from relay.budget import FRAME_OVERHEAD_BYTES
from soiree.transport import Rung

METRICS_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of the crowd as a whole."""

    seconds: float = 0.0
    cpu_share: float = 0.0
    kbit_s: Sequence[float] = ()
    """Down to each bot, payloads and HEADER_BYTES a packet."""
    kbit_s_with_headers: Sequence[float] = ()
    late_ticks: int | None = None
    longest_late_streak: int | None = None


class Carried(NamedTuple):
    """What a bot's connections have brought it."""

    packets: int
    octets: int
    overhead: int
    """Bytes of all headers of a packet."""

    @classmethod
    def of(cls, bot: Bot) -> "Carried":
        stats = bot.room.stats()
        overhead = rp.WEBSOCKET_OVERHEAD_BYTES if stats.rung == Rung.WEBSOCKET else FRAME_OVERHEAD_BYTES
        return cls(stats.packets_in, stats.bytes_in, overhead)

    def __sub__(self, earlier: "Carried") -> "Carried":
        return Carried(self.packets - earlier.packets, self.octets - earlier.octets, self.overhead)

    def bits(self, header_bytes: int) -> int:
        """On the wire, with so many bytes of headers to a packet."""
        return 8 * (self.octets + header_bytes * self.packets)


async def late_ticks(base_url: str) -> LateTicks | None:
    """What the server at this address counts of late ticks; None if it does not say."""
    try:
        async with (
            ClientSession(timeout=ClientTimeout(METRICS_TIMEOUT_S), raise_for_status=True) as http,
            http.get(f"{base_url}/metrics") as answer,
        ):
            return LateTicks.read(await answer.text())
    except (ClientError, TimeoutError, ValueError):
        return None  # metrics may well be kept from the public
