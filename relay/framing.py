"""Pure core: chosen records to frames: which share a base, which share a frame, where each byte goes."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from relay import far
from relay.audience import Audience
from relay.pairs import Pairs
from relay.selection import Choice
from relay.table import Bools, Ints, Octets, taken, windows
from relay.world import SLOTS, World
from soiree.wire import quantise as q
from soiree.wire.limits import MAX_FRAME_BYTES
from soiree.wire.state import (
    ACK_VALID,
    AGE_MASK,
    AGED,
    HEADER_DTYPE,
    STATE_HEADER,
    STRIDE,
    TELEPORT,
    FrameType,
    Section,
    Slot,
)

SECTION_BYTES: Final = 2
MAX_SECTIONS: Final = len(Section)
RECORDS_BYTES: Final = MAX_FRAME_BYTES - STATE_HEADER.size - MAX_SECTIONS * SECTION_BYTES
"""What is left in a frame for records."""
MAX_RECORDS: Final = 255
"""Of a section, so of a frame too."""
MAX_FRAMES_PER_SERVE: Final = 8
BLOCK_CELLS: Final = 13
"""A base in the middle of so many cells reaches all of them: 6.5 · 64 m is less than 448 m."""
BLOCK_Y: Final = 2 * q.REACH_Y_UNITS

_IS_AGED: Final = np.array([kind in AGED for kind in range(max(Section) + 1)])
_LAST: Final = max(Section) + 1
_KEYS: Final = _LAST + 1
_ORDER: Final = np.array([_LAST if kind == Section.PROPS else kind for kind in range(max(Section) + 1)])
_SLOT_KIND: Final = np.array([0, Section.POSE, Section.PROPS])
_CELL_UNITS: Final = 1 << q.CELL_BITS
_INT32 = np.iinfo(np.int32)
_REACHED_BY_ALL: Final = 2 * np.array(
    [q.REACH_M * q.HORIZONTAL_PER_M >> q.CELL_BITS, q.REACH_M * q.HORIZONTAL_PER_M >> q.CELL_BITS, q.REACH_Y_UNITS]
)
"""Bases (cx, cz, y) that are farther apart than this reach no place in common."""
_NONE_FAR: Final = np.zeros((0, STRIDE[Section.FAR]), np.uint8)
_UINT16_MAX: Final = np.iinfo(np.uint16).max


@dataclass(frozen=True, slots=True)
class Layout:
    """Frames to be written; arrays int64."""

    choice: Choice
    """The records in them: one frame after another, by section within each."""
    kind: Ints
    """(n,) section of each record."""
    length: Ints
    """(n,) bytes of each record."""
    size: Ints
    """(frames,) records in each frame."""
    client: Ints
    """(frames,) row of the audience; frames of one client are together."""
    base: Ints
    """(frames, 3) cx, cz, y."""


def arrange(choice: Choice, world: World, pairs: Pairs, audience: Audience) -> Layout:
    """Deal records to frames, in the order given within a client. Those beyond MAX_FRAMES_PER_SERVE of a client are left out."""
    home = _home_bases(audience)
    kind, length = _measured(choice, world)
    beyond = _beyond(choice, world, home)
    coarse = _coarse(choice.of(beyond), world, pairs, home)
    kind[beyond[coarse]] = Section.FAR
    length[beyond[coarse]] = STRIDE[Section.FAR]
    group, bases = _groups(choice, world, beyond[~coarse])
    return _deal(choice, kind, length, group, home, bases)


def _measured(choice: Choice, world: World) -> tuple[Ints, Ints]:
    """(n,) section and bytes of each record."""
    kind = np.where(choice.slot == Slot.TRANSFORM, world.kind.take(choice.row), _SLOT_KIND.take(choice.slot))
    length = world.length.reshape(-1).take(choice.row * SLOTS + choice.slot)
    return kind, length


def _deal(choice: Choice, kind: Ints, length: Ints, group: Ints, home: Ints, bases: Ints) -> Layout:
    """Records to frames; `group`: 0 for those with their client's home base, else 1 + index in `bases`."""
    order = _sorted(choice.client, group, kind, len(bases) + 1)
    choice, kind, length, group = choice.of(order), kind.take(order), length.take(order), group.take(order)
    begin, end = _split(choice.client, group, length)
    client = choice.client[begin]
    few = np.arange(len(client)) - np.searchsorted(client, client, side="left") < MAX_FRAMES_PER_SERVE
    if not few.all():
        begin, end, client = begin[few], end[few], client[few]
    base = _bases(client, group[begin], home, bases)
    size = end - begin
    if size.sum() < len(choice):
        which = np.repeat(begin - (np.cumsum(size) - size), size) + np.arange(int(size.sum()))
        choice, kind, length = choice.of(which), kind[which], length[which]
    return Layout(choice, kind, length, size, client, base)


def _bases(client: Ints, group: Ints, home: Ints, bases: Ints) -> Ints:
    """(frames, 3) base of each."""
    if not len(bases):
        return taken(home, client)
    return np.where((group == 0)[:, None], home[client], bases[group - 1])


