"""Pure core: who may do what to an entity (docs/PROTOCOL.md section 7).

Nothing here changes anything: each function answers, or raises the `RefusalError` that the sender is told.
"""

from enum import Enum, auto

from relay.entities import Entity, EntityTable
from relay.errors import RefusalError
from soiree.wire.limits import MAX_DEPTH
from soiree.wire.messages import NOBODY, Condition


class Verdict(Enum):
    """What becomes of a request that is not refused."""

    GRANT = auto()
    ASK = auto()


def refusal(reason: str, entity: Entity) -> RefusalError:
    """A refusal that names the entity with its owner and epoch as they are."""
    return RefusalError(reason, entity.id, entity.owner, entity.epoch)


def decide_request(entity: Entity, peer: int, epoch: int, master_is_here: bool) -> Verdict:
    """May `peer`, who saw `epoch`, have the entity?

    A request is a compare-and-swap: of two peers who saw the same epoch, the first is granted and the second is `stale`. That holds for
    the master's own requests too; to take it whatever happened, a master assigns it to itself.
    """
    if entity.owner == peer:
        raise refusal("owner", entity)
    rule = entity.rule
    if peer == entity.master:
        rule = "allow"
    elif rule == "ask" and not master_is_here:
        if entity.fallback is None or entity.fallback == "ask":
            raise refusal("no-master", entity)
        rule = entity.fallback
    if rule == "deny":
        raise refusal("rule", entity)
    if epoch != entity.epoch:
        raise refusal("stale", entity)
    return Verdict.GRANT if rule == "allow" else Verdict.ASK


def must_be_owner(entity: Entity, peer: int) -> None:
    if entity.owner != peer:
        raise refusal("not-owner", entity)


def must_be_master(entity: Entity, peer: int) -> None:
    if entity.master != peer:
        raise refusal("not-master", entity)


def may_release(entity: Entity, peer: int) -> None:
    """The owner may hand back to a master other than itself."""
    must_be_owner(entity, peer)
    if entity.master == NOBODY:
        raise refusal("no-master", entity)
    if entity.master == peer:
        raise refusal("owner", entity)


def must_hold(condition: Condition | None, peer: int, entities: EntityTable) -> None:
    """The sender owns the named entity at the named epoch: of two peers who fire one gun, one fires."""
    if condition is None:
        return
    entity = entities.get(condition.entity)
    if entity is None:
        raise RefusalError("stale", condition.entity)
    if entity.owner != peer or entity.epoch != condition.epoch:
        raise refusal("stale", entity)


def may_ride(parent: Entity, owner: int) -> None:
    """May something of `owner` be attached to `parent`?"""
    if parent.attach_rule == "deny" or (parent.attach_rule == "owner" and parent.owner != owner):
        raise refusal("attach-rule", parent)


def may_attach(child: Entity, parent: Entity, entities: EntityTable) -> None:
    """May an existing entity be attached to `parent`: rule, no cycle, not too deep with all that rides in it?"""
    may_ride(parent, child.owner)
    if child is parent or any(ancestor is child for ancestor in entities.ancestors(parent)):
        raise refusal("cycle", parent)
    if entities.depth(parent) + 1 + entities.height(child) > MAX_DEPTH:
        raise refusal("depth", parent)
