"""Clients of Colyseus: its WebSocket protocol as far as a room's state needs it, and its schema's patches."""

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import aiohttp
import numpy as np

from bench.errors import LoadError
from bench.load.peers import PeerCrowd
from bench.load.sockets import Sockets
from bench.walkers import Ints, updates_of_yaw, walkers_at

JOINED: Final = 10
"""First byte of the message that greets a client, and of its answer."""
PATCH: Final = 15
"""First byte of a message with what changed."""
SAY: Final = bytes((17, 0xA1)) + b"s"
"""Raw bytes for the room's handler "s": code, then the name as MessagePack would write it."""
SWITCH: Final = 255
"""In a patch: what follows is of another object, whose number comes next."""
REPLACE: Final = 0
FLOAT = struct.Struct("<f")
X, Z, YAW = 0, 2, 3
"""Fields by their index in the schema (bench/peers/colyseus.mjs)."""
FIELDS: Final = 6


def number_end(patch: bytes, at: int) -> int:
    """Where the number that begins at `at` ends: one byte below 128, else a type and two or four bytes."""
    kind = patch[at]
    if kind < 0x80:
        return at + 1
    return at + {0xCC: 2, 0xCD: 3, 0xCE: 5}[kind]


@lru_cache(maxsize=4096)
def read_patch(patch: bytes) -> tuple[Ints, Ints]:
    """(walkers, updates) that a patch tells: those of all avatars whose fields are replaced.

    Raises:
        LoadError: it holds anything else.
    """
    at, found = 1, []
    while at < len(patch):
        if patch[at] != SWITCH:
            raise LoadError(f"a patch that cannot be read, at {at}: {patch[: at + 8].hex()}")
        at = number_end(patch, at + 1)
        fields = [np.nan] * FIELDS
        while at < len(patch) and patch[at] != SWITCH:
            fields[patch[at] & 0x3F] = FLOAT.unpack_from(patch, at + 1)[0]
            at += 1 + FLOAT.size
        found.append(fields)
    table = np.array(found, np.float32).reshape(-1, FIELDS)
    return walkers_at(table[:, X], table[:, Z]), updates_of_yaw(table[:, YAW])


class ColyseusCrowd(PeerCrowd):
    """In one room, for which each client asks the matchmaker."""

    async def open(self, url: str) -> None:
        self._url = url
        self._http = aiohttp.ClientSession()
        self._sockets = Sockets(self._hear)

    async def enter(self, client: int) -> None:
        try:
            async with self._http.post(f"{self._url}/matchmake/joinOrCreate/job", json={}) as answer:
                seat = await answer.json()
            url = f"{self._url}/{seat['processId']}/{seat['roomId']}?sessionId={seat['sessionId']}"
        except (aiohttp.ClientError, KeyError) as error:
            raise LoadError(f"the matchmaker gives no seat: {error}") from error
        await self._sockets.connect(client, url)

    def _hear(self, client: int, message: bytes) -> None:
        if message[0] == PATCH:
            self._note(client, message)
        elif message[0] == JOINED and client not in self._laps:
            self._sockets.send(client, bytes([JOINED]))
            self._entered(client)

    def settled(self) -> bool:
        return len(self._laps) == self.clients

    def read(self, payloads: Sequence[bytes]) -> tuple[Ints, Ints, Ints]:
        patches = [read_patch(payload) for payload in payloads]
        counts = np.array([len(walkers) for walkers, _ in patches], np.int64)
        return counts, np.concatenate([w for w, _ in patches]), np.concatenate([u for _, u in patches])

    def _send(self, client: int, state: bytes) -> None:
        self._sockets.send(client, SAY + state)

    async def aclose(self) -> None:
        await self._sockets.aclose()
        await self._http.close()