def bare(clients: Ints, audience: Audience) -> Layout:
    """A frame without records for each client: for their acknowledgements."""
    none = np.zeros(0, np.int64)
    choice = Choice(none, none, none, none)
    return Layout(choice, none, none, np.zeros(len(clients), np.int64), clients, _home_bases(audience)[clients])


def within_reach(position: Ints, base: Ints) -> Bools:
    """(n,) whether positions (n, 3) can be told from bases (n, 3: cx, cz, y); exact, as PROTOCOL 5.2 has it."""
    reach, half = q.REACH_M * q.HORIZONTAL_PER_M, _CELL_UNITS // 2
    x = np.abs(position[:, 0] - (base[:, 0] * _CELL_UNITS + half)) <= reach
    z = np.abs(position[:, 2] - (base[:, 1] * _CELL_UNITS + half)) <= reach
    fits: Bools = x & z & (np.abs(position[:, 1] - base[:, 2]) <= q.REACH_Y_UNITS)
    return fits


def _home_bases(audience: Audience) -> Ints:
    """(clients, 3) the cell and height where each looks from."""
    x, y, z = audience.view.T
    return np.stack([x >> q.CELL_BITS, z >> q.CELL_BITS, y], axis=1)


def _beyond(choice: Choice, world: World, home: Ints) -> Ints:
    """Which are transforms in the world that their client's home base does not reach."""
    if _all_reached(choice, world, home):
        return np.zeros(0, np.int64)
    placed = (choice.slot == Slot.TRANSFORM) & (world.parent.take(choice.row) == 0)
    reached = within_reach(taken(world.position, choice.row), taken(home, choice.client))
    return np.flatnonzero(placed & ~reached)


def _all_reached(choice: Choice, world: World, home: Ints) -> bool:
    """Whether the home bases that lie farthest out reach what lies farthest out: as in a room, where nobody needs to look closer."""
    bases = home[np.flatnonzero(np.bincount(choice.client))]
    least, most = bases.min(0), bases.max(0)
    if (most - least > _REACHED_BY_ALL).any():
        return False
    places = taken(world.position, np.flatnonzero(np.bincount(choice.row)))
    ends = np.stack([places.min(0), places.max(0)])
    return bool(within_reach(np.repeat(ends, 2, axis=0), np.stack([least, most] * 2)).all())


def _coarse(choice: Choice, world: World, pairs: Pairs, home: Ints) -> Bools:
    """(n,) which may go as FAR: what moves, once for each change. What then lasts is said exactly, in a frame with another base."""
    if not len(choice):
        return np.zeros(0, np.bool_)
    fresh = world.version[choice.row, choice.slot] > pairs.sent[choice.pair, choice.slot]
    reached = far.within_reach(taken(world.position, choice.row), taken(home, choice.client))
    return np.asarray(~world.at_rest[choice.row] & fresh & reached, np.bool_)


