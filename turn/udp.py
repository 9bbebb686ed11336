"""UDP sockets: read in bounded bursts, so that a flood leaves the event loop its turns; written at once or not at all."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

from turn.limits import READS_AT_ONCE
from turn.values import Endpoint

BUFFER_BYTES = 1 << 20
"""SO_RCVBUF of a listening socket: what comes while the loop does something else."""
RELAY_BUFFER_BYTES = 1 << 18
MAX_DATAGRAM_BYTES = 65535
_IP_MTU_DISCOVER, _PMTUDISC_DONT, _PMTUDISC_DO = 10, 0, 2
"""linux/in.h"""


class UdpSocket:
    """One bound socket.

    Attributes:
        address: where it is bound.
    """

    def __init__(
        self, address: Endpoint, heard: Callable[[list[tuple[bytes, Endpoint]]], None], buffer_bytes: int
    ) -> None:
        """Args: `heard` gets what came at one wake-up. Raises OSError."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise
        self.address: Endpoint = self._socket.getsockname()[:2]
        self._is_ipv4 = family == socket.AF_INET
        self._whole = False
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)

    def send(self, data: bytes, to: Endpoint, *, dont_fragment: bool = False) -> bool:
        """Whether the kernel took it."""
        if dont_fragment != self._whole and self._is_ipv4:
            self._whole = dont_fragment
            self._socket.setsockopt(
                socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_DO if dont_fragment else _PMTUDISC_DONT
            )
        try:
            self._socket.sendto(data, to)
        except OSError:  # full, unreachable, too long, or an earlier ICMP error: all of them are a lost datagram
            return False
        return True

    def close(self) -> None:
        """Hear no more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        read, burst = self._socket.recvfrom, []
        with contextlib.suppress(OSError):
            for _ in range(READS_AT_ONCE):
                data, address = read(MAX_DATAGRAM_BYTES)
                burst.append((data, address[:2]))
        if burst:
            self._heard(burst)
