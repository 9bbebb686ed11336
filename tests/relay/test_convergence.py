"""A client that was told "spawned" always ends with the owner's last state, whatever was lost."""

import pytest

from tests.relay.toy_room import ToyRoom


def disturb(room: ToyRoom) -> None:
    """Something happens to somebody's things."""
    r = room.random
    client = r.choice(list(room.clients.values()))
    for entity, mine in client.mine.items():
        what = r.random()
        x, y, z = mine.position
        if what < 0.3:
            mine.moving = True
            mine.position = (x + r.uniform(-0.5, 0.5), y, z) if not mine.child else (r.uniform(-3, 3), 0.0, 0.0)
        elif what < 0.5:
            mine.moving = False
        elif what < 0.7:
            mine.props = r.randbytes(r.randint(0, 30))
        elif what < 0.73 and not mine.child:
            mine.position = (r.uniform(-900, 900), r.uniform(-200, 200), r.uniform(-900, 900))
            mine.teleport_until = room.tick + 40
        elif what < 0.75 and room.owner.get(entity) == client.peer:
            room.grant(entity, r.choice([peer for peer in room.clients if peer != client.peer]))
            return


def settle(room: ToyRoom, ticks: int = 240) -> None:
    for client in room.clients.values():
        for mine in client.mine.values():
            mine.moving = False
    for _ in range(ticks):
        room.step()


def assert_converged(room: ToyRoom) -> None:
    for peer, client in room.clients.items():
        assert not room.waiting[peer]
        assert set(client.since) == set(room.owner)
        for entity, owner in room.owner.items():
            if owner != peer:
                have = {slot: one for (e, slot), (_, one) in client.bodies.items() if e == entity}
                assert have == room.bodies(entity), (peer, entity)


def assert_relay_has_the_owners_last(room: ToyRoom) -> None:
    for entity, owner in room.owner.items():
        props = room.clients[owner].mine[entity].props
        record = room.world.record(entity, 2)  # type: ignore[arg-type]  # Slot.PROPS
        assert record is not None
        assert record[4:] == props


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("loss", [0.0, 0.05, 0.3])
def test_everybody_ends_with_the_owners_last_state(seed: int, loss: float) -> None:
    room = ToyRoom(seed, loss, first_seq=65_400, first_number=65_500)
    room.furnish(12, riders=3, across_m=70, deep_m=30)
    for _ in range(420):
        if room.random.random() < 0.2:
            disturb(room)
        room.step()
    settle(room)
    assert_relay_has_the_owners_last(room)
    assert_converged(room)
    assert room.tick > 2**32
    assert all(client.strange == 0 for client in room.clients.values()), "state came before its spawned"


def test_an_id_that_is_used_again_gets_nothing_of_its_former_life() -> None:
    room = ToyRoom(3, 0.2)
    for life in range(6):
        room.spawn(7, 2 + life % 5, (life * 50.0, 0.0, 0.0))
        for _ in range(50):
            disturb(room)
            room.step()
        room.despawn(7)
        while any(room.waiting.values()):
            room.step()
    room.spawn(7, 2, (0.0, 0.0, 0.0))
    settle(room)
    assert_converged(room)


def test_rest_reaches_everybody_soon_under_loss() -> None:
    room = ToyRoom(1, 0.05)
    room.spawn(1, 2, (0.0, 0.0, 0.0))
    late = []
    for _ in range(40):
        for moving in (True, False):
            for _ in range(30):
                mine = room.clients[2].mine.get(1)
                if mine is not None:
                    mine.moving = moving
                    mine.position = (mine.position[0] + 0.05 * moving, 0.0, 0.0)
                room.step()
        have = [client.bodies[1, slot][1] for client in list(room.clients.values())[1:] for slot in room.bodies(1)]
        want = [one for _ in list(room.clients)[1:] for one in room.bodies(1).values()]
        late.append(have != want)
    assert sum(late) == 0


def test_teleports_are_told_to_everybody_though_frames_are_lost() -> None:
    room = ToyRoom(5, 0.4)
    room.spawn(1, 2, (0.0, 0.0, 0.0))
    for _ in range(60):
        room.step()
    before = {peer: client.teleported for peer, client in room.clients.items()}
    mine = room.clients[2].mine[1]
    mine.position, mine.moving, mine.teleport_until = (500.0, 0.0, 0.0), True, room.tick + 40
    for _ in range(120):
        mine.position = (mine.position[0] + 0.02, 0.0, 0.0)
        room.step()
    for peer, client in room.clients.items():
        assert peer == 2 or client.teleported > before[peer]
