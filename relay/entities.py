"""Pure core: the entities of a room: one's record, the table of all, and the pool that their ids come from.

The records of movement are in `relay.world`; here is what the reliable stream tells.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from soiree.wire.messages import NOBODY, AttachRule, Lifetime, PropertyValue, Rule

NONE = 0
"""Entity id that stands for no parent."""
MAX_ENTITY_ID = 0xFFFFFF
DEFAULT_ASK_TIMEOUT_MS = 2000


@dataclass(slots=True, eq=False)
class Entity:
    """One thing in a room. Changed only through its `EntityTable`, which keeps its indices true."""

    id: int
    """1…2²⁴−1, given by the room."""
    uuid: bytes
    """16 bytes, the same wherever the entity goes."""
    kind: str
    owner: int
    """The one peer that may write its state, 0 for nobody."""
    master: int
    """The one peer that may change owner, rule and master, 0 for nobody."""
    rule: Rule
    lifetime: Lifetime
    attach_rule: AttachRule
    properties: dict[str, PropertyValue]
    parent: int = NONE
    attach: int = 0
    """How often it changed its parent, modulo 256."""
    epoch: int = 1
    """Rises by one with each change of owner."""
    owned_since: int = 0
    """Tick of the last change of owner."""
    ask_timeout_ms: int = DEFAULT_ASK_TIMEOUT_MS
    fallback: Rule | None = None
    """What the rule `ask` becomes while the master is away."""
    subject: str = ""
    """While it is nobody's: the identity that it waits for."""
    always: bool = False
    """Relevant to everybody, wherever they are."""
    children: set[int] = field(default_factory=set)
    spawned: bytes = b""
    """The `spawned` that was last told of it, while it still holds."""
    spawned_at: int = 0
    """Version of its records in that."""


