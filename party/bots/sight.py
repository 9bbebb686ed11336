"""What a client should know of, by the rules of interest (docs/PROTOCOL.md), where everything has come to rest.

Pure core: places in, duties out.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from party.bots.sightings import LINGER_M, MARGIN_M, RADIUS_M
from soiree.client.entity import Account


class Duty(Enum):
    """How it stands between a client and an entity."""

    MUST = "must be known"
    MAY = "may be known"
    MUST_NOT = "must not be known"


@dataclass(slots=True)
class Sight:
    """Where eyes and the roots of all things are. A thing is as far away as its root.

    Attributes:
        eyes: peer → x and z of where it looks from, metres.
        roots: entity → its root.
        places: root → x and z.
        bound: peer → roots of what it owns or masters: always known.
    """

    eyes: Mapping[int, tuple[float, float]]
    roots: dict[int, int] = field(default_factory=dict)
    places: dict[int, tuple[float, float]] = field(default_factory=dict)
    bound: dict[int, set[int]] = field(default_factory=dict)

    def take(self, accounts: Mapping[int, Account], places: Mapping[int, tuple[float, float]]) -> None:
        """All things there are, as their owners hold them, and where the roots among them are."""
        for entity, account in accounts.items():
            root = entity
            while (above := accounts.get(root)) is not None and above.parent:
                root = above.parent
            self.roots[entity] = root
            for peer in (account.owner, account.master):
                self.bound.setdefault(peer, set()).add(root)
        self.places.update(places)

    def duty(self, peer: int, entity: int) -> Duty:
        """Whether `peer` must know of `entity`."""
        root = self.roots.get(entity, entity)
        if root in self.bound.get(peer, ()):
            return Duty.MUST
        if peer not in self.eyes or root not in self.places:
            return Duty.MAY
        far_m = math.dist(self.eyes[peer], self.places[root])
        if far_m <= RADIUS_M - MARGIN_M:
            return Duty.MUST
        return Duty.MAY if far_m <= RADIUS_M + LINGER_M + MARGIN_M else Duty.MUST_NOT
