"""What each protocol supplies to the load: a crowd of clients that come in, say where they are, and read what they hear."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from bench.errors import LoadError
from bench.load.arrivals import Arrivals
from bench.walkers import Ints


class Crowd(ABC):
    """All clients of one room, numbered from 0; each owns the walker of its number.

    Attributes:
        arrivals: what they hear.
        failed: why the run is over: what went wrong while something was heard.
    """

    def __init__(self, clients: int, hz: float) -> None:
        self.clients = clients
        self.hz = hz
        self.arrivals = Arrivals()
        self.failed: LoadError | None = None

    @abstractmethod
    async def open(self, url: str) -> None:
        """Be ready for clients of the server at `url`. Raises LoadError."""

    @abstractmethod
    async def enter(self, client: int) -> None:
        """One client comes in. Raises LoadError."""

    @abstractmethod
    def speak(self, client: int, update: int) -> bool:
        """Say where a walker is; False when its client cannot yet."""

    @abstractmethod
    def settled(self) -> bool:
        """Whether each client knows all that it is to hear of."""

    @abstractmethod
    def read(self, payloads: Sequence[bytes]) -> tuple[Ints, Ints, Ints]:
        """(records of each payload, walker of each record, update of each record)."""

    @abstractmethod
    async def aclose(self) -> None:
        """All go."""


def counted(payloads: Sequence[bytes], size: int) -> Ints:
    """How many records of `size` bytes each payload holds."""
    return np.array([len(payload) for payload in payloads], np.int64) // size
