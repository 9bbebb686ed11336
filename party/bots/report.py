"""What came of a run of bots: one object, the same for people and for `--json`.

Pure core: tallies and views in, figures out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from soiree.client.entity import Account

HEADER_BYTES = 28
"""IPv4 and UDP, of each packet; what DTLS and SCTP or TCP add is not counted."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of a set of milliseconds; None where there was nothing."""

    p50: float | None
    p99: float | None
    max: float | None

    @classmethod
    def of(cls, milliseconds: "np.ndarray[Any, Any] | Sequence[float]") -> "Percentiles":
        """Rounded to 0.01 ms."""
        if not len(milliseconds):
            return cls(None, None, None)
        p50, p99, most = np.percentile(milliseconds, [50, 99, 100])
        return cls(round(float(p50), 2), round(float(p99), 2), round(float(most), 2))


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
    """Payloads and 28 bytes for each packet."""
    events_sent: int
    control_lost: int
    """Numbered events that were skipped, told twice or never came, over all receivers."""
    converged: bool
    """2 s after all had stopped, every bot saw every thing of every bot just as its owner had left it."""
    differences: int
    """Views that did not agree."""
    rung: dict[str, int]
    grants: int
    refusals: dict[str, int]
    errors: dict[str, int]
    """Why bots failed."""
    cpu_share: float
    """Of one core, used by this process meanwhile."""

    @property
    def sound(self) -> bool:
        """Whether nothing went wrong."""
        return self.failed == 0 and self.joined > 0 and self.control_lost == 0 and self.converged

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def merged(latencies_us: Iterable[Sequence[int]]) -> "np.ndarray[Any, Any]":
    """All samples of all bots in milliseconds."""
    arrays = [np.asarray(each, dtype=np.float64) for each in latencies_us]
    return np.concatenate(arrays) / 1000 if arrays else np.empty(0)


def differences(views: Mapping[int, Mapping[int, Account]]) -> list[str]:
    """How the views of peers differ from what the owners hold, in words.

    Args:
        views: peer id → entity id → account. Only entities that a peer among these owns or masters are compared.
    """
    found = []
    ours = set(views)
    truth: dict[int, tuple[int, Account]] = {}
    for peer, view in views.items():
        for entity, account in view.items():
            if account.owner == peer or (account.owner not in ours and account.master == peer):
                if entity in truth:
                    found.append(f"entity {entity}: both {truth[entity][0]} and {peer} believe they own it")
                truth[entity] = (peer, account)
    for peer, view in views.items():
        for entity, (owner, account) in truth.items():
            seen = view.get(entity)
            if seen is None:
                found.append(f"entity {entity} of {owner}: peer {peer} does not know it")
            elif seen != account:
                found.append(f"entity {entity} of {owner}: peer {peer} sees {_unlike(account, seen)}")
        unknown = {
            entity
            for entity, account in view.items()
            if entity not in truth and (account.owner in ours or account.master in ours)
        }
        found += [f"entity {entity}: peer {peer} sees what no owner holds" for entity in sorted(unknown)]
    return found


def _unlike(truth: Account, seen: Account) -> str:
    return ", ".join(
        f"{name} {there!r} for {here!r}"
        for name, here, there in zip(Account._fields, truth, seen, strict=True)
        if here != there
    )


def rungs(names: Iterable[str | None]) -> dict[str, int]:
    """How many stand on each."""
    return dict(sorted(Counter(name or "none" for name in names).items()))
