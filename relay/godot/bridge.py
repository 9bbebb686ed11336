"""Pure core: connections between peers as two legs each, and every packet copied from one to the other, stream by stream, unread."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from relay.godot.carrier import HangUp, LegId, Output, Send
from soiree.channels import Layout

MAX_WAITING_BYTES: Final = 1024 * 1024
MAX_WAITING_PACKETS: Final = 1024
"""What may wait, reliable, for a leg whose counterpart is open already; past either of them both legs are closed."""


@dataclass(slots=True)
class _Waiting:
    """Reliable packets for a leg that is not open yet."""

    packets: deque[tuple[int, bytes]] = field(default_factory=deque)
    size: int = 0


class Bridge:
    """One lobby whose peers are connected through the relay. A `Carrier`."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._open: set[LegId] = set()
        self._waiting: dict[LegId, _Waiting] = {}
        self._outputs: list[Output] = []

    def opened(self, leg: LegId, now: float) -> None:  # noqa: ARG002 (a carrier's shape)
        self._open.add(leg)
        waiting = self._waiting.pop(leg, None)
        for stream, payload in waiting.packets if waiting is not None else ():
            self._outputs.append(Send(leg, stream, payload))

    def heard(self, leg: LegId, stream: int, payload: bytes, now: float) -> bool:  # noqa: ARG002
        target = leg.counterpart
        if leg not in self._open:
            return False
        if target in self._open:
            self._outputs.append(Send(target, stream, payload))
        elif not self._layout[stream].lossy:
            self._keep(target, stream, payload)
        return True

    def closed(self, leg: LegId) -> None:
        self._open.discard(leg)
        self._waiting.pop(leg, None)
        self._waiting.pop(leg.counterpart, None)
        self._outputs.append(HangUp(leg.counterpart, "remote"))

    def advance(self, now: float) -> None:
        """Nothing here depends on time."""

    def next_at(self) -> float | None:
        return None

    def drain(self) -> list[Output]:
        outputs, self._outputs = self._outputs, []
        return outputs

    def _keep(self, leg: LegId, stream: int, payload: bytes) -> None:
        waiting = self._waiting.setdefault(leg, _Waiting())
        waiting.packets.append((stream, payload))
        waiting.size += len(payload)
        if waiting.size > MAX_WAITING_BYTES or len(waiting.packets) > MAX_WAITING_PACKETS:
            del self._waiting[leg]
            self._open.discard(leg.counterpart)
            self._outputs += [HangUp(leg, "backlog"), HangUp(leg.counterpart, "backlog")]
