"""Data between clients and peers (RFC 8656 sections 11 and 12): what may not pass is dropped and counted, never answered.

Pure core.
"""

import struct
from typing import Final

from turn import stun
from turn.allocation import Allocation, Client
from turn.errors import RefusedError
from turn.homes import Homes
from turn.outputs import Counted, Output, ToClient, ToPeer
from turn.peers import Peers
from turn.stun import Attr, Class, Message, Method
from turn.table import AllocationTable
from turn.values import Endpoint, family_of, read_xor_address, xor_address

CHANNEL_HEADER: Final = struct.Struct("!HH")
"""Channel number and length of the data (section 12.4)."""


class Forwarding:
    """Moves data; appends what is to be sent to `outputs`."""

    def __init__(self, table: AllocationTable, peers: Peers, homes: Homes, outputs: list[Output]) -> None:
        self._table = table
        self._peers = peers
        self._homes = homes
        self._outputs = outputs
        self._indications = 0

    def may_reach(self, peer: Endpoint) -> bool:
        """Whether anybody may send to this peer: one that is open to all, or another client's relayed address."""
        return self._peers.may_reach(peer) or self._homes.inside(peer) in self._table.owners

    def channel_data(self, client: Client, data: bytes, now: float) -> None:
        """From a client (section 12.6)."""
        allocation = self._table.of_client.get(client)
        if allocation is None or len(data) < CHANNEL_HEADER.size:
            self._count("no-channel")
            return
        number, length = CHANNEL_HEADER.unpack_from(data)
        peer = allocation.peer_of(number, now)
        if peer is None or length > len(data) - CHANNEL_HEADER.size:
            self._count("no-channel")
            return
        self._to_peer(allocation, peer, data[CHANNEL_HEADER.size : CHANNEL_HEADER.size + length], now)

    def indication(self, message: Message, client: Client, now: float) -> None:
        """A Send indication of a client (section 11.2)."""
        allocation = self._table.of_client.get(client)
        value, data = message.first(Attr.XOR_PEER_ADDRESS), message.first(Attr.DATA)
        if allocation is None or value is None or data is None:
            self._count("ignored")
            return
        try:
            peer = read_xor_address(value, message.transaction)
        except RefusedError:
            self._count("malformed")
            return
        self._to_peer(allocation, peer, data, now, dont_fragment=message.has(Attr.DONT_FRAGMENT))

    def _to_peer(
        self, allocation: Allocation, peer: Endpoint, data: bytes, now: float, *, dont_fragment: bool = False
    ) -> None:
        if not allocation.permits(peer[0], now) or not self.may_reach(peer):
            self._count("no-permission")
        elif not allocation.up.take(len(data), now):
            self._count("bandwidth")
        else:
            relay = allocation.relays[family_of(peer[0])]
            self._outputs.append(ToPeer(relay, self._homes.inside(peer), data, dont_fragment))

    def from_peer(self, relay: Endpoint, source: Endpoint, data: bytes, now: float) -> None:
        """To a client (sections 11.3 and 12.7)."""
        allocation = self._table.owners.get(relay)
        # Of another client's relayed address, a client knows what the world knows.
        peer = self._homes.outside(source) if source in self._table.owners else source
        if allocation is None or not allocation.permits(peer[0], now) or not self.may_reach(peer):
            self._count("no-permission")
            return
        if not allocation.down.take(len(data), now):
            self._count("bandwidth")
            return
        number = allocation.channel_of(peer, now)
        out = self._data_indication(peer, data) if number is None else CHANNEL_HEADER.pack(number, len(data)) + data
        self._outputs.append(ToClient(allocation.client, out, is_answer=False))

    def _data_indication(self, peer: Endpoint, data: bytes) -> bytes:
        self._indications += 1  # nobody answers it, so its transaction need only differ
        transaction = self._indications.to_bytes(12)
        attributes = [(Attr.XOR_PEER_ADDRESS, xor_address(peer, transaction)), (Attr.DATA, data)]
        return stun.encode(Message(Method.DATA, Class.INDICATION, transaction, attributes))

    def _count(self, what: str) -> None:
        self._outputs.append(Counted(what))
