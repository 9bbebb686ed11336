"""Pure core: so many of something at a time, in all and for each address."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from signalling.errors import BusyError


class Occupancy:
    """Counts who holds a place. Bounded by its own limit."""

    def __init__(self, limit: int, limit_per_key: int) -> None:
        self._limit = limit
        self._limit_per_key = limit_per_key
        self._held: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._held.total()

    @contextmanager
    def place(self, key: str) -> Iterator[None]:
        """Hold a place for a while. Raises BusyError when there is none."""
        if self._held.total() >= self._limit:
            raise BusyError(retry_after_s=5.0)
        if self._held[key] >= self._limit_per_key:
            raise BusyError("There are too many of these from your address: close one.", retry_after_s=5.0)
        self._held[key] += 1
        try:
            yield
        finally:
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]
