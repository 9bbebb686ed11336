"""Pure core: one peer's stay in a room: its numbered streams, its signs of life, its rates, and what it was told.

Docs/PROTOCOL.md sections 3, 6 and 8. A session knows nothing of other peers.
"""

from collections import deque
from statistics import median

from relay.config import RoomConfig
from relay.entities import Entity
from relay.snapshot import Snapshot
from soiree.wire.numbered import Inbox, Outbox
from soiree.wire.state import Ping, Pong

PINGS_REMEMBERED = 8
"""Pings whose answer still counts, and round trips that the median is taken of."""


class Rate:
    """A token bucket: `per_s` tokens a second, `burst` at most."""

    __slots__ = ("_burst", "_per_s", "_since", "_tokens")

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._tokens = burst
        self._since = now

    def take(self, now: float, tokens: int = 1) -> bool:
        """Take so many tokens; False when there are not as many, and none is taken."""
        self._tokens = min(self._burst, self._tokens + (now - self._since) * self._per_s)
        self._since = now
        if self._tokens < tokens:
            return False
        self._tokens -= tokens
        return True


class Pings:
    """Pings under way and the round trips that came of them."""

    __slots__ = ("_due", "_rtts_s", "_sent", "_seq")

    def __init__(self, now: float) -> None:
        self._seq = 0
        self._due = now
        self._sent: deque[tuple[int, float]] = deque(maxlen=PINGS_REMEMBERED)
        self._rtts_s: deque[float] = deque(maxlen=PINGS_REMEMBERED)

    @property
    def rtt_s(self) -> float:
        """Median of the last round trips, seconds; 0 before the first."""
        return median(self._rtts_s) if self._rtts_s else 0.0

    def next(self, tick: int, now: float, every_s: float) -> Ping | None:
        """A ping when one is due."""
        if now < self._due:
            return None
        self._due = now + every_s
        self._seq = (self._seq + 1) & 0xFFFF
        self._sent.append((self._seq, now))
        rtt_us = min(int(self.rtt_s * 1e6), 0xFFFFFFFF)
        return Ping(self._seq, tick & 0xFFFFFFFF, int(now * 1e6), rtt_us)

    def answered(self, pong: Pong, now: float) -> bool:
        """Note an answer. False when it answers no ping of late; the clock in it is the peer's word and is not used."""
        for entry in self._sent:
            if entry[0] == pong.seq:
                self._sent.remove(entry)
                self._rtts_s.append(max(0.0, now - entry[1]))
                return True
        return False


class Session:
    """One peer's stay.

    Attributes:
        attached: a connection carries it.
        present: it has said its first hello, so others know of it and it is told of them.
        away: others were told that it is away, or would have been.
        away_since: since when (monotonic s); of use while `away`.
        silent: nothing was heard for so long that what it owned has lapsed.
        heard_at: when something of it last arrived (monotonic s).
        malformed: messages of the current connection that could not be read.
        ending: why it is about to end, None while it goes on.
        told: ids of the entities whose `spawned` was sent on the current numbering.
        snapshot: entities that it must still be told of.
        despawns: (number, entity) of each `despawned` that it has not applied.
        audiences: lists of peers by their number, as it has named them (PROTOCOL 4.4).
        lapsed: entity id → (entity, epoch after the lapse) of what it owned until it fell silent.
        avatar: id of the entity of kind `avatar` that it looks from, 0 for none.
    """

    __slots__ = (
        "attached",
        "audiences",
        "avatar",
        "away",
        "away_since",
        "commands",
        "despawns",
        "ending",
        "frames",
        "heard_at",
        "host",
        "inbox",
        "lapsed",
        "malformed",
        "name",
        "outbox",
        "overruns",
        "peer",
        "pings",
        "present",
        "session_id",
        "silent",
        "snapshot",
        "subject",
        "told",
    )

    def __init__(
        self, peer: int, session_id: str, subject: str, name: str, host: bool, config: RoomConfig, now: float
    ) -> None:
        self.peer = peer
        self.session_id = session_id
        self.subject = subject
        self.name = name
        self.host = host
        self.attached = False
        self.present = False
        self.away = False
        self.away_since = now
        self.silent = False
        self.heard_at = now
        self.malformed = 0
        self.ending: str | None = None
        self.avatar = 0
        self.lapsed: dict[int, tuple[Entity, int]] = {}
        self.commands = Rate(config.control_rate_per_s, config.control_burst, now)
        self.overruns = Rate(config.control_rate_per_s, config.control_burst, now)
        self.frames = Rate(config.state_frames_per_s, config.state_frames_burst, now)
        self.pings = Pings(now)
        self.forget()

    def forget(self) -> list[int]:
        """The client has lost its memory: numbering begins again. Returns the entities whose despawn it thereby no longer has to apply."""
        forgotten = [entity for _, entity in self.despawns] if self.present else []
        self.outbox = Outbox()
        self.inbox = Inbox()
        self.told: set[int] = set()
        self.snapshot = Snapshot()
        self.despawns: deque[tuple[int, int]] = deque()
        self.audiences: dict[int, tuple[int, ...]] = {}
        return forgotten

    def can_resume(self, applied: int) -> bool:
        """Whether the client may have applied all up to `applied`, and no more."""
        return self.outbox.applied <= applied <= self.outbox.last

    def resume(self, applied: int) -> bool:
        """A hello of a client that remembers: it has applied all up to `applied`. False when that cannot be."""
        return self.can_resume(applied) and self.outbox.on_applied(applied)

    def applied_despawns(self) -> list[int]:
        """Entities whose despawn has now been applied; each is given once."""
        done = []
        while self.despawns and self.despawns[0][0] <= self.outbox.applied:
            done.append(self.despawns.popleft()[1])
        return done
