"""What comes while it is measured: kept as it is, and read only when the measuring is over."""

import time
from typing import Final

import numpy as np

from bench.errors import LoadError
from bench.tally import Floats
from bench.walkers import Ints

MAX_KEPT_BYTES: Final = 2 << 30
"""Of payloads that are kept."""


class Arrivals:
    """Payloads with who heard them, and when.

    Attributes:
        counting: whether payloads and bytes are counted now; what is kept is kept in any case once `keeping`.
        payload_bytes, payloads: what came while counting.
    """

    def __init__(self) -> None:
        self.keeping = False
        self.counting = False
        self.payload_bytes = 0
        self.payloads = 0
        self._kept_bytes = 0
        self._payloads: list[bytes] = []
        self._listeners: list[int] = []
        self._at_s: list[float] = []
        self._same: dict[bytes, bytes] = {}

    def note(self, listener: int, payload: bytes, *, shared: bool) -> None:
        """A payload came; `shared`: all clients get the same ones, of which one is kept.

        Raises:
            LoadError: more than MAX_KEPT_BYTES came.
        """
        if self.counting:
            self.payload_bytes += len(payload)
            self.payloads += 1
        if not self.keeping:
            return
        if shared:
            kept = self._same.setdefault(payload, payload)
            self._kept_bytes += len(payload) if kept is payload else 0
            payload = kept
        else:
            self._kept_bytes += len(payload)
        if self._kept_bytes > MAX_KEPT_BYTES:
            raise LoadError(f"more than {MAX_KEPT_BYTES >> 20} MiB came: measure for fewer --seconds")
        self._payloads.append(payload)
        self._listeners.append(listener)
        self._at_s.append(time.monotonic())

    def batches(self, size: int) -> list[tuple[list[bytes], Ints, Floats]]:
        """All that was kept, `size` payloads at a time: (payloads, listeners, times)."""
        return [
            (
                self._payloads[start : start + size],
                np.array(self._listeners[start : start + size], np.int64),
                np.array(self._at_s[start : start + size], np.float64),
            )
            for start in range(0, len(self._payloads), size)
        ]
