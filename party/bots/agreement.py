"""Whether all see the same: views are held against what the owners hold.

Pure core: views in, differences out.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from party.bots.sight import Duty
from soiree.client.entity import Account


class Difference(NamedTuple):
    """One view of one thing that does not agree with what its owner holds."""

    kind: Literal["owners", "unknown", "unlike", "beyond", "stray"]
    """Two believe they own it; not known though it should be; seen otherwise; seen though too far away; nobody holds what is seen."""
    words: str


def differences(
    views: Mapping[int, Mapping[int, Account]], duty: Callable[[int, int], Duty] = lambda _peer, _entity: Duty.MUST
) -> list[Difference]:
    """How the views of peers differ from what the owners hold.

    Args:
        views: peer id → entity id → account. Only entities that a peer among these owns or masters are compared.
        duty: whether a peer must, may or must not know of an entity.
    """
    truth, found = _held_by_owners(views)
    for peer, view in views.items():
        for entity, (owner, account) in truth.items():
            seen, due, name = view.get(entity), duty(peer, entity), f"entity {entity} of {owner}: peer {peer}"
            if seen is None:
                if due is Duty.MUST:
                    found.append(Difference("unknown", f"{name} does not know it"))
            elif seen != account:
                found.append(Difference("unlike", f"{name} sees {_unlike(account, seen)}"))
            elif due is Duty.MUST_NOT:
                found.append(Difference("beyond", f"{name} still sees it from afar"))
        found += _strays(peer, view, truth, set(views))
    return found


def _held_by_owners(
    views: Mapping[int, Mapping[int, Account]],
) -> tuple[dict[int, tuple[int, Account]], list[Difference]]:
    """Entity → who speaks for it and what that one holds; and entities for which two speak."""
    truth: dict[int, tuple[int, Account]] = {}
    found = []
    for peer, view in views.items():
        for entity, account in view.items():
            if account.owner == peer or (account.owner not in views and account.master == peer):
                if entity in truth:
                    words = f"entity {entity}: both {truth[entity][0]} and {peer} believe they own it"
                    found.append(Difference("owners", words))
                truth[entity] = (peer, account)
    return truth, found


def _strays(
    peer: int, view: Mapping[int, Account], truth: Mapping[int, tuple[int, Account]], ours: set[int]
) -> list[Difference]:
    strays = {
        entity
        for entity, account in view.items()
        if entity not in truth and (account.owner in ours or account.master in ours)
    }
    return [Difference("stray", f"entity {entity}: peer {peer} sees what no owner holds") for entity in sorted(strays)]


def _unlike(truth: Account, seen: Account) -> str:
    return ", ".join(
        f"{name} {there!r} for {here!r}"
        for name, here, there in zip(Account._fields, truth, seen, strict=True)
        if here != there
    )
