"""Write interpolation.json, what a playback (soiree/client/interpolation.py) is told and asked, and what it shows.

`python -m tests.vectors.make_interpolation`. See README.md beside this file.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from soiree.client.interpolation import Playback
from soiree.client.motion import Sample
from soiree.wire.quantise import IDENTITY, Quat, Vec3
from soiree.wire.records import ZERO, Transform

FILE = Path(__file__).with_name("interpolation.json")
DIGITS = 9
DESCRIPTION = "What the playback of one entity is told and asked, in order, and what it shows"
Step = dict[str, Any]
WORLD: Mapping[int, Transform] = {}


class Script:
    """Plays while it writes down what it was told and what it showed."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._playback: Playback | None = None

    def add(
        self,
        at_s: float,
        position: Vec3,
        velocity: Vec3 = ZERO,
        *,
        rotation: Quat = IDENTITY,
        parent: int = 0,
        jump: bool = False,
        arrived_s: float | None = None,
    ) -> None:
        """A sample, in values that JSON holds exactly as they are used."""
        at_s, arrived_s = round(at_s, DIGITS), None if arrived_s is None else round(arrived_s, DIGITS)
        position, velocity, rotation = _rounded(position), _rounded(velocity), _rounded(rotation)
        sample = Sample(at_s, parent, position, rotation, velocity, jump)
        if self._playback is None:
            self._playback = Playback(sample)
        else:
            self._playback.add(sample, arrived_s)
        self.steps.append({"add": {**sample._asdict(), "arrived_s": arrived_s}})

    def play(self, now: float, relay_s: float | None = None, parents: Mapping[int, Transform] = WORLD) -> None:
        """A query; the relay's clock is `now` unless said."""
        assert self._playback is not None, "a playback begins with a sample"
        now = round(now, DIGITS)
        relay_s = now if relay_s is None else round(relay_s, DIGITS)
        shown = self._playback.play(now, relay_s, parents.get)
        asked = {"now": now, "relay_s": relay_s, "parents": {str(key): _fields(each) for key, each in parents.items()}}
        self.steps.append(
            {"play": asked, "delay_s": round(self._playback.delay_s, DIGITS), "shown": _rounded_fields(shown)}
        )

    def watch(self, since: float, until: float, step_s: float = 1 / 30) -> None:
        """Queries from time to time."""
        for number in range(round((until - since) / step_s) + 1):
            self.play(since + number * step_s)


def _rounded(values: Any) -> Any:
    return tuple(round(value, DIGITS) for value in values)


def _fields(transform: Transform) -> dict[str, Any]:
    return {"position": transform.position, "rotation": transform.rotation, "velocity": transform.velocity}


def _rounded_fields(transform: Transform) -> dict[str, Any]:
    return {name: _rounded(values) for name, values in _fields(transform).items()}


def yaw(angle_rad: float) -> Quat:
    """A turn about +Y."""
    return (0.0, math.sin(angle_rad / 2), 0.0, math.cos(angle_rad / 2))


def on_a_circle(time_s: float, speed_m_s: float, radius_m: float) -> tuple[Vec3, Quat, Vec3]:
    """Place, rotation and velocity of a vehicle on a circular road."""
    angle = time_s * speed_m_s / radius_m
    cos, sin = math.cos(angle), math.sin(angle)
    return (radius_m * cos, 0.0, radius_m * sin), yaw(-angle), (-speed_m_s * sin, 0.0, speed_m_s * cos)


def curve(script: Script) -> None:
    """Between two samples, before the first and at the very time of each."""
    script.add(10.0, (1.0, 2.0, 3.0), (14.0, 0.0, 0.0))
    script.add(10.25, (4.3, 2.5, 3.9), (12.0, 0.0, 7.0), rotation=yaw(0.6))
    script.watch(10.0, 10.5, 0.05)


def the_long_way_round(script: Script) -> None:
    """Rotations whose product is negative, and the poles of a large turn."""
    script.add(0.0, ZERO, rotation=(0.0, 0.0, 0.0, -1.0))
    script.add(0.2, ZERO, rotation=(0.6, 0.0, 0.8, 0.0))
    script.add(0.4, ZERO, rotation=(-0.6, 0.0, -0.8, 0.0001))
    script.watch(0.1, 0.5, 0.05)


