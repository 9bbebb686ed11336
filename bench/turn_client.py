"""A TURN client that blocks until its channel is bound: one allocation with one channel to one peer, over UDP or TCP."""

import contextlib
import socket
import time

from bench.errors import LoadError
from soiree.turn_credentials import time_limited
from turn import integrity, stun
from turn.framing import Deframer
from turn.stun import Attr, Class, Message, Method
from turn.values import UDP, Endpoint, read_xor_address, xor_address

CHANNEL = 0x4001
ANSWER_TIMEOUT_S = 3.0


class TurnClient:
    """Makes its allocation when it is made.

    Attributes:
        socket: carries channel data.
        relay: its relayed address.
    """

    def __init__(self, server: Endpoint, secret: str, number: int, *, tcp: bool = False) -> None:
        """Raises LoadError: the server does not answer, or refuses."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        self.socket.settimeout(ANSWER_TIMEOUT_S)
        self.socket.connect(server)
        if tcp:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._deframer = Deframer() if tcp else None
        self._username, self._password = time_limited(secret, f"load-{number}", int(time.time()) + 3600)
        self._realm = self._nonce = b""
        self._transactions = 0
        transport = (Attr.REQUESTED_TRANSPORT, bytes((UDP, 0, 0, 0)))
        self._ask(Method.ALLOCATE, transport)
        answer = self._ask(Method.ALLOCATE, transport)
        relayed = answer.first(Attr.XOR_RELAYED_ADDRESS)
        if relayed is None:
            raise LoadError(f"the TURN server gives no allocation: {answer.first(Attr.ERROR_CODE)!r}")
        self.relay = read_xor_address(relayed, answer.transaction)

    def bind(self, peer: Endpoint) -> None:
        """Bind the channel to a peer. Raises LoadError."""
        transaction = self._next()
        number = (Attr.CHANNEL_NUMBER, CHANNEL.to_bytes(2) + bytes(2))
        answer = self._ask(
            Method.CHANNEL_BIND,
            number,
            (Attr.XOR_PEER_ADDRESS, xor_address(peer, transaction)),
            transaction=transaction,
        )
        if answer.cls is not Class.SUCCESS:
            raise LoadError(f"the TURN server binds no channel: {answer.first(Attr.ERROR_CODE)!r}")
        self.socket.setblocking(False)

    def send(self, payload: bytes) -> None:
        """Over the channel; what a full socket does not take is lost. The payload's length is a multiple of 4."""
        with contextlib.suppress(BlockingIOError):
            self.socket.send(CHANNEL.to_bytes(2) + len(payload).to_bytes(2) + payload)

    def take(self) -> list[bytes]:
        """Payloads that came over the channel."""
        frames: list[bytes] = []
        with contextlib.suppress(OSError):
            while data := self.socket.recv(1 << 16):
                frames += self._deframer.feed(data) if self._deframer is not None else [data]
        return [frame[4:] for frame in frames if frame[:2] == CHANNEL.to_bytes(2)]

    def _next(self) -> bytes:
        self._transactions += 1
        return self._transactions.to_bytes(12)

    def _receive(self) -> bytes:
        """One message. Raises OSError."""
        if self._deframer is None:
            return self.socket.recv(2048)
        while True:
            data = self.socket.recv(2048)
            if not data:
                raise ConnectionError("the TURN server has closed the connection")
            if messages := self._deframer.feed(data):
                return messages[0]

    def _ask(self, method: Method, *attributes: tuple[int, bytes], transaction: bytes = b"") -> Message:
        request = Message(method, Class.REQUEST, transaction or self._next(), list(attributes))
        if self._nonce:
            username = self._username.encode()
            signed = [*attributes, (Attr.USERNAME, username), (Attr.REALM, self._realm), (Attr.NONCE, self._nonce)]
            key = integrity.long_term_key(username, self._realm, self._password.encode())
            data = stun.encode(Message(method, Class.REQUEST, request.transaction, signed))
            data = integrity.protect(data, Attr.MESSAGE_INTEGRITY, key)
        else:
            data = stun.encode(request)
        self.socket.send(data)
        try:
            answer = stun.decode(self._receive())
        except OSError as error:
            raise LoadError("the TURN server does not answer") from error
        self._realm = answer.first(Attr.REALM) or self._realm
        self._nonce = answer.first(Attr.NONCE) or self._nonce
        return answer