class EntityTable:
    """All entities of a room by id, by owner, by master and by parent."""

    __slots__ = ("_by_id", "_kinds", "_mastered", "_owned")

    def __init__(self) -> None:
        self._by_id: dict[int, Entity] = {}
        self._kinds: Counter[str] = Counter()
        self._owned: defaultdict[int, set[int]] = defaultdict(set)
        self._mastered: defaultdict[int, set[int]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Entity]:
        return iter(self._by_id.values())

    def __contains__(self, entity: int) -> bool:
        return entity in self._by_id

    def get(self, entity: int) -> Entity | None:
        return self._by_id.get(entity)

    def __getitem__(self, entity: int) -> Entity:
        return self._by_id[entity]

    def owned(self, peer: int) -> list[Entity]:
        """What `peer` owns, by id."""
        return [self._by_id[entity] for entity in sorted(self._owned.get(peer, ()))]

    def mastered(self, peer: int) -> list[Entity]:
        """What `peer` is master of, by id; with 0 what is nobody's."""
        return [self._by_id[entity] for entity in sorted(self._mastered.get(peer, ()))]

    def count_mastered(self, peer: int) -> int:
        return len(self._mastered.get(peer, ()))

    def count_always(self, peer: int) -> int:
        """Entities that `peer` is master of and that are always relevant."""
        return sum(self._by_id[entity].always for entity in self._mastered.get(peer, ()))

    def has_kind(self, kind: str) -> bool:
        """Whether there is anything of this kind."""
        return self._kinds[kind] > 0

    def add(self, entity: Entity) -> None:
        self.plant(entity)
        self._owned[entity.owner].add(entity.id)
        self._mastered[entity.master].add(entity.id)
        if entity.parent:
            self._by_id[entity.parent].children.add(entity.id)

    def plant(self, entity: Entity) -> None:
        """Add one that is and stays nobody's, and has no parent: `owned(0)` and `mastered(0)` do not list it."""
        self._by_id[entity.id] = entity
        self._kinds[entity.kind] += 1

    def remove(self, entity: Entity) -> None:
        """Raises ValueError while it has children."""
        if entity.children:
            raise ValueError(f"entity {entity.id} still has children")
        del self._by_id[entity.id]
        self._kinds[entity.kind] -= 1
        if not self._kinds[entity.kind]:
            del self._kinds[entity.kind]
        self._unlist(self._owned, entity.owner, entity.id)
        self._unlist(self._mastered, entity.master, entity.id)
        if entity.parent:
            self._by_id[entity.parent].children.discard(entity.id)

    def set_owner(self, entity: Entity, peer: int, tick: int) -> None:
        """Give the entity to another owner: the only way its epoch rises. Raises ValueError when it is the owner already."""
        if entity.owner == peer:
            raise ValueError(f"{peer} owns entity {entity.id} already")
        self._unlist(self._owned, entity.owner, entity.id)
        self._owned[peer].add(entity.id)
        entity.owner, entity.owned_since = peer, tick
        entity.epoch += 1

    def set_master(self, entity: Entity, peer: int) -> None:
        self._unlist(self._mastered, entity.master, entity.id)
        self._mastered[peer].add(entity.id)
        entity.master = peer
        if peer != NOBODY:
            entity.subject = ""

    def set_parent(self, entity: Entity, parent: int) -> None:
        """Attach to `parent` (0: detach) and count it; whether that may be is `relay.ownership.may_attach`'s to say."""
        if entity.parent:
            self._by_id[entity.parent].children.discard(entity.id)
        if parent:
            self._by_id[parent].children.add(entity.id)
        entity.parent = parent
        entity.attach = (entity.attach + 1) & 0xFF

    def ancestors(self, entity: Entity) -> Iterator[Entity]:
        """Parent, its parent, …"""
        while entity.parent:
            entity = self._by_id[entity.parent]
            yield entity

    def depth(self, entity: Entity) -> int:
        """How many parents are above it."""
        return sum(1 for _ in self.ancestors(entity))

    def subtree(self, entity: Entity) -> Iterator[Entity]:
        """The entity and all that rides in it, parents before their children."""
        waiting = deque([entity])
        while waiting:
            reached = waiting.popleft()
            yield reached
            waiting.extend(self._by_id[child] for child in sorted(reached.children))

    def height(self, entity: Entity) -> int:
        """How many generations ride in it."""
        level, generation = 0, entity.children
        while generation:
            level += 1
            generation = {child for rider in generation for child in self._by_id[rider].children}
        return level

    @staticmethod
    def _unlist(index: defaultdict[int, set[int]], peer: int, entity: int) -> None:
        listed = index[peer]
        listed.discard(entity)
        if not listed:
            del index[peer]


class IdPool:
    """Entity ids: each is used again only after everybody who was told `despawned` of its last bearer has applied that.

    Otherwise a late message or frame about the old entity could be taken for one about the new.
    """

    __slots__ = ("_awaited", "_free", "_next", "_retired")

    def __init__(self) -> None:
        self._next = 1
        self._free: deque[int] = deque()
        self._awaited: dict[int, int] = {}
        """Entity → how many of its `despawned` are not applied; it may be alive, and have left the sight of somebody."""
        self._retired: set[int] = set()
        """Those that are gone and still awaited."""

    def take(self) -> int | None:
        """An id, the one that was free longest first; None when all are in use or awaited."""
        if self._free:
            return self._free.popleft()
        if self._next > MAX_ENTITY_ID:
            return None
        self._next += 1
        return self._next - 1

    def tell_despawned(self, entity: int) -> None:
        """One peer was told `despawned` of it."""
        self._awaited[entity] = self._awaited.get(entity, 0) + 1

    def forgotten(self, entity: int) -> None:
        """One of those peers has applied it, has left, or lost its memory."""
        self._awaited[entity] -= 1
        if not self._awaited[entity]:
            del self._awaited[entity]
            if entity in self._retired:
                self._retired.remove(entity)
                self._free.append(entity)

    def retire(self, entity: int) -> None:
        """Its bearer is gone."""
        if entity in self._awaited:
            self._retired.add(entity)
        else:
            self._free.append(entity)
