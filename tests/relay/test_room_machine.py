"""A room under honest clients whose connections come, stall, break and change, as Hypothesis pleases: what must hold whatever happens."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from relay.outputs import Left
from soiree.wire import messages as m
from soiree.wire.state import IDENT, Slot
from tests.relay.crowd import Crowd, Link
from tests.relay.honest import HonestClient, Seen, place, place_in, placed_slots, raw

MOST_PEERS = 5
WHO = st.integers(0, MOST_PEERS - 1)
PICK = st.integers(0, 30)
RULE = st.sampled_from(["ask", "allow", "deny"])
LIFETIME = st.sampled_from(["with-master", "with-room", "persistent"])
ATTACH_RULE = st.sampled_from(["allow", "allow", "owner", "deny"])
METRES = st.integers(0, 60).map(float)


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


class RoomMachine(RuleBasedStateMachine):
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

    @initialize(rules=st.lists(RULE, min_size=4, max_size=8), lifetimes=st.lists(LIFETIME, min_size=8, max_size=8))
    def a_few_are_here_with_things(self, rules: list[str], lifetimes: list[str]) -> None:
        for _ in range(3):
            self.someone_joins(1)
        for number, (its_rule, lifetime) in enumerate(zip(rules, lifetimes, strict=False)):
            self.spawn(number, 1.0, its_rule, lifetime, "allow", 0, avatar=number == 1, condition=None)

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

    # Commands

    @rule(
        who=WHO,
        x=METRES,
        spawn_rule=RULE,
        lifetime=LIFETIME,
        attach_rule=ATTACH_RULE,
        parent=PICK,
        avatar=st.booleans(),
        condition=st.none() | PICK,
    )
    def spawn(
        self,
        who: int,
        x: float,
        spawn_rule: str,
        lifetime: str,
        attach_rule: str,
        parent: int,
        avatar: bool,
        condition: int | None,
    ) -> None:
        client = self.client(who)
        if client is None:
            return
        above = self.entity(client, parent) if parent % 3 == 1 else 0
        state = place_in(x / 4, props=bytes(12)) if above else place(x, props=bytes(12))
        held = None
        if condition is not None:
            entity = self.entity(client, condition)
            held = m.Condition(entity, client.entities[entity].epoch if entity in client.entities else 1)
        kind = "avatar" if avatar else "thing"
        self.say(client, m.Spawn, kind, state, spawn_rule, lifetime, {"x": x}, above, attach_rule, held)

    @rule(who=WHO, pick=PICK, old=st.sampled_from([0, 0, 0, 1]))
    def request(self, who: int, pick: int, old: int) -> None:
        if (client := self.client(who)) is not None:
            entity = self.entity(client, pick, "other")
            epoch = client.entities[entity].epoch if entity in client.entities else 1
            self.say(client, m.Request, entity, epoch - old, "please")

    @rule(who=WHO, pick=PICK, allow=st.booleans())
    def answer(self, who: int, pick: int, allow: bool) -> None:
        if (client := self.client(who)) is not None:
            tickets = sorted(client.asked)
            self.say(client, m.Answer, tickets[pick % len(tickets)] if tickets else 1, allow)

    @rule(who=WHO, pick=PICK, to=PICK, subtree=st.booleans())
    def assign(self, who: int, pick: int, to: int, subtree: bool) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.Assign, self.entity(client, pick, "master"), self.peer(client, to), subtree)

    @rule(who=WHO, pick=PICK)
    def release(self, who: int, pick: int) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.Release, self.entity(client, pick, "owner"))

    @rule(who=WHO, pick=PICK, new=RULE, fallback=st.none() | RULE)
    def set_rule(self, who: int, pick: int, new: str, fallback: str | None) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.SetRule, self.entity(client, pick, "master"), new, 500, fallback)

    @rule(who=WHO, pick=PICK, to=PICK)
    def set_master(self, who: int, pick: int, to: int) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.SetMaster, self.entity(client, pick, "master"), self.peer(client, to))

    @rule(who=WHO, pick=PICK, lifetime=LIFETIME, attach_rule=ATTACH_RULE)
    def set_lifetime_and_attach_rule(self, who: int, pick: int, lifetime: str, attach_rule: str) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.SetLifetime, self.entity(client, pick, "master"), lifetime)
            self.say(client, m.SetAttachRule, self.entity(client, pick, "master"), attach_rule)

    @rule(who=WHO, pick=PICK, parent=PICK, x=METRES)
    def set_parent(self, who: int, pick: int, parent: int, x: float) -> None:
        if (client := self.client(who)) is not None:
            above = self.entity(client, parent) if parent % 3 else 0
            self.say(
                client,
                m.SetParent,
                self.entity(client, pick, "owner"),
                above,
                place_in(x / 4) if above else place(x),
                None,
            )

    @rule(who=WHO, pick=PICK, key=st.sampled_from("ab"), value=st.none() | st.integers(0, 9))
    def set_properties(self, who: int, pick: int, key: str, value: int | None) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.SetProperties, self.entity(client, pick, "owner"), {key: value})

    @rule(who=WHO, pick=PICK, children=st.sampled_from(["reparent", "along"]))
    def despawn(self, who: int, pick: int, children: str) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.Despawn, self.entity(client, pick, "master"), children)

    @rule(who=WHO, pick=PICK, to=st.integers(-30, 30), about=st.booleans())
    def send_event(self, who: int, pick: int, to: int, about: bool) -> None:
        if (client := self.client(who)) is not None:
            address = self.peer(client, abs(to)) * (1 if to > 0 else -1) if to % 3 else 0
            self.say(client, m.SendEvent, "ping", raw([to]), address, self.entity(client, pick) if about else 0, None)

    @rule(who=WHO)
    def send_data(self, who: int) -> None:
        if (client := self.client(who)) is not None:
            client.data_said += 1
            self.say(client, m.SendData, 0, IDENT.pack(client.incarnation) + IDENT.pack(client.data_said))

    @rule(who=WHO, pick=PICK, x=METRES, late=st.booleans())
    def write(self, who: int, pick: int, x: float, late: bool) -> None:
        client = self.client(who)
        if client is None:
            return
        owned = sorted(entity for entity, seen in client.entities.items() if seen.owner == client.peer)
        link = self.crowd.links[client.peer]
        if owned and link is not None:
            entity = owned[pick % len(owned)]
            seen = client.entities[entity]
            frame = client.write(self.crowd.tick, entity, x / 4 if seen.parent else x)
            if late:
                self.late.append((client.peer, link, frame))
            else:
                link.up_state.append(frame)

    @rule()
    def late_frames_arrive(self) -> None:
        late, self.late = self.late, []
        batch = [(peer, frame) for peer, link, frame in late if self.crowd.links[peer] is link and not link.dead]
        self.crowd.take([(peer, frame) for peer, frame in batch if self.in_room(peer)])

    # What holds always

    @invariant()
    def epochs_rise_with_changes_of_owner_and_only_then(self) -> None:
        now = {entity.uuid: (entity.epoch, entity.owner) for entity in self.crowd.scene.entities}
        for uuid, (epoch, owner) in now.items():
            old_epoch, old_owner = self.epochs.get(uuid, (epoch, owner))
            assert epoch >= old_epoch
            if epoch == old_epoch:
                assert owner == old_owner
        self.epochs = now

    @invariant()
    def nothing_names_a_peer_that_has_left(self) -> None:
        here = {0, *self.crowd.scene.sessions}
        for entity in self.crowd.scene.entities:
            assert entity.owner in here
            assert entity.master in here
            assert entity.master or entity.lifetime != "with-master"
            assert not entity.parent or entity.id in self.crowd.entity(entity.parent).children

    @invariant()
    def tables_agree(self) -> None:
        scene = self.crowd.scene
        for peer in {0, *scene.sessions}:
            assert [e.id for e in scene.entities.owned(peer)] == sorted(e.id for e in scene.entities if e.owner == peer)
            assert [e.id for e in scene.entities.mastered(peer)] == sorted(
                e.id for e in scene.entities if e.master == peer
            )
        for entity in scene.entities:
            row = scene.world.row(entity.id)
            assert scene.world.owner[row] == entity.owner
        for session in scene.present.values():
            everything = {entity.id for entity in scene.entities}
            assert {*session.told} | {e for e in everything if e in session.snapshot} == everything
            assert all(entity not in session.snapshot for entity in session.told)

    # What holds in the end

    def teardown(self) -> None:
        """Everybody comes back, everything is carried: all agree, a late joiner and a reloaded page too."""
        for peer in self.live():
            link = self.crowd.links[peer]
            if link is None or link.closing or link.dead:
                self.crowd.connect(peer, fresh=self.crowd[peer].fresh)
        self.settle()
        for peer in self.live():
            self.every_command_was_answered(self.crowd[peer])
        peers = self.live()
        if peers:
            self.crowd.connect(peers[0], fresh=True)
        self.someone_joins(0)
        self.settle()

    def settle(self) -> None:
        """Everything is carried, owners write once more: everybody has what the owners last wrote."""
        crowd = self.crowd
        crowd.auto = True
        self.stalled.clear()
        crowd.step(60)
        crowd.wait(1.0, *self.live())
        for entity in crowd.scene.entities:
            if entity.owner:
                crowd.take([(entity.owner, crowd[entity.owner].write(crowd.tick, entity.id, 7.0))])
        crowd.step(30)
        crowd.check_agreement()
        for entity in crowd.scene.entities:
            state = placed_slots(crowd.scene.world.placed(entity.id))
            for peer in self.live():
                assert crowd[peer].entities[entity.id].state == state
        for client in crowd.clients.values():
            self.data_came_once_and_in_order(client)
        left = {event.peer for event in crowd.events if isinstance(event, Left)}
        assert left == {peer for peer in crowd.clients if not self.in_room(peer)}
        crowd.auto = False

    def every_command_was_answered(self, client: HonestClient) -> None:
        for number in range(1, client.outbox.last + 1):
            assert len(client.answers[number]) == 1, (number, client.heard)

    def data_came_once_and_in_order(self, client: HonestClient) -> None:
        last: dict[int, tuple[int, int]] = {}
        for message in client.heard:
            if isinstance(message, m.DataMessage):
                stamp = (IDENT.unpack_from(message.payload)[0], IDENT.unpack_from(message.payload, 4)[0])
                incarnation, number = last.get(message.peer, (0, 0))
                assert stamp[0] > incarnation or stamp == (incarnation, number + 1)
                last[message.peer] = stamp


@pytest.mark.timeout(600)  # one that fails is made small first
def test_whatever_happens_a_room_stays_sound() -> None:
    run_state_machine_as_test(RoomMachine, settings=settings(suppress_health_check=[HealthCheck.too_slow]))
