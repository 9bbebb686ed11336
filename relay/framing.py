"""Pure core: chosen records to frames: which share a base, which share a frame, where each byte goes."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from relay import far
from relay.audience import Audience
from relay.pairs import Pairs
from relay.selection import Choice
from relay.table import Bools, Ints, Octets, windows
from relay.world import World
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


@dataclass(frozen=True, slots=True)
class Layout:
    """Frames to be written; arrays int64."""

    choice: Choice
    """In the order of the frames, by section within each."""
    kind: Ints
    """(n,) section of each record."""
    length: Ints
    """(n,) bytes of each record."""
    begin: Ints
    """(frames,) first record of each frame."""
    end: Ints
    client: Ints
    """(frames,) row of the audience; frames of one client are together."""
    base: Ints
    """(frames, 3) cx, cz, y."""

    @property
    def which(self) -> Ints:
        """The records that are in frames, one frame after another."""
        size = self.end - self.begin
        return np.repeat(self.begin - (np.cumsum(size) - size), size) + np.arange(int(size.sum()))


def arrange(choice: Choice, world: World, pairs: Pairs, audience: Audience) -> Layout:
    """Deal records to frames, in the order given within a client. Those beyond MAX_FRAMES_PER_SERVE of a client are left out."""
    home = _home_bases(audience)
    beyond = _beyond(choice, world, home)
    coarse = beyond & _coarse(choice, world, pairs, home)
    kind = np.where(choice.slot == Slot.TRANSFORM, world.kind[choice.row], _SLOT_KIND[choice.slot])
    kind = np.where(coarse, Section.FAR, kind)
    length = np.where(coarse, STRIDE[Section.FAR], world.length[choice.row, choice.slot])
    group, bases = _groups(choice, world, np.flatnonzero(beyond & ~coarse))
    # One key for client, base and section sorts in a third of the time of three.
    order = np.argsort((choice.client * (len(bases) + 1) + group) * _KEYS + _ORDER[kind], kind="stable")
    choice, kind, length, group = choice.of(order), kind[order], length[order], group[order]
    begin, end = _split(choice.client, group, length)
    client = choice.client[begin]
    first = np.searchsorted(client, client, side="left")
    few = np.arange(len(client)) - first < MAX_FRAMES_PER_SERVE
    begin, end, client = begin[few], end[few], client[few]
    base = np.where((group[begin] == 0)[:, None], home[client], bases[group[begin] - 1] if len(bases) else 0)
    return Layout(choice, kind, length, begin, end, client, base)


def bare(clients: Ints, audience: Audience) -> Layout:
    """A frame without records for each client: for their acknowledgements."""
    none = np.zeros(0, np.int64)
    nothing = np.zeros(len(clients), np.int64)
    choice = Choice(none, none, none, none)
    return Layout(choice, none, none, nothing, nothing, clients, _home_bases(audience)[clients])


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


def _beyond(choice: Choice, world: World, home: Ints) -> Bools:
    """(n,) which are transforms in the world that their client's home base does not reach."""
    placed = (choice.slot == Slot.TRANSFORM) & (world.parent[choice.row] == 0)
    return np.asarray(placed & ~within_reach(world.position[choice.row], home[choice.client]), np.bool_)


def _coarse(choice: Choice, world: World, pairs: Pairs, home: Ints) -> Bools:
    """(n,) which may go as FAR: what moves, once for each change. What then lasts is said exactly, in a frame with another base."""
    fresh = world.version[choice.row, choice.slot] > pairs.sent[choice.pair, choice.slot]
    reached = far.within_reach(world.position[choice.row], home[choice.client])
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


def _split(client: Ints, group: Ints, length: Ints) -> tuple[Ints, Ints]:
    """Begin and end of each frame: runs of one client and group, cut where a frame is full; all are cut at once, a frame a round."""
    changes = (np.diff(client, prepend=-1) != 0) | (np.diff(group, prepend=-1) != 0)
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
    size = layout.end - layout.begin
    which = layout.which
    frame = np.repeat(np.arange(len(size)), size)
    choice, kind, length = layout.choice.of(which), layout.kind[which], layout.length[which]
    opens = (np.diff(frame, prepend=-1) != 0) | (np.diff(kind, prepend=-1) != 0)
    section = np.cumsum(opens)
    before = np.cumsum(length) - length
    at = before + (frame + 1) * STATE_HEADER.size + section * SECTION_BYTES
    frame_bytes = STATE_HEADER.size + np.bincount(frame, length + opens * SECTION_BYTES, len(size)).astype(np.int64)
    stop = np.cumsum(frame_bytes)
    out = np.empty(int(stop[-1]) if len(stop) else 0, np.uint8)
    for slot in Slot:
        its = choice.slot == slot
        if its.any():
            _copy(world.records(slot), choice.row[its], out, at[its], length[its])
    coarse = kind == Section.FAR
    if coarse.any():
        windows(out, STRIDE[Section.FAR])[at[coarse]] = far.encode(world, choice.row[coarse])
    _write_sections(out, at[opens] - SECTION_BYTES, kind[opens], section)
    _write_ages(out, at + length - 1, choice, kind, world, pairs, tick)
    headers = _headers(layout, audience, tick, seq, applied)
    windows(out, STATE_HEADER.size)[stop - frame_bytes] = headers
    data = out.tobytes()
    return [data[a:b] for a, b in zip((stop - frame_bytes).tolist(), stop.tolist(), strict=True)]


def _copy(records: Octets, row: Ints, out: Octets, at: Ints, length: Ints) -> None:
    """Copy the first `length` bytes of rows to places of `out`; all of one length at once."""
    for width in np.unique(length).tolist():
        these = length == width
        windows(out, width)[at[these]] = records[row[these], :width]


def _write_sections(out: Octets, at: Ints, kind: Ints, section: Ints) -> None:
    out[at] = kind
    out[at + 1] = np.bincount(section)[1:] if len(section) else 0


def _write_ages(out: Octets, at: Ints, choice: Choice, kind: Ints, world: World, pairs: Pairs, tick: int) -> None:
    """The one byte that the relay writes. A jump is told until it is acknowledged, though the record that jumped was replaced."""
    aged = _IS_AGED[kind]
    row, pair = choice.row[aged], choice.pair[aged]
    age = np.clip(tick - world.sample[row, Slot.TRANSFORM], 0, AGE_MASK)
    jumped = world.teleported[row] > pairs.acked[pair, Slot.TRANSFORM]
    out[at[aged]] = age | np.where(jumped, TELEPORT, 0)


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
