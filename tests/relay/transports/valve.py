"""A valve in the path between two WebRTC peers on this machine: shut, nothing passes, as when a network goes away."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

_HOST_CANDIDATE = re.compile(r"(127\.0\.0\.1 )(\d+)( typ host)")


class _Side(asyncio.DatagramProtocol):
    def __init__(self, valve: "Valve", *, front: bool) -> None:
        self._valve = valve
        self._front = front

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)  # uvloop's is no subclass

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        self._valve.pass_on(data, addr, front=self._front)


class Valve:
    """The client talks to the front, the server hears from the back."""

    def __init__(self) -> None:
        self.shut = False
        self.front = _Side(self, front=True)
        self.back = _Side(self, front=False)
        self._client: tuple[str | int, ...] | None = None
        self._server = ("127.0.0.1", 0)

    def pass_on(self, data: bytes, addr: tuple[str | int, ...], *, front: bool) -> None:
        if front:
            self._client = addr
        if self.shut:
            return
        if front:
            self.back.transport.sendto(data, self._server)
        elif self._client is not None:
            self.front.transport.sendto(data, self._client)

    def offer(self, sdp: str) -> str:
        """The offer without its candidates: the server is to see the client where the valve's back is."""
        return "\r\n".join(line for line in sdp.splitlines() if not line.startswith("a=candidate")) + "\r\n"

    def answer(self, sdp: str) -> str:
        """The answer with the valve's front in place of the server."""
        match = _HOST_CANDIDATE.search(sdp)
        assert match is not None
        self._server = ("127.0.0.1", int(match[2]))
        front: tuple[str, int] = self.front.transport.get_extra_info("sockname")
        return _HOST_CANDIDATE.sub(rf"\g<1>{front[1]}\g<3>", sdp)


def _itself(side: _Side) -> _Side:
    return side


@asynccontextmanager
async def valve() -> AsyncIterator[Valve]:
    """A valve, open, on two ports of its own."""
    made = Valve()
    loop = asyncio.get_running_loop()
    for side in (made.front, made.back):
        await loop.create_datagram_endpoint(partial(_itself, side), local_addr=("127.0.0.1", 0), family=socket.AF_INET)
    try:
        yield made
    finally:
        made.front.transport.close()
        made.back.transport.close()
