"""Clients of the peers that send plain states: 28 B up, and down whatever comes of them, one behind the other."""

from abc import abstractmethod
from collections.abc import Sequence

import aiohttp
import numpy as np
import numpy.typing as npt

from bench.errors import LoadError
from bench.load.crowd import Crowd, counted
from bench.load.sockets import Sockets
from bench.walkers import LAP, PEER_STATE, Ints, peer_states, updates_of_yaw, yaw_rad
from soiree.transport import STATE


def read_states(payloads: Sequence[bytes]) -> tuple[Ints, Ints, Ints]:
    """As `Crowd.read`, of payloads that are `PEER_STATE` after `PEER_STATE`."""
    states = np.frombuffer(b"".join(payloads), PEER_STATE)
    return counted(payloads, PEER_STATE.itemsize), states["walker"].astype(np.int64), updates_of_yaw(states["yaw"])


class PeerCrowd(Crowd):
    """Says states over a carrier."""

    def __init__(self, clients: int, hz: float) -> None:
        super().__init__(clients, hz)
        self._laps: dict[int, npt.NDArray[np.void]] = {}

    def speak(self, client: int, update: int) -> bool:
        lap = self._laps.get(client)
        if lap is None:
            return False
        state = lap[update % LAP]
        state["yaw"] = yaw_rad(update)
        self._send(client, state.tobytes())
        return True

    def settled(self) -> bool:
        return True

    def read(self, payloads: Sequence[bytes]) -> tuple[Ints, Ints, Ints]:
        return read_states(payloads)

    def _note(self, client: int, payload: bytes) -> None:
        try:
            self.arrivals.note(client, payload, shared=True)
        except LoadError as error:
            self.failed = error

    def _entered(self, client: int) -> None:
        self._laps[client] = peer_states(client, self.hz)

    @abstractmethod
    def _send(self, client: int, state: bytes) -> None:
        """Hand one state to the carrier."""


class ChannelCrowd(PeerCrowd):
    """Over data channels, negotiated with one HTTP request for each."""

    async def open(self, url: str) -> None:
        self._url = url
        self._http = aiohttp.ClientSession()
        from bench.load.channels import Channels  # not there on Python 3.11, as its stack is not

        self._channels = Channels(self._hear)

    async def enter(self, client: int) -> None:
        await self._channels.connect(client, self._exchange)
        self._entered(client)

    async def _exchange(self, offer: str) -> str:
        try:
            async with self._http.post(self._url, data=offer, raise_for_status=True) as answer:
                return await answer.text()
        except aiohttp.ClientError as error:
            raise LoadError(f"the offer was not answered: {error}") from error

    def _hear(self, client: int, _stream: int, payload: bytes) -> None:
        self._note(client, payload)

    def _send(self, client: int, state: bytes) -> None:
        self._channels.send(client, STATE, state)

    async def aclose(self) -> None:
        await self._channels.aclose()
        await self._http.close()


class SocketCrowd(PeerCrowd):
    """Over WebSockets."""

    async def open(self, url: str) -> None:
        self._url = url
        self._sockets = Sockets(self._note)

    async def enter(self, client: int) -> None:
        await self._sockets.connect(client, self._url)
        self._entered(client)

    def _send(self, client: int, state: bytes) -> None:
        self._sockets.send(client, state)

    async def aclose(self) -> None:
        await self._sockets.aclose()