def a_hill(script: Script) -> None:
    """Upright records tell no vertical velocity."""
    for number in range(5):
        x = number * 0.7
        script.add(number * 0.05, (x, 0.2 * x, 0.0), (14.0, 0.0, 0.0), arrived_s=number * 0.05 + 0.03)
    script.watch(0.1, 0.3)


def a_hard_stop(script: Script) -> None:
    """The speed before the stop would carry it past the end, were the tangent not limited."""
    script.add(0.0, (0.0, 0.0, 0.0), (14.0, 0.0, 0.0))
    script.add(0.25, (0.4, 0.0, 0.1))
    script.watch(0.1, 0.5)


def coasting_and_bridging(script: Script) -> None:
    """Nothing comes for a second; then it turns out to have gone elsewhere."""
    for number in range(4):
        script.add(number * 0.05, (number * 0.5, 0.0, 0.0), (10.0, 0.0, 0.0), arrived_s=number * 0.05 + 0.04)
    script.watch(0.2, 1.2, 0.1)
    script.add(1.15, (8.0, 0.0, 3.0), (10.0, 0.0, 4.0), rotation=yaw(0.5), arrived_s=1.21)
    script.watch(1.233333333, 1.9)


def a_bend(script: Script) -> None:
    """Dead reckoning follows a bend, at four and at one sample a second."""
    for interval_s, begin in ((0.25, 0.0), (1.0, 10.0)):
        for number in range(4):
            time_s = begin + number * interval_s
            position, rotation, velocity = on_a_circle(time_s, 14.0, 40.0)
            script.add(time_s, position, velocity, rotation=rotation, arrived_s=time_s + 0.05)
        script.watch(begin + 3 * interval_s, begin + 3 * interval_s + 3.0, 0.15)


def jumps(script: Script) -> None:
    """One that is seen, two marks that are none, and one that is past when it is heard of."""
    script.add(0.0, ZERO, (1.0, 0.0, 0.0))
    script.add(0.1, (50.0, 0.0, 0.0), (1.0, 0.0, 0.0), jump=True, arrived_s=0.15)
    script.add(0.15, (50.05, 0.0, 0.0), (1.0, 0.0, 0.0), jump=True, arrived_s=0.2)
    script.add(0.2, (50.1, 0.0, 0.0), (1.0, 0.0, 0.0), jump=True, arrived_s=0.25)
    script.watch(0.15, 0.5)
    script.add(0.25, (0.0, 5.0, 0.0), jump=True, arrived_s=0.51)
    script.watch(0.533333333, 0.6)


def off_again_after_a_rest(script: Script) -> None:
    """It stood for ten seconds, so it does not creep from there to here in ten."""
    script.add(0.0, ZERO, (1.0, 0.0, 0.0))
    script.add(0.05, (0.05, 0.0, 0.0), arrived_s=0.1)
    script.play(9.9)
    script.add(10.0, (0.7, 0.0, 0.0), (14.0, 0.0, 0.0), arrived_s=10.03)
    script.add(10.05, (1.4, 0.0, 0.0), (14.0, 0.0, 0.0), arrived_s=10.08)
    script.watch(10.0, 10.2)


def dragged(script: Script) -> None:
    """An owner that never tells a velocity."""
    for number in range(6):
        script.add(number * 0.1, (0.3 * number, 0.0, 0.1 * number * number), arrived_s=number * 0.1 + 0.05)
    script.watch(0.2, 0.8, 0.05)


def contradicted(script: Script) -> None:
    """A new owner whose clock is behind: what comes later is true."""
    for number in range(5):
        script.add(number * 0.05, (number * 0.5, 0.0, 0.0), (10.0, 0.0, 0.0), arrived_s=number * 0.05 + 0.04)
    script.watch(0.2, 0.25)
    script.add(0.12, (0.9, 0.0, 0.4), arrived_s=0.3)
    script.add(0.12, (0.9, 0.0, 0.4), arrived_s=0.32)
    script.watch(0.3, 0.7)


