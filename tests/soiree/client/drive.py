"""Drives whose truth is known, as they are seen over a link with delay, jitter and loss. Time is passed in."""

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from soiree.client.interpolation import Playback
from soiree.client.motion import Sample
from soiree.wire.quantise import Quat, pack_speed, pack_yaw, unpack_speed, unpack_yaw
from soiree.wire.records import Transform
from soiree.wire.state import TICK_HZ

Truth = Callable[[float], Transform]
"""Where a thing is at a time, s."""
START_S = 100.0
LOOK_S = 1 / 60
TRAVEL_S = (0.04, 0.07)
"""Between these, evenly distributed: the samples of one drive keep their order, as newer frames void older ones."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen at one moment."""

    now: float
    played_s: float
    shown: Transform


def yaw(angle_rad: float) -> Quat:
    """A turn about +Y."""
    return (0.0, math.sin(angle_rad / 2), 0.0, math.cos(angle_rad / 2))


def circle(speed_m_s: float, radius_m: float) -> Truth:
    """Round and round, looking ahead."""

    def at(time_s: float) -> Transform:
        angle = time_s * speed_m_s / radius_m
        cos, sin = math.cos(angle), math.sin(angle)
        return Transform((radius_m * cos, 0.0, radius_m * sin), yaw(-angle), (-speed_m_s * sin, 0.0, speed_m_s * cos))

    return at


def braking(speed_m_s: float, at_s: float, deceleration: float) -> Truth:
    """Along +X, braking at a time to a stop at x = 0."""
    length_m = speed_m_s**2 / deceleration / 2

    def at(time_s: float) -> Transform:
        braked_s = min(max(0.0, time_s - at_s), speed_m_s / deceleration)
        x = speed_m_s * min(0.0, time_s - at_s) + speed_m_s * braked_s - deceleration * braked_s**2 / 2 - length_m
        return Transform((x, 0.0, 0.0), velocity=(speed_m_s - deceleration * braked_s, 0.0, 0.0))

    return at


def told(truth: Truth, time_s: float) -> Sample:
    """As a record tells it: dated in whole ticks, velocity and rotation rounded."""
    there = truth(time_s)
    x, y, z = (unpack_speed(pack_speed(speed)) for speed in there.velocity)
    return Sample(
        math.floor(time_s * TICK_HZ + 1e-6) / TICK_HZ,
        0,
        there.position,
        unpack_yaw(pack_yaw(there.rotation)),
        (x, y, z),
    )


def samples(
    truth: Truth, hz: float, seconds: float, random: Random, loss: float, until_still: bool = False
) -> list[tuple[float, Sample]]:
    """When what arrives, in order; what comes to rest is told again 1 and 3 ticks later, as relays do."""
    air: list[tuple[float, int, Sample]] = []
    newest = number = 0
    while number / hz < seconds:
        sample = told(truth, START_S + number / hz)
        for repeat in (0, 1, 3) if until_still and sample.resting else (0,):
            if not number or random.random() >= loss:
                again = sample._replace(at_s=sample.at_s + repeat / TICK_HZ)
                heapq.heappush(air, (again.at_s + random.uniform(*TRAVEL_S), number, again))
        number += 1
        if until_still and sample.resting:
            break
    arrived: list[tuple[float, Sample]] = []
    while air:
        at_s, number, sample = heapq.heappop(air)
        if number >= newest:
            newest = number
            arrived.append((at_s, sample))
    return arrived


def watch(
    arrivals: list[tuple[float, Sample]], seconds: float, relay_s: Callable[[float], float] = lambda now: now
) -> Iterator[Look]:
    """Look 60 times a second; `relay_s` is the relay's clock as the viewer estimates it."""
    playback: Playback | None = None
    waiting = iter([*arrivals, (math.inf, arrivals[0][1])])
    arrives, sample = next(waiting)
    for look in range(round(seconds / LOOK_S)):
        now = START_S + look * LOOK_S
        while arrives <= now:
            if playback is None:
                playback = Playback(sample)
            else:
                playback.add(sample, relay_s(arrives))
            arrives, sample = next(waiting)
        if playback is not None:
            shown = playback.play(now, relay_s(now), lambda _: None)
            yield Look(now, playback.played_s, shown)
