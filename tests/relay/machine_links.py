"""Half of a room machine: clients that join and leave, links that stall, break and change, time that passes."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from soiree.wire import messages as m
from soiree.wire.state import IDENT, Slot
from tests.relay.crowd import Crowd, Link
from tests.relay.honest import HonestClient, Seen

MOST_PEERS = 5
WHO = st.integers(0, MOST_PEERS - 1)


class WatchedCrowd(Crowd):
    """Checks with each batch of frames that only the present owner is believed, and only what it wrote as the owner."""

    def take(self, batch: list[tuple[int, bytes]]) -> None:
        before = self._stamps()
        super().take(batch)
        for entity, stamp in self._stamps().items():
            if stamp != before.get(entity):
                writer, epoch = IDENT.unpack_from(stamp, 4)[0], IDENT.unpack_from(stamp, 8)[0]
                assert (writer, epoch) == self.owner_epoch(entity)

    def _stamps(self) -> dict[int, bytes]:
        records = {entity.id: self.scene.world.record(entity.id, Slot.PROPS) for entity in self.scene.entities}
        return {entity: record for entity, record in records.items() if record is not None}


class LinkMachine(RuleBasedStateMachine):
    """Rules act on one client picked by `who`. What is said is carried at once, but by links that a rule has stalled."""

    def __init__(self) -> None:
        super().__init__()
        self.crowd = WatchedCrowd()
        self.crowd.auto = False
        self.next_peer = 2
        self.epochs: dict[bytes, tuple[int, int]] = {}
        self.late: list[tuple[int, Link, bytes]] = []
        """Frames that their sender sent long ago."""
        self.stalled: set[int] = set()

    # Who is meant

    def live(self) -> list[int]:
        return [peer for peer, client in self.crowd.clients.items() if client.over is None and self.in_room(peer)]

    def in_room(self, peer: int) -> bool:
        return peer in self.crowd.scene.sessions

    def client(self, who: int) -> HonestClient | None:
        """A client with a live connection."""
        peers = [peer for peer in self.live() if (link := self.crowd.links[peer]) is not None and not link.closing]
        return self.crowd[peers[who % len(peers)]] if peers else None

    def entity(self, client: HonestClient, pick: int, role: str = "") -> int:
        """Mostly one that the client knows, and has that role in ("owner", "master", or "other": is not its owner)."""
        known = sorted(client.entities)
        if pick < 22 and role:
            known = [entity for entity in known if self.plays(client, client.entities[entity], role)] or known
        return known[pick % len(known)] if known and pick < 29 else 1 + pick

    @staticmethod
    def plays(client: HonestClient, seen: Seen, role: str) -> bool:
        if role == "other":
            return seen.owner != client.peer
        return client.peer == (seen.owner if role == "owner" else seen.master)

    def peer(self, client: HonestClient, pick: int) -> int:
        known = sorted(client.peers)
        return known[pick % len(known)] if known and pick < 29 else 77

    def say(self, client: HonestClient, message: type[m.Message], *fields: Any) -> None:
        self.crowd.say(client.peer, message, *fields)
        self.carry()

    # Connections

    def carry(self) -> None:
        """Carry what is said, except on stalled links."""
        for _ in range(3):
            for peer in self.live():
                if peer not in self.stalled:
                    self.crowd.deliver_up(peer)
                    self.crowd.deliver_down(peer)

    @precondition(lambda self: len(self.live()) < MOST_PEERS)
    @rule(subject=st.integers(0, 2))
    def someone_joins(self, subject: int) -> None:
        self.crowd.join(self.next_peer, subject=f"subject {subject}" if subject else "")
        self.next_peer += 1
        self.carry()

    @rule(who=WHO, noticed=st.booleans())
    def connection_breaks(self, who: int, noticed: bool) -> None:
        if (client := self.client(who)) is not None:
            if noticed:
                self.crowd.cut(client.peer)
            else:
                link = self.crowd.links[client.peer]
                assert link is not None
                link.dead = True

    @rule(who=WHO, fresh=st.sampled_from([False, False, True]))
    def new_connection(self, who: int, fresh: bool) -> None:
        """After a break, or in place of one that still works."""
        peers = self.live()
        if peers:
            peer = peers[who % len(peers)]
            self.crowd.connect(peer, fresh=fresh or self.crowd[peer].fresh)
            self.carry()

    @rule(who=WHO)
    def bye(self, who: int) -> None:
        client = self.client(who)
        if client is not None and len(self.live()) > 2:
            link = self.crowd.links[client.peer]
            assert link is not None
            link.up_control.append(b"\x93\x04\x00\xa3bye")
            self.carry()

    @rule(who=WHO)
    def kick(self, who: int) -> None:
        peers = self.live()
        if len(peers) > 2:
            assert self.crowd.room.kick(peers[who % len(peers)], "out", self.crowd.now)
            self.crowd.flush()

    # Carrying

    @rule(who=WHO)
    def link_stalls(self, who: int) -> None:
        if (client := self.client(who)) is not None:
            self.stalled.add(client.peer)

    @rule()
    def links_work_again(self) -> None:
        self.stalled.clear()
        self.carry()

    @rule(who=WHO, count=st.integers(1, 6))
    def carry_up(self, who: int, count: int) -> None:
        if (client := self.client(who)) is not None:
            self.crowd.deliver_up(client.peer, count)

    @rule(who=WHO, count=st.integers(1, 6))
    def carry_down(self, who: int, count: int) -> None:
        peers = self.live()
        if peers:
            self.crowd.deliver_down(peers[who % len(peers)], count)

    @rule()
    def carry_everything(self) -> None:
        self.crowd.deliver_all()
        self.crowd.step()

    @rule(ticks=st.integers(1, 12))
    def time_passes(self, ticks: int) -> None:
        self.crowd.step(ticks)
        self.carry()

    @rule(seconds=st.sampled_from([0.6, 2.1, 5.5, 11.0, 31.0]), heard=st.lists(WHO, max_size=4))
    def silence(self, seconds: float, heard: list[int]) -> None:
        peers = self.live()
        self.crowd.wait(seconds, *{peers[who % len(peers)] for who in heard if peers})
        self.carry()