def in_and_out_of_a_car(script: Script) -> None:
    """On foot, into a car that drives and turns, out of it; then out of one that has vanished."""

    def car(time_s: float) -> Transform:
        position, rotation, velocity = on_a_circle(time_s - 0.1, 14.0, 40.0)
        return Transform(position, rotation, velocity)

    script.add(0.0, (39.0, 0.0, 1.0), (0.5, 0.0, 0.0))
    script.add(0.2, (39.1, 0.0, 1.0), (0.5, 0.0, 0.0), arrived_s=0.25)
    script.add(0.4, (-0.9, 0.4, -4.0), parent=7)
    script.add(0.6, (-0.5, 0.5, 0.2), (0.0, 0.0, 0.5), parent=7, arrived_s=0.65)
    for number in range(20):
        script.play(0.3 + number * 0.05, parents={7: car(0.3 + number * 0.05)})
    position, rotation, velocity = on_a_circle(1.2, 14.0, 40.0)
    script.add(1.3, position, velocity, rotation=rotation)
    for number in range(8):
        script.play(1.3 + number * 0.05, parents={7: car(1.3 + number * 0.05)})
    script.add(1.6, (0.0, 1.0, 0.0), parent=7)
    script.add(1.7, (34.0, 0.0, 21.0))
    script.watch(1.7, 2.1)


def clocks(script: Script) -> None:
    """The relay's clock is corrected a little, then runs off, then leaps; and one query is asked twice."""
    for number in range(20):
        script.add(number * 0.05, (number * 0.5, 0.0, 0.0), (10.0, 0.0, 0.0), arrived_s=number * 0.05 + 0.04)
    for number in range(10):
        script.play(0.5 + number * 0.03, 0.52 + number * 0.0301)
    script.play(0.77, 0.9)
    script.play(0.80, 0.7)
    script.play(0.83, 5.0)
    script.play(0.83, 5.0)
    script.play(0.80, 5.0)


def overfull(script: Script) -> None:
    """Slow samples, then sixty quick ones before anything is played."""
    for number in range(4):
        script.add(number * 1.0, (number * 10.0, 0.0, 0.0), (10.0, 0.0, 0.0), arrived_s=number + 0.1)
    script.watch(3.0, 3.2, 0.05)
    for number in range(1, 61):
        script.add(3 + number / 60, (30 + number / 6, 0.0, 0.0), (10.0, 0.0, 0.0), arrived_s=3.1 + number / 60)
    script.watch(3.25, 4.5, 0.05)


def a_drive(script: Script) -> None:
    """Three seconds around a bend at 20 samples a second, late by 40 to 70 ms, one in eight lost."""
    random = Random(7)
    arrivals = []
    for number in range(60):
        at_s = 100 + number / 20
        if number and random.random() < 1 / 8:
            continue
        arrivals.append((at_s + random.uniform(0.04, 0.07), at_s))
    frame = 100.05
    for arrived_s, at_s in arrivals:
        position, rotation, velocity = on_a_circle(at_s, 14.0, 40.0)
        while frame < arrived_s and len(script.steps) > 2:
            script.play(frame, frame + 0.003 * math.sin(frame))
            frame += 1 / 30
        script.add(at_s, position, velocity, rotation=rotation, arrived_s=arrived_s)


CASES = {
    "curve": curve,
    "the long way round": the_long_way_round,
    "a hill": a_hill,
    "a hard stop": a_hard_stop,
    "coasting and bridging": coasting_and_bridging,
    "a bend": a_bend,
    "jumps": jumps,
    "off again after a rest": off_again_after_a_rest,
    "dragged": dragged,
    "contradicted": contradicted,
    "in and out of a car": in_and_out_of_a_car,
    "clocks": clocks,
    "overfull": overfull,
    "a drive": a_drive,
}


def cases() -> Iterator[Step]:
    """Every script, played."""
    for name, write in CASES.items():
        script = Script()
        write(script)
        yield {"name": name, "about": (write.__doc__ or "").strip(), "steps": script.steps}


def text() -> str:
    """The content of the file, a step a line."""
    parts = []
    for case in cases():
        steps = ",\n".join("    " + json.dumps(step) for step in case["steps"])
        parts.append(
            f'  {{"name": {json.dumps(case["name"])}, "about": {json.dumps(case["about"])}, "steps": [\n{steps}\n  ]}}'
        )
    return f'{{"description": {json.dumps(DESCRIPTION)}, "cases": [\n' + ",\n".join(parts) + "\n]}\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
