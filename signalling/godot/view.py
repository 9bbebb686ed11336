"""What the page of a lobby shows: who is in, and what each has sent by the relay and got."""

from collections.abc import Iterable

import msgspec

from signalling.godot.lobby import HOST_ID, Lobby
from soiree.link import LobbyMode, PeerTraffic


class LobbyPeer(msgspec.Struct, frozen=True):
    """One game in a lobby. What travels from peer to peer is not seen here, and counts nothing."""

    peer: int
    host: bool
    signalling: bool
    """Its socket is open."""
    connections: int
    packets_in: int
    bytes_in: int
    packets_out: int
    bytes_out: int
    dropped: int


class LobbyView(msgspec.Struct, frozen=True):
    """A lobby, by its handle: its name, which lets one in, is not told."""

    handle: str
    mode: LobbyMode
    mesh: bool
    sealed: bool
    peers: list[LobbyPeer]


def lobby_view(lobby: Lobby, traffic: Iterable[PeerTraffic]) -> LobbyView:
    """Those with a socket first, in order of arrival, then those whom only the relay still has."""
    counted = {one.peer: one for one in traffic}
    here = [lobby.id_of(member) for member in lobby.members.values()]
    host = lobby.id_of(lobby.host) if lobby.host is not None and lobby.host.lobby is lobby else HOST_ID
    peers = [_peer(peer, counted.get(peer), peer == host, peer in here) for peer in dict.fromkeys((*here, *counted))]
    return LobbyView(lobby.handle, lobby.mode, lobby.mesh, lobby.sealed, peers)


def _peer(peer: int, traffic: PeerTraffic | None, host: bool, signalling: bool) -> LobbyPeer:
    seen = traffic or PeerTraffic(peer, 0, 0, 0, 0, 0, 0)
    counts = (seen.legs, seen.packets_in, seen.bytes_in, seen.packets_out, seen.bytes_out, seen.dropped)
    return LobbyPeer(peer, host, signalling, *counts)
