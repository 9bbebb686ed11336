"""A room under honest clients whose connections come, stall, break and change, as Hypothesis pleases: what must hold whatever happens."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from relay.interest import LOOK_TICKS
from relay.outputs import Left
from soiree.wire import messages as m
from soiree.wire.state import IDENT
from tests.relay.honest import HonestClient, placed_slots
from tests.relay.machine_commands import CommandMachine


class RoomMachine(CommandMachine):
    """What clients do with each other over links that come and go, checked after each step and in the end."""

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
            assert session.told <= {entity.id for entity in scene.entities}
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
        crowd.step(LOOK_TICKS + 10)
        crowd.check_agreement()
        for entity in crowd.scene.entities:
            state = placed_slots(crowd.scene.world.placed(entity.id))
            for peer in self.live():
                if entity.id in crowd[peer].entities:
                    assert crowd[peer].entities[entity.id].state == state
        for client in crowd.clients.values():
            self.data_came_once_and_in_order(client)
        left = {event.peer for event in crowd.events if isinstance(event, Left)}
        assert left == {peer for peer in crowd.clients if not self.in_room(peer)}
        crowd.auto = False

    def every_command_was_answered(self, client: HonestClient) -> None:
        for number in range(1, client.outbox.last + 1):
            assert len(client.answers[number]) == client.commands.get(number, 1), (number, client.heard)

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
