"""Pure core: the STATE frames of a tick as parallel arrays: headers and sections of all of them, read in one pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from relay.table import Bools, Ints, Octets, windows
from relay.world import SLOT_BYTES
from soiree.wire.errors import WireError
from soiree.wire.limits import MAX_FRAME_BYTES
from soiree.wire.state import HEADER_DTYPE, STATE_HEADER, STRIDE, FrameType, Section, sections, skip_props

KINDS: Final = max(Section) + 1
STRIDES: Final = np.array([STRIDE.get(Section(kind), 0) if kind else 0 for kind in range(KINDS)], np.int64)
ROUNDS: Final = 8
"""Sections of a frame that are found in step with other frames'; a frame with more, which no honest client needs, is read on alone."""
_SECTION_HEAD: Final = 2
PAD_BYTES: Final = max(SLOT_BYTES)
"""Records are read by as many bytes as the longest may have."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """n frames, one after another; int64 unless said."""

    data: Octets
    """All frames, with PAD_BYTES of zeros after them."""
    at: Ints
    """(n,) where each frame begins in `data`."""
    sound: Bools
    """(n,) whether a frame can be read to its last record."""
    frame: Ints
    """(sections,) which frame each section is in; ascending, as sections follow each other. Those of unsound frames are left out."""
    kind: Ints
    """(sections,)"""
    count: Ints
    """(sections,) records."""
    first: Ints
    """(sections,) where the first record begins in `data`."""

    @property
    def header(self) -> "np.typing.NDArray[np.void]":
        """(n,) of HEADER_DTYPE; of no account in unsound frames."""
        return _headers(self.data, self.at)


@dataclass(frozen=True, slots=True)
class Received:
    """Frames that are sound and new; arrays of shape (n,), int64."""

    arrivals: Arrivals
    frame: Ints
    """Which of the arrivals."""
    client: Ints
    """Row of the audience."""
    seq: Ints
    """Unwrapped."""
    applied: Ints
    """Control number that its sender had applied, unwrapped."""

    def __len__(self) -> int:
        return len(self.frame)


def unpack(payloads: Sequence[bytes]) -> Arrivals:
    """Read frames as they came; nothing is raised for what is in them."""
    length = np.fromiter(map(len, payloads), np.int64, len(payloads))
    at = np.cumsum(length) - length
    data = np.frombuffer(b"".join([*payloads, bytes(PAD_BYTES)]), np.uint8)
    is_state = _headers(data, at)["type"] == FrameType.STATE
    sound = (length >= STATE_HEADER.size) & (length <= MAX_FRAME_BYTES) & is_state
    found = _find_sections(data, at, length, sound, payloads)
    frame, kind, count, first = found[:, sound[found[0]]]
    return Arrivals(data, at, sound, frame, kind, count, first)


def _headers(data: Octets, at: Ints) -> "np.typing.NDArray[np.void]":
    return windows(data, STATE_HEADER.size)[at].view(HEADER_DTYPE)[:, 0]


def _find_sections(data: Octets, at: Ints, length: Ints, sound: Bools, payloads: Sequence[bytes]) -> Ints:
    """(4, sections): frame, kind, count, first of each; frames that turn out to be unsound are marked so."""
    end = at + length
    cursor = at + STATE_HEADER.size
    frame = np.flatnonzero(sound & (cursor < end))
    found = [np.zeros((4, 0), np.int64)]
    for _ in range(ROUNDS):
        if not len(frame):
            break
        first = cursor[frame] + _SECTION_HEAD
        kind, count = data[first - 2].astype(np.int64), data[first - 1].astype(np.int64)
        known = (kind > 0) & (kind < KINDS)
        kind = np.where(known, kind, 0)
        after = first + count * STRIDES[kind]
        for number in np.flatnonzero(kind == Section.PROPS).tolist():
            begin = int(at[frame[number]])
            after[number] = begin + _end_of_props(
                payloads[frame[number]], int(first[number]) - begin, int(count[number])
            )
        fits = (
            known
            & (count > 0)
            & (first <= end[frame])
            & (after <= end[frame])
            & ((kind != Section.PROPS) | (after == end[frame]))
        )
        sound[frame[~fits]] = False
        frame, after = frame[fits], after[fits]
        found.append(np.stack([frame, kind[fits], count[fits], first[fits]]))
        cursor[frame] = after
        frame = frame[after < end[frame]]
    found += [
        _read_on(payloads[number], number, int(at[number]), int(cursor[number]), sound) for number in frame.tolist()
    ]
    every = np.concatenate(found, axis=1)
    return every[:, np.argsort(every[3], kind="stable")]


def _end_of_props(payload: bytes, first: int, count: int) -> int:
    """Where a PROPS section ends; past the end of the frame when it does not fit."""
    try:
        return skip_props(payload, first, count)
    except WireError:
        return len(payload) + 1


def _read_on(payload: bytes, number: int, at: int, cursor: int, sound: Bools) -> Ints:
    """The rest of one frame's sections."""
    try:
        views = sections(payload, cursor - at)
    except WireError:
        sound[number] = False
        views = []
    return np.array([(number, view.kind, view.count, at + view.start) for view in views], np.int64).reshape(-1, 4).T
