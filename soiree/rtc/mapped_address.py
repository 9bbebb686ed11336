"""What address others see us at: one question to a STUN server (RFC 8489, Binding)."""

import asyncio
import socket
from typing import Any

from aioice import stun

RETRANSMIT_S = (0.2, 0.4, 0.8, 1.6)
"""How long each try waits for its answer."""


class MappedAddressError(Exception):
    """No answer came; the message says from where."""


class _Asking(asyncio.DatagramProtocol):
    def __init__(self, request: stun.Message) -> None:
        self._request = request
        self.answer: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 (the protocol's signature)
        try:
            message = stun.parse_message(data)
        except ValueError:
            return
        ours = message.transaction_id == self._request.transaction_id
        if ours and message.message_class is stun.Class.RESPONSE and not self.answer.done():
            mapped = message.attributes.get("XOR-MAPPED-ADDRESS")
            if mapped is not None:
                self.answer.set_result((mapped[0], mapped[1]))

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there yet, or the network is down: the next try tells."""


async def mapped_address(server: tuple[str, int], bind: tuple[str, int] | None = None) -> tuple[str, int]:
    """Address and port of a UDP socket of ours, as the STUN server sees them.

    Args:
        server: host and port.
        bind: local address and port to ask from; None for any.

    Raises:
        MappedAddressError: the server is unknown, or does not answer.
    """
    loop = asyncio.get_running_loop()
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    try:
        family = socket.AF_UNSPEC if bind is None else socket.AF_INET6 if ":" in bind[0] else socket.AF_INET
        transport, asking = await loop.create_datagram_endpoint(
            lambda: _Asking(request), local_addr=bind, remote_addr=server, family=family
        )
    except OSError as error:
        raise MappedAddressError(f"the STUN server {server[0]} cannot be asked: {error}") from error
    try:
        for wait_s in RETRANSMIT_S:
            transport.sendto(bytes(request))
            done, _ = await asyncio.wait({asking.answer}, timeout=wait_s)
            if done:
                return asking.answer.result()
    finally:
        transport.close()
    raise MappedAddressError(f"the STUN server {server[0]}, port {server[1]}, does not answer")
