"""Pure core: entities that go together, and what rode in them and stays."""

from collections.abc import Mapping
from contextlib import nullcontext

from relay.entities import Entity
from relay.scene import Scene
from relay.session import Session


def carried_along(scene: Scene, root: Entity) -> list[Entity]:
    """The root and all that goes along with it: what its master also masters, as far as that hangs together.

    Whoever rides in somebody's vehicle is not removed with it.
    """
    going, reached = [root], [root]
    while reached:
        children = [scene.entities[child] for entity in reached for child in sorted(entity.children)]
        reached = [child for child in children if child.master == root.master]
        going += reached
    return going


def remove_together(scene: Scene, reasons: Mapping[int, str], sender: Session | None = None, re: int = 0) -> None:
    """Remove the entities that `reasons` names; what rides in them and stays falls to the nearest ancestor that stays.

    Args:
        reasons: entity → reason told in its `despawned`.
        sender: peer whose message `re` this answers; only one of the entities may then be removed in its name, the last.
    """
    with scene.together() if len(reasons) > 1 else nullcontext():
        _remove_all(scene, reasons, sender, re)


def _remove_all(scene: Scene, reasons: Mapping[int, str], sender: Session | None, re: int) -> None:
    going = [scene.entities[entity] for entity in reasons]
    for entity in going:
        landing = next((above for above in scene.entities.ancestors(entity) if above.id not in reasons), None)
        for child in sorted(entity.children - reasons.keys()):
            scene.reparent(scene.entities[child], landing)
    # Deepest first, so that nobody is left with a child whose parent is gone.
    for entity in sorted(going, key=scene.entities.depth, reverse=True):
        answers = sender if reasons[entity.id] == "despawn" else None
        scene.remove(entity, reasons[entity.id], answers, re)
