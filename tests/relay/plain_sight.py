"""Sight, slow and obvious: who must be told of what, and who may be (docs/PROTOCOL.md 4.2), one client and one entity at a time."""

import math

from relay.entities import Entity
from relay.scene import Scene
from relay.session import Session

MARGIN_M = 64.0


def away_m(scene: Scene, session: Session, entity: Entity) -> float:
    """How far the root of what it rides in is from where the peer looks from."""
    *_, root = (entity, *scene.entities.ancestors(entity))
    x, y, z = scene.world.position[scene.world.row(root.id)].tolist()
    audience = scene.replication.audience
    row = audience.row(session.peer)
    a, b, c = audience.view[row].tolist()
    looks_from = scene.entities.get(int(audience.view_entity[row]))
    if looks_from is not None:
        *_, viewer = (looks_from, *scene.entities.ancestors(looks_from))
        a, b, c = scene.world.position[scene.world.row(viewer.id)].tolist()
    return math.dist((x / 1024, y / 256, z / 1024), (a / 1024, b / 256, c / 1024))


def sight(scene: Scene, session: Session) -> tuple[set[int], set[int]]:
    """Entities that the peer must know, and those that it may know."""
    radius_m = float(scene.replication.audience.radius_m[scene.replication.audience.row(session.peer)])
    must: set[int] = set()
    may: set[int] = set()
    for entity in scene.entities:
        chain = [entity, *scene.entities.ancestors(entity)]
        kept = entity.always or session.peer in (entity.owner, entity.master)
        distance_m = away_m(scene, session, entity)
        if kept or distance_m <= radius_m:
            must.update(member.id for member in chain)
        if kept:
            may.update(member.id for member in scene.entities.subtree(chain[-1]))
        if distance_m <= radius_m + MARGIN_M:
            may.add(entity.id)
    return must, may | must