def _groups(choice: Choice, world: World, beyond: Ints) -> tuple[Ints, Ints]:
    """(n,) 0 for what goes with its client's home base, else 1 + index of a base in the second array, the most urgent first."""
    group = np.zeros(len(choice), np.int64)
    if not len(beyond):
        return group, np.zeros((0, 3), np.int64)
    position = world.position[choice.row]
    x, y, z = position[beyond].T
    blocks = np.stack(
        [choice.client[beyond], (x >> q.CELL_BITS) // BLOCK_CELLS, (z >> q.CELL_BITS) // BLOCK_CELLS, y // BLOCK_Y],
        axis=1,
    )
    unique, first, which = np.unique(blocks, axis=0, return_index=True, return_inverse=True)
    by_urgency = np.argsort(first)
    rank = np.empty_like(by_urgency)
    rank[by_urgency] = np.arange(len(by_urgency))
    group[beyond] = 1 + rank[which.reshape(-1)]
    middle = unique[by_urgency, 1:] * [BLOCK_CELLS, BLOCK_CELLS, BLOCK_Y] + [
        BLOCK_CELLS // 2,
        BLOCK_CELLS // 2,
        BLOCK_Y // 2,
    ]
    return group, np.clip(middle, _INT32.min, _INT32.max)


def _sorted(client: Ints, group: Ints, kind: Ints, groups: int) -> Ints:
    """Order by client, then base, then section: a stable sort of one key, which NumPy sorts by its digits where 16 bits hold it."""
    key = (client * groups + group) * _KEYS + _ORDER.take(kind)
    return np.argsort(key.astype(np.uint16) if key.max() <= _UINT16_MAX else key, kind="stable")


def _changes(values: Ints) -> Bools:
    """(n,) where a value differs from the one before; the first does."""
    changes = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes


def _split(client: Ints, group: Ints, length: Ints) -> tuple[Ints, Ints]:
    """Begin and end of each frame: runs of one client and group, cut where a frame is full; all are cut at once, a frame a round."""
    changes = _changes(client) | _changes(group)
    begin = np.flatnonzero(changes)
    stop = np.append(begin[1:], len(client)) if len(begin) else begin
    total = np.concatenate([[0], np.cumsum(length)])
    begins, ends = [begin], []
    while True:
        end = np.searchsorted(total, total[begin] + RECORDS_BYTES, side="right") - 1
        end = np.minimum(np.minimum(end, stop), begin + MAX_RECORDS)
        ends.append(end)
        more = end < stop
        if not more.any():
            break
        begin, stop = end[more], stop[more]
        begins.append(begin)
    if len(begins) == 1:
        return begins[0], ends[0]
    starts = np.concatenate(begins)
    order = np.argsort(starts)
    return starts[order], np.concatenate(ends)[order]


def write(
    layout: Layout, world: World, pairs: Pairs, audience: Audience, tick: int, seq: Ints, applied: Ints
) -> list[bytes]:
    """The bytes of all frames.

    Args:
        seq: (frames,) number of each.
        applied: (clients,) control number that we have applied of each client.
    """
    choice, kind, length, size = layout.choice, layout.kind, layout.length, layout.size
    coarse, distant = _distant_of(layout, world)
    frame = np.repeat(np.arange(len(size)), size)
    opens = _changes(frame) | _changes(kind)
    stops = np.cumsum(length + opens * SECTION_BYTES)
    at = stops - length + (frame + 1) * STATE_HEADER.size
    edges, ends = np.concatenate([[0], stops]), np.cumsum(size)
    frame_bytes = STATE_HEADER.size + edges[ends] - edges[ends - size]
    stop = np.cumsum(frame_bytes)
    out = np.empty(int(stop[-1]) if len(stop) else 0, np.uint8)
    for slot in Slot:
        its = np.flatnonzero(choice.slot == slot)
        if len(its):
            _copy(world.records(slot), choice.row[its], out, at[its], length[its])
    if len(coarse):
        windows(out, STRIDE[Section.FAR])[at[coarse]] = distant
    _write_sections(out, at[opens] - SECTION_BYTES, kind[opens], opens)
    _write_ages(out, at + length - 1, choice, kind, world, pairs, tick)
    headers = _headers(layout, audience, tick, seq, applied)
    windows(out, STATE_HEADER.size)[stop - frame_bytes] = headers
    data = out.tobytes()
    return [data[a:b] for a, b in zip((stop - frame_bytes).tolist(), stop.tolist(), strict=True)]


def _distant_of(layout: Layout, world: World) -> tuple[Ints, Octets]:
    """(n,) which of the records go as FAR, and (n, 15) the bytes of these."""
    coarse = np.flatnonzero(layout.kind == Section.FAR)
    if not len(coarse):
        return coarse, _NONE_FAR
    return coarse, far.encode(world, layout.choice.row[coarse])


def _copy(records: Octets, row: Ints, out: Octets, at: Ints, length: Ints) -> None:
    """Copy the first `length` bytes of rows to places of `out`; all of one length at once."""
    for width in np.flatnonzero(np.bincount(length)).tolist():
        these = np.flatnonzero(length == width)
        _runs(out, width, 1)[at.take(these)] = _runs(records.reshape(-1), width, records.shape[1])[row.take(these)]


def _runs(octets: Octets, width: int, step: int) -> "np.typing.NDArray[np.void]":
    """Runs of bytes, each as one value, which NumPy copies at once; they begin at every `step` bytes."""
    places = max(0, len(octets) - width + step) // step
    return np.ndarray((places,), np.dtype((np.void, width)), buffer=octets.data, strides=(step,))


def _write_sections(out: Octets, at: Ints, kind: Ints, opens: Bools) -> None:
    out[at] = kind
    out[at + 1] = np.diff(np.flatnonzero(opens), append=len(opens))


def _write_ages(out: Octets, at: Ints, choice: Choice, kind: Ints, world: World, pairs: Pairs, tick: int) -> None:
    """The one byte that the relay writes. A jump is told until it is acknowledged, though the record that jumped was replaced."""
    aged = np.flatnonzero(_IS_AGED.take(kind))
    row, pair = choice.row.take(aged), choice.pair.take(aged)
    age = np.clip(tick - world.sample.reshape(-1).take(row * SLOTS + Slot.TRANSFORM), 0, AGE_MASK)
    jumped = world.teleported.take(row) > pairs.acked.reshape(-1).take(pair * SLOTS + Slot.TRANSFORM)
    out[at.take(aged)] = age | jumped * TELEPORT


def _headers(layout: Layout, audience: Audience, tick: int, seq: Ints, applied: Ints) -> Octets:
    """(frames, 28) bytes."""
    client = layout.client
    header = np.zeros(len(client), HEADER_DTYPE)
    header["type"] = FrameType.STATE
    header["flags"] = np.where(audience.ack_valid[client], ACK_VALID, 0)
    header["seq"] = seq & 0xFFFF
    header["tick"] = tick & 0xFFFFFFFF
    header["base"] = layout.base
    header["ack_seq"] = audience.ack_seq[client]
    header["ack_mask"] = audience.ack_mask[client]
    header["control_applied"] = applied[client] & 0xFFFF
    return header.view(np.uint8).reshape(len(client), STATE_HEADER.size)
