"""Pure core: 16-bit frame numbers and their acknowledgement (docs/PROTOCOL.md section 5.1)."""

WINDOW = 32
"""Frames before the newest that a mask acknowledges."""
SEQ_MASK = 0xFFFF


def is_newer(seq: int, than: int) -> bool:
    """Whether `seq` comes after `than` on the circle of 2¹⁶ numbers."""
    return 0 < ((seq - than) & SEQ_MASK) < 0x8000


class ReceiveWindow:
    """Which frames of the other side have arrived: what goes into `ack_seq` and `ack_mask`.

    Attributes:
        seq: newest number received, None before the first.
        mask: bit i: `seq − 1 − i` was received too.
    """

    __slots__ = ("mask", "seq")

    def __init__(self) -> None:
        self.seq: int | None = None
        self.mask = 0

    def receive(self, seq: int) -> bool:
        """Note a frame. False when it is a repetition, or too old to tell."""
        if self.seq is None:
            self.seq = seq
            return True
        ahead = (seq - self.seq) & SEQ_MASK
        if 0 < ahead < 0x8000:
            self.mask = ((self.mask << 1 | 1) << (ahead - 1)) & 0xFFFFFFFF if ahead <= WINDOW else 0
            self.seq = seq
            return True
        bit = ((self.seq - seq) & SEQ_MASK) - 1
        if not 0 <= bit < WINDOW or self.mask >> bit & 1:
            return False
        self.mask |= 1 << bit
        return True


def is_acked(seq: int, ack_seq: int, mask: int) -> bool:
    """Whether (`ack_seq`, `mask`) acknowledge frame `seq`."""
    behind = (ack_seq - seq) & SEQ_MASK
    return behind == 0 or (behind <= WINDOW and bool(mask >> (behind - 1) & 1))
