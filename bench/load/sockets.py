"""WebSockets for the load: as much of RFC 6455 as a client of a well-behaved server needs, and nothing above it."""

import asyncio
import base64
import secrets
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import urlsplit

from bench.errors import LoadError

OPEN_TIMEOUT_S: Final = 30.0
BINARY: Final = 0x82
"""FIN and opcode of a message in one frame (section 5.2)."""
CLOSE: Final = 0x88
PING: Final = 0x89
PONG: Final = 0x8A
MASKED: Final = 0x80
NO_MASK: Final = bytes(4)
"""A masking key that changes nothing: the server unmasks all the same, and here no proxy is to be protected."""
TWO_BYTES: Final = 126
EIGHT_BYTES: Final = 127
MAX_HEAD_BYTES: Final = 16384

Hear = Callable[[int, bytes], None]
"""(client, message)"""


def client_frame(opcode: int, payload: bytes) -> bytes:
    """One frame as a client sends it (section 5.2)."""
    size = len(payload)
    if size < TWO_BYTES:
        return bytes((opcode, MASKED | size)) + NO_MASK + payload
    return bytes((opcode, MASKED | TWO_BYTES)) + size.to_bytes(2, "big") + NO_MASK + payload


class FrameReader:
    """Pure: bytes of a server's stream to frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """(first byte, payload) of each frame that is complete now."""
        buffer = self._buffer
        buffer += data
        frames, at = [], 0
        while (end := self._end(at)) is not None:
            start, stop = end
            frames.append((buffer[at], bytes(buffer[start:stop])))
            at = stop
        del buffer[:at]
        return frames

    def _end(self, at: int) -> tuple[int, int] | None:
        """Where the payload of the frame at `at` starts and stops; None while it is not all there."""
        buffer = self._buffer
        if len(buffer) < at + 2:
            return None
        size, start = buffer[at + 1], at + 2
        if size >= TWO_BYTES:
            width = 2 if size == TWO_BYTES else 8
            start += width
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[start - width : start], "big")
        stop = start + size
        return (start, stop) if len(buffer) >= stop else None


class _Socket(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, client: int, request: bytes, hear: Hear, lost: list[str]) -> None:
        self._client, self._request, self._hear, self._lost = client, request, hear, lost
        self._head: bytes | None = b""
        self._reader = FrameReader()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closing = True
        """Whether there is nothing to send on: before it is connected, and from the end on."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class
        self.closing = False
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            data = self._open(data)
        for first, payload in self._reader.feed(data):
            if first == BINARY:
                self._hear(self._client, payload)
            elif first == PING:
                self.transport.write(client_frame(PONG, payload))
            else:
                self._fail(f"close frame {payload!r}" if first == CLOSE else f"a frame that begins with {first:#x}")

    def _open(self, data: bytes) -> bytes:
        """Read the answer to the request (section 4.2.2); returns what follows it."""
        assert self._head is not None
        self._head += data
        head, found, rest = self._head.partition(b"\r\n\r\n")
        if not found and len(head) < MAX_HEAD_BYTES:
            return b""
        self._head = None
        if not head.startswith(b"HTTP/1.1 101 "):
            self._fail(f"no upgrade: {head.splitlines()[0]!r}")
        elif not self.opened.done():
            self.opened.set_result(None)
        return rest

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closing:
            self._fail(str(exc or "the server hung up"))

    def _fail(self, words: str) -> None:
        self._lost.append(f"client {self._client}: {words}")
        self.closing = True
        self.transport.close()
        if not self.opened.done():
            self.opened.set_exception(LoadError(f"client {self._client} had no WebSocket: {words}"))


class Sockets:
    """The WebSockets of all clients.

    Attributes:
        lost: connections that ended, in words.
    """

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._sockets: dict[int, _Socket] = {}
        self.lost: list[str] = []

    async def connect(self, client: int, url: str) -> None:
        """Open the WebSocket of one client. Raises LoadError."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        request = (
            f"GET {parts.path or '/'}{'?' if parts.query else ''}{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}\r\n\r\n"
        ).encode()
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                socket = self._sockets[client] = _Socket(client, request, self._hear, self.lost)
                await asyncio.get_running_loop().create_connection(lambda: socket, parts.hostname, parts.port or 80)
                await socket.opened
        except (TimeoutError, OSError) as error:
            raise LoadError(f"client {client} had no WebSocket: {error!r}") from error

    def send(self, client: int, message: bytes) -> None:
        """Send one binary message of less than 64 kB. Raises LoadError when the connection is gone."""
        socket = self._sockets[client]
        if socket.closing:
            raise LoadError(f"no WebSocket any more; {len(self.lost)} were lost ({'; '.join(self.lost[:1])})")
        socket.transport.write(client_frame(BINARY, message))

    async def aclose(self) -> None:
        """Close all."""
        for socket in self._sockets.values():
            if socket.closing:
                continue
            socket.closing = True
            socket.transport.write(client_frame(CLOSE, b"\x03\xe8"))
            socket.transport.close()
