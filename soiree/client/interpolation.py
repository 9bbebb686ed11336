"""Playback of somebody else's entity, a little in the past: what is shown between the samples that come (docs/PYTHON.md, "Smooth motion").

Pure core: samples and `now` (monotonic s) in, world transforms out. The JavaScript SDK has the same in `interpolation.js`; both run
tests/vectors/interpolation.json.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import Final

from soiree.client.bridge import Bridge, Shown, bridge
from soiree.client.frame_of_reference import outward
from soiree.client.motion import COAST_S, Sample, between, leaps, onward, turning
from soiree.wire.records import Transform

MAX_SAMPLES: Final = 32
"""Samples kept of one entity."""
FIRST_DELAY_S: Final = 0.1
MIN_DELAY_S: Final = 0.05
MAX_DELAY_S: Final = 1.0
DEVIATIONS: Final = 2.0
"""The delay is the mean gap and so many mean deviations of it."""
GAP_GAIN: Final = 1 / 8
DEVIATION_GAIN: Final = 1 / 4
OUTLIER_S: Final = 0.25
"""A gap counts as at most so much longer than the mean: one outage is no new pace."""
FIRST_INTERVAL_S: Final = 0.05
COURSE_S: Final = 0.2
"""The turn of a course is measured over so long at least."""
COAST_INTERVALS: Final = 1.5
"""Dead reckoning goes on at full speed for so many of the usual intervals at least: over one lost sample."""
LONG_REST: Final = 2.0
"""A thing at rest that is heard of again after more than so many intervals moved only during the last one."""
SLEW: Final = 0.1
"""Playback runs at most so much faster or slower than time, to come to where it should be."""
SETTLE_S: Final = 0.5
"""It comes nearer to where it should be by as large a share of the way as the time passed is of this."""
RESYNC_S: Final = 1.0
"""Farther away than this from where it should be it goes there at once."""

WorldOf = Callable[[int], Transform | None]
"""Where in the world the entity of this id is shown now, None if it is not here."""


class Playback:
    """The last samples of one entity, and the time at which they are played.

    Attributes:
        delay_s: how far behind the relay's clock it should be played: what time usually passes from a sample to the arrival of the next
            one, so that there is one on either side. Interval, travel and jitter are all in that gap.
        played_s: the time on the relay's clock that was played last.
    """

    __slots__ = (
        "_bridge", "_broken", "_deviation_s", "_gap_s", "_interval_s", "_owned", "_samples", "_shown", "delay_s", "played_s",
    )  # fmt: skip

    def __init__(self, first: Sample) -> None:
        self.delay_s = FIRST_DELAY_S
        self._samples = deque((first,), maxlen=MAX_SAMPLES)
        self._gap_s: float | None = None
        self._deviation_s = 0.0
        self._interval_s = FIRST_INTERVAL_S
        self.played_s = -math.inf
        self._shown: Shown | None = None
        self._broken = False
        """What is shown next need not follow from what was shown last."""
        self._bridge: Bridge | None = None
        self._owned = False
        """Whether it was shown where it certainly is."""

    def __len__(self) -> int:
        return len(self._samples)

    def add(self, sample: Sample, arrived_s: float | None = None) -> None:
        """Take in a sample.

        Args:
            sample: newer than those before it; those that are not older than it were not true, and are dropped.
            arrived_s: the relay's clock when it came; None for what says nothing of the pace (spawned, parent_set).
        """
        samples, last = self._samples, self._samples[-1]
        if sample[1:5] == last[1:5] and (sample.resting or sample.at_s <= last.at_s):
            return
        if self.played_s >= min(last.at_s, sample.at_s):
            self._broken = True
        while samples and samples[-1].at_s >= sample.at_s:
            samples.pop()
        if samples and sample.parent == samples[-1].parent:
            self._follow(samples[-1], sample, arrived_s)
        else:
            self._append(sample._replace(jump=False))

    def _follow(self, last: Sample, sample: Sample, arrived_s: float | None) -> None:
        """It goes on from `last`, in the same frame of reference."""
        jump = leaps(last, sample)
        spacing_s = sample.at_s - last.at_s
        dragged = last.resting and sample.resting and spacing_s <= MAX_DELAY_S
        if arrived_s is not None and (dragged or not last.resting):
            self._measure(arrived_s - last.at_s, spacing_s)
        if last.resting and spacing_s > LONG_REST * self._interval_s and not jump:
            self._append(last._replace(at_s=sample.at_s - self._interval_s, jump=False))
        if jump and self.played_s >= sample.at_s:
            self._broken, self._bridge = False, None
        self._append(sample._replace(jump=jump))

    def _append(self, sample: Sample) -> None:
        if len(self._samples) == MAX_SAMPLES and self.played_s < self._samples[1].at_s:
            self.played_s, self._broken = self._samples[1].at_s, True
        self._samples.append(sample)

    def _measure(self, gap_s: float, spacing_s: float) -> None:
        """A sample came `gap_s` after the time of the one before it."""
        if self._gap_s is None:
            self._gap_s, self._deviation_s, self._interval_s = gap_s, gap_s / 4, spacing_s
        else:
            off_s = min(gap_s - self._gap_s, OUTLIER_S)
            self._gap_s += GAP_GAIN * off_s
            self._deviation_s += DEVIATION_GAIN * (abs(off_s) - self._deviation_s)
            self._interval_s += GAP_GAIN * (spacing_s - self._interval_s)
        self._interval_s = min(self._interval_s, MAX_DELAY_S)
        self.delay_s = min(max(self._gap_s + DEVIATIONS * self._deviation_s, MIN_DELAY_S), MAX_DELAY_S)

    def restart(self, sample: Sample) -> None:
        """Somebody else goes on with it from here: what came before says nothing of what comes."""
        self._samples.clear()
        self._samples.append(sample)
        self._broken = True

    def play(self, now: float, relay_s: float, world_of: WorldOf) -> Transform:
        """Where in the world to show it at `now`, when the relay's clock is estimated at `relay_s`; velocity in the world too."""
        before = self._shown
        passed_s = max(0.0, now - before.now) if before is not None else 0.0
        since_s = self.played_s
        self.played_s = self._time(relay_s - self.delay_s, passed_s)
        parent, local, frame, jumped = self._at(since_s, world_of)
        if jumped:
            self._bridge = None
        elif before is not None and (self._broken or self._owned or parent != before.parent):
            self._bridge = bridge(before, passed_s, now, parent, local, frame)
        self._broken = self._owned = False
        return self._show(now, parent, local, frame)

    def place(self, now: float, parent: int, local: Transform, world_of: WorldOf) -> Transform:
        """Show it where it certainly is, as what is our own."""
        before = self._shown
        frame = world_of(parent) if parent else None
        if before is not None and (not self._owned or parent != before.parent):
            self._bridge = bridge(before, max(0.0, now - before.now), now, parent, local, frame)
        self._owned = True
        return self._show(now, parent, local, frame)

    def _show(self, now: float, parent: int, local: Transform, frame: Transform | None) -> Transform:
        if self._bridge is not None:
            if self._bridge.over(now):
                self._bridge = None
            else:
                local = self._bridge.on(local, now)
        world = local if frame is None else outward(frame, local)
        self._shown = Shown(now, parent, local, world)
        return world

    def _time(self, target_s: float, passed_s: float) -> float:
        """The time on the relay's clock that is played: near `target_s`, without running noticeably faster or slower than time itself."""
        on_s = self.played_s + passed_s
        if abs(target_s - on_s) > RESYNC_S:
            self._broken = True
            return target_s
        nearer_s = (target_s - on_s) * min(passed_s / SETTLE_S, 1.0)
        return on_s + min(max(nearer_s, -SLEW * passed_s), SLEW * passed_s)

    def _at(self, since_s: float, world_of: WorldOf) -> tuple[int, Transform, Transform | None, bool]:
        """Parent, place relative to it, the parent's place in the world, and whether a jump lies between `since_s` and the time played."""
        samples, at_s = self._samples, self.played_s
        index = len(samples) - 1
        while index > 0 and samples[index].at_s > at_s:
            index -= 1
        frame = world_of(samples[index].parent) if samples[index].parent else None
        while frame is None and samples[index].parent and index + 1 < len(samples):
            # What it rode in is gone before it was seen to get off.
            index += 1
            frame = world_of(samples[index].parent) if samples[index].parent else None
        sample = samples[index]
        after = samples[index + 1] if index + 1 < len(samples) else None
        if after is None or after.jump or after.parent != sample.parent or at_s < sample.at_s:
            local = onward(sample, at_s, max(COAST_S, COAST_INTERVALS * self._interval_s), self._turning(index))
        else:
            local = between(sample, after, at_s)
        jumped = False
        while index >= 0 and samples[index].at_s > since_s and not jumped:
            jumped = samples[index].jump and samples[index].at_s <= at_s
            index -= 1
        return sample.parent, local, frame, jumped

    def _turning(self, index: int) -> float:
        """How its course turns at a sample, rad/s, over a while, since velocities are rounded."""
        last = self._samples[index]
        for earlier in range(index - 1, -1, -1):
            before = self._samples[earlier]
            if before.parent != last.parent or self._samples[earlier + 1].jump or before.resting:
                break
            if last.at_s - before.at_s >= COURSE_S:
                return turning(before, last)
        return 0.0
