"""Clients of Soiree on either transport: they speak the protocol, and only count what they hear."""

import time
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import aiohttp
import numpy as np

from bench.errors import LoadError
from bench.load.crowd import Crowd
from bench.load.guest import Guest
from bench.load.sockets import Sockets
from bench.walkers import YAW_UNITS, Ints
from soiree.transport import CONTROL, STATE
from soiree.websocket import frame
from soiree.wire.state import DTYPE_OF, ENTITY_MASK, STATE_HEADER, FrameType, Section, sections

UPRIGHT = DTYPE_OF[Section.UPRIGHT]


def read_uprights(payloads: Sequence[bytes]) -> tuple[Ints, Ints, Ints]:
    """(records of each payload, entity of each, update of each) of the UPRIGHT records in frames of the state stream."""
    counts, bodies = np.zeros(len(payloads), np.int64), []
    for at, payload in enumerate(payloads):
        if payload[0] != FrameType.STATE or len(payload) == STATE_HEADER.size:
            continue
        for view in sections(payload):
            if view.kind is Section.UPRIGHT:
                counts[at] += view.count
                bodies.append(payload[view.start : view.end])
    records = np.frombuffer(b"".join(bodies), UPRIGHT)
    return counts, records["where"].astype(np.int64) & ENTITY_MASK, records["yaw"].astype(np.int64) // YAW_UNITS


class SoireeCrowd(Crowd):
    """One room of a party, made for the run."""

    async def open(self, url: str) -> None:
        self._api = f"{url}/api/v1"
        self._http = aiohttp.ClientSession()
        self._guests: dict[int, Guest] = {}
        room = await self._post("/rooms", {"name": "Bench", "capacity": max(self.clients, 2), "public": False})
        self._room = room["room"]["id"]
        self._attach()

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        try:
            async with self._http.post(self._api + path, json=body) as answer:
                if answer.status >= 400:
                    raise LoadError(f"the party answers {answer.status}: {await answer.text()}")
                return await answer.json()
        except aiohttp.ClientError as error:
            raise LoadError(f"the party does not answer: {error}") from error

    async def _join(self, client: int, offer: str | None = None) -> Any:
        body = {"name": f"guest {client}"} | ({} if offer is None else {"offer": offer})
        return await self._post(f"/rooms/{self._room}/join", body)

    def _welcome(self, client: int) -> None:
        guest = self._guests[client] = Guest(client, self.hz)
        self._send(client, CONTROL, guest.hello())

    def _hear(self, client: int, stream: int, payload: bytes) -> None:
        guest = self._guests.get(client)
        if guest is None or self.failed is not None:
            return
        try:
            if stream == STATE:
                self.arrivals.note(client, payload, shared=False)
                answer = guest.on_state(payload, time.monotonic_ns() // 1000)
                if answer is not None:
                    self._send(client, STATE, answer)
            else:
                for words in guest.on_control(payload):
                    self._send(client, CONTROL, words)
        except LoadError as error:
            self.failed = error

    def speak(self, client: int, update: int) -> bool:
        guest = self._guests.get(client)
        if guest is None:
            return False
        self._send(client, STATE, guest.frame(update))
        return guest.entity != 0

    def settled(self) -> bool:
        return len(self._guests) == self.clients and all(
            guest.entity and len(guest.known) == self.clients - 1 for guest in self._guests.values()
        )

    def read(self, payloads: Sequence[bytes]) -> tuple[Ints, Ints, Ints]:
        counts, entities, updates = read_uprights(payloads)
        walkers = np.full(ENTITY_MASK + 1, -1, np.int32)
        for walker, guest in self._guests.items():
            walkers[guest.entity] = walker
        return counts, walkers[entities].astype(np.int64), updates

    @abstractmethod
    def _attach(self) -> None:
        """Make the carrier."""

    @abstractmethod
    def _send(self, client: int, stream: int, payload: bytes) -> None:
        """Hand one message to the carrier."""


class SoireeChannelCrowd(SoireeCrowd):
    """Over data channels, with the offer in the join."""

    def _attach(self) -> None:
        from bench.load.channels import Channels  # not there on Python 3.11, as its stack is not

        self._channels = Channels(self._hear)

    async def enter(self, client: int) -> None:
        async def exchange(offer: str) -> str:
            return str((await self._join(client, offer))["answer"])

        await self._channels.connect(client, exchange)
        self._welcome(client)

    def _send(self, client: int, stream: int, payload: bytes) -> None:
        self._channels.send(client, stream, payload)

    async def aclose(self) -> None:
        await self._channels.aclose()
        await self._http.close()


class SoireeSocketCrowd(SoireeCrowd):
    """Over WebSockets."""

    def _attach(self) -> None:
        self._sockets = Sockets(self._hear_message)

    async def enter(self, client: int) -> None:
        join = await self._join(client)
        await self._sockets.connect(client, f"{join['data_url']}?token={join['ticket']}")
        self._welcome(client)

    def _hear_message(self, client: int, message: bytes) -> None:
        self._hear(client, message[0], message[1:])

    def _send(self, client: int, stream: int, payload: bytes) -> None:
        self._sockets.send(client, frame(stream, payload))

    async def aclose(self) -> None:
        await self._sockets.aclose()
        await self._http.close()
