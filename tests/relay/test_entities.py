"""The table of entities keeps its indices true, and ids rest until nobody can mistake them."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.entities import MAX_ENTITY_ID, Entity, EntityTable, IdPool


def make(entity: int, owner: int = 2, master: int = 2, parent: int = 0) -> Entity:
    return Entity(
        id=entity,
        uuid=bytes(16),
        kind="thing",
        owner=owner,
        master=master,
        rule="allow",
        lifetime="with-master",
        attach_rule="allow",
        properties={},
        parent=parent,
    )


@pytest.fixture
def tower() -> EntityTable:
    """1 carries 2 and 3, 3 carries 4."""
    table = EntityTable()
    for entity, parent in ((1, 0), (2, 1), (3, 1), (4, 3)):
        table.add(make(entity, parent=parent))
    return table


def test_a_subtree_lists_parents_before_their_children(tower: EntityTable) -> None:
    assert [entity.id for entity in tower.subtree(tower[1])] == [1, 2, 3, 4]
    assert [entity.id for entity in tower.ancestors(tower[4])] == [3, 1]
    assert (tower.depth(tower[4]), tower.height(tower[1]), tower.height(tower[2])) == (2, 2, 0)


def test_attaching_counts_modulo_256(tower: EntityTable) -> None:
    for _ in range(256):
        tower.set_parent(tower[4], 3)
    assert tower[4].attach == 0
    tower.set_parent(tower[4], 2)
    assert (tower[4].attach, tower[3].children, tower[2].children) == (1, set(), {4})


def test_what_carries_others_cannot_be_removed(tower: EntityTable) -> None:
    with pytest.raises(ValueError, match="children"):
        tower.remove(tower[3])


def test_only_a_change_of_owner_raises_the_epoch(tower: EntityTable) -> None:
    entity = tower[1]
    tower.set_master(entity, 5)
    tower.set_parent(entity, 0)
    assert entity.epoch == 1
    tower.set_owner(entity, 5, 77)
    assert (entity.epoch, entity.owned_since) == (2, 77)
    with pytest.raises(ValueError, match="already"):
        tower.set_owner(entity, 5, 78)


def test_indices_forget_peers_without_things() -> None:
    table = EntityTable()
    for peer in range(2, 1000):
        table.add(make(1, owner=peer, master=peer))
        table.set_owner(table[1], 1, 0)
        table.set_master(table[1], 1)
        table.remove(table[1])
    assert len(table) == 0
    assert not table._owned
    assert not table._mastered


def test_ids_begin_with_1_and_the_one_free_longest_is_taken_first() -> None:
    pool = IdPool()
    assert [pool.take() for _ in range(4)] == [1, 2, 3, 4]
    pool.retire(3)
    pool.retire(1)
    assert [pool.take() for _ in range(3)] == [3, 1, 5]


def test_no_id_past_24_bits() -> None:
    pool = IdPool()
    pool._next = MAX_ENTITY_ID
    assert pool.take() == MAX_ENTITY_ID
    assert pool.take() is None
    pool.retire(7)
    assert pool.take() == 7


@given(st.lists(st.integers(0, 4), max_size=40), st.randoms())
def test_an_id_is_given_to_one_bearer_at_a_time(plan: list[int], random: Random) -> None:
    pool = IdPool()
    used: set[int] = set()
    awaited: dict[int, int] = {}
    for told in plan:
        entity = pool.take()
        assert entity is not None
        assert entity not in used
        assert entity not in awaited
        used.add(entity)
        gone = random.choice(sorted(used))
        used.remove(gone)
        for _ in range(told):
            pool.tell_despawned(gone)
        pool.retire(gone)
        if told:
            awaited[gone] = told
        for late in sorted(awaited):
            if random.random() < 0.5:
                pool.forgotten(late)
                awaited[late] -= 1
                if not awaited[late]:
                    del awaited[late]
