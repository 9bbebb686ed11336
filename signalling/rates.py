"""Pure core: token buckets, one for each address, in a table that never grows past its bound."""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from signalling.limits import MAX_ADDRESSES


@dataclass(slots=True)
class Bucket:
    """What one sender may still do."""

    tokens: float
    filled_at: float
    """When `tokens` was right, in seconds of `now`."""

    def take(self, rate_per_s: float, burst: float, now: float) -> float:
        """Take one token: 0 when there was one, else the seconds until there will be."""
        self.tokens = min(burst, self.tokens + (now - self.filled_at) * rate_per_s)
        self.filled_at = now
        if self.tokens < 1.0:
            return (1.0 - self.tokens) / rate_per_s
        self.tokens -= 1.0
        return 0.0


class RateLimiter:
    """So many of something a minute for each key, all of them at once if need be."""

    def __init__(self, per_minute: int, max_keys: int = MAX_ADDRESSES) -> None:
        self._rate_per_s = per_minute / 60.0
        self._burst = float(per_minute)
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def wait_s(self, key: str, now: float) -> float:
        """Seconds that `key` would have to wait, without counting anything."""
        bucket = self._buckets.get(key)
        if bucket is None:
            return 0.0
        tokens = bucket.tokens + (now - bucket.filled_at) * self._rate_per_s
        return max(0.0, (1.0 - tokens) / self._rate_per_s)

    def take(self, key: str, now: float) -> float:
        """Count one for `key`: 0 when it may, else the seconds to wait."""
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self._max_keys:
                self._buckets.popitem(last=False)
            bucket = self._buckets[key] = Bucket(self._burst, now)
        else:
            self._buckets.move_to_end(key)
        return bucket.take(self._rate_per_s, self._burst, now)


def address_key(address: str) -> str:
    """What stands for one client in limits: its IPv4 address, or the /64 of its IPv6 address, which one client holds whole."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return str(parsed)
