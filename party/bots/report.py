"""What came of a run of bots: one object, the same for people and for `--json`.

Pure core: tallies in, figures out.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from party.bots.rates import Spread
from relay.budget import IPV4_BYTES

HEADER_BYTES = 28
"""IPv4 and UDP, of each packet; what DTLS and SCTP or TCP add is not counted."""
WEBSOCKET_OVERHEAD_BYTES = IPV4_BYTES + 32 + 4
"""IPv4, TCP with time stamps, and a frame's header, of each message; TLS is not counted."""
SATURATED = 0.9
"""Share of a core above which bots are too busy for what they measure to be the server's doing."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of a set of milliseconds or seconds; None where there was nothing."""

    p50: float | None
    p99: float | None
    max: float | None

    @classmethod
    def of(cls, values: "np.ndarray[Any, Any] | Sequence[float]") -> "Percentiles":
        """Rounded to 0.01."""
        if not len(values):
            return cls(None, None, None)
        p50, p99, most = np.percentile(values, [50, 99, 100])
        return cls(round(float(p50), 2), round(float(p99), 2), round(float(most), 2))


@dataclass(frozen=True, slots=True)
class CityFigures:
    """What is told of a city alone."""

    seen_late_s: Percentiles
    """From when a vehicle was within 150 m of a bot's eye until the bot knew of it, and saw it where it was half a second ago or later."""
    sightings: int
    """Vehicles that came into sight."""
    never_seen: int
    """Vehicles that were out of sight again, or the run over, before they were seen."""
    behind_s: Percentiles
    """How old the places were that bots saw of vehicles on the move well in sight."""
    vanished: int
    """Looks at vehicles well in sight that had been seen, and were not known any more."""
    wrong: int
    """At the end, after all had stopped: things in sight of somebody whose state differed from what their owner set."""
    rides: int
    """How often somebody got into the cabin of another."""


@dataclass(frozen=True, slots=True)
class VrFigures:
    """What is told of a hall of people in VR alone. An avatar is as fresh as the staler of its body and its hands."""

    hz_nearest_20: Spread
    """Updates a second that each got of each of the 20 nearest, in stretches of 5 s."""
    hz_others: Spread
    """Likewise of all the others."""


Figures = CityFigures | VrFigures


@dataclass(frozen=True, slots=True)
class Down:
    """kbit/s over all clients; None without any."""

    p50: float | None
    max: float | None

    @classmethod
    def of(cls, kbit_s: Sequence[float]) -> "Down":
        """Rounded to 0.1."""
        if not kbit_s:
            return cls(None, None)
        return cls(round(float(np.median(kbit_s)), 1), round(max(kbit_s), 1))


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of a run."""

    joined: int
    failed: int
    """Bots that could not join, or whose session ended before its time."""
    join_ms: Percentiles
    """From calling `join` to the relay's welcome."""
    seconds: float
    """Length of what was measured: from when all were in until they stopped."""
    updates_sent: int
    """Samples of avatars and carried things that owners wrote."""
    updates_received: int
    """Transforms applied by others, all bots together."""
    latency_ms: Percentiles
    """From the serving tick in which the owner's SDK wrote the record until the receiver's callback had it."""
    kbit_s_down_per_client: float
    """Payloads and 28 bytes for each packet, on average."""
    kbit_s_down_with_headers: Down
    """Payloads and all headers of each packet: IPv4, UDP, DTLS and SCTP, or IPv4, TCP and WebSocket."""
    events_sent: int
    control_lost: int
    """Numbered events that were skipped, told twice or never came, over all receivers."""
    converged: bool
    """2 s after all had stopped, every bot saw every thing of every bot just as its owner had left it."""
    differences: int
    """Views that did not agree."""
    late_ticks: int | None
    """Ticks that the relay left out meanwhile, as it says itself; None if it does not."""
    longest_late_streak: int | None
    """At most so many of them in a row."""
    rung: dict[str, int]
    grants: int
    refusals: dict[str, int]
    errors: dict[str, int]
    """Why bots failed."""
    cpu_share: float
    """Of one core, used by this process meanwhile."""
    saturated: bool
    """The bots themselves were too busy: what they measured may be their own doing."""
    loop_late_ms: Percentiles
    """How late the bots' own event loop was."""
    figures: Figures | None
    """What is told of this scenario alone; beside the others in JSON."""

    @property
    def sound(self) -> bool:
        """Whether nothing went wrong."""
        return self.failed == 0 and self.joined > 0 and self.control_lost == 0 and self.converged

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, all figures side by side."""
        plain = asdict(self)
        return plain | (plain.pop("figures") or {})


def merged(latencies_us: Iterable[Sequence[int]]) -> "np.ndarray[Any, Any]":
    """All samples of all bots in milliseconds."""
    arrays = [np.asarray(each, dtype=np.float64) for each in latencies_us]
    return np.concatenate(arrays) / 1000 if arrays else np.empty(0)


def rungs(names: Iterable[str | None]) -> dict[str, int]:
    """How many stand on each."""
    return dict(sorted(Counter(name or "none" for name in names).items()))
