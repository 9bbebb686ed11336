"""The compiled core does what the NumPy one does: of the same traffic both make the same frames, to the byte, and the same world."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np
import pytest

from bench.city import Census, City
from bench.city_run import Run
from bench.narrow_link import NarrowJob, NarrowRoom
from relay import (
    compiled,
    far,
)
from relay.reception import Ingested
from relay.replication import Replication
from relay.world import World
from soiree.wire.limits import MAX_FRAME_BYTES
from soiree.wire.records import Base
from soiree.wire.state import (
    STRIDE,
    Section,
    Slot,
    sections,
)
from tests.relay.records import ORIGIN, frame, move
from tests.relay.test_acceptance import scene
from tests.relay.test_convergence import disturb
from tests.relay.toy_room import ToyRoom

Heard = list[Any]
"""What a core made of its traffic."""
Look = Callable[[list[tuple[int, bytes]]], None]


@pytest.fixture(autouse=True)
def here() -> Iterator[None]:
    """Only where something is compiled; in CI that is everywhere."""
    if not compiled.use(True):
        assert not os.environ.get("CI"), compiled.why_not
        pytest.skip(f"compiled core: {compiled.why_not}")
    yield
    compiled.use(True)


def columns(world: World) -> dict[str, list[Any]]:
    """All that is known of entities; versions count differently, and past a record's end stands what happened to follow it."""
    state = {
        name: getattr(world, name)[: world.high].tolist()
        for name in (
            "position",
            "kind",
            "at_rest",
            "length",
            "sample",
            "seq",
            "refused",
            "overrun_m",
            "jumps",
            "jumped_at",
            "stirred",
        )
    }
    state["records"] = [
        world.records(slot)[row, : world.length[row, slot]].tolist() for row in range(1, world.high) for slot in Slot
    ]
    state["teleported"] = (world.teleported[: world.high] > 0).tolist()
    return state


def overhear(monkeypatch: pytest.MonkeyPatch, heard: Heard, look_into: Look = lambda _: None) -> None:
    """Note what every core takes and gives."""
    ingest, pack, on_drop = Replication.ingest, Replication.pack, Replication.on_drop

    def heard_ingest(self: Replication, *args: Any) -> Any:
        told = ingest(self, *args)
        heard.append((told.accepted, dict(told.drops), dict(told.malformed)))
        return told

    def heard_pack(self: Replication, tick: int, *args: Any) -> Any:
        frames = pack(self, tick, *args)
        heard.append(frames)
        look_into(frames)
        # Now and then a transport takes nothing.
        for peer, payload in frames:
            if (tick + peer) % 37 == 0:
                on_drop(self, peer, payload, args[0])
        heard.append([getattr(self.budgets, name).tolist() for name in self.budgets._columns])
        heard.append([getattr(self.audience, name).tolist() for name in self.audience._columns])
        return frames

    monkeypatch.setattr(Replication, "ingest", heard_ingest)
    monkeypatch.setattr(Replication, "pack", heard_pack)


def assert_the_same(play: Callable[[], World], look_into: Look = lambda _: None) -> None:
    """Both cores make the same of it, all along; and it is not nothing."""
    stories = []
    for wanted in (True, False):
        compiled.use(wanted)
        heard: Heard = []
        with pytest.MonkeyPatch.context() as monkeypatch:
            overhear(monkeypatch, heard, look_into)
            heard.append(columns(play()))
        stories.append(heard)
    one, other = stories
    assert len(one) == len(other) > 100
    for step, (mine, twin) in enumerate(zip(one, other, strict=True)):
        assert mine == twin, f"step {step} of {len(one)}"


@pytest.mark.parametrize("seed", range(3))
def test_things_that_move_ride_jump_and_change_hands_over_lossy_links(seed: int) -> None:
    def play() -> World:
        room = ToyRoom(seed, 0.15, first_seq=65_400, first_number=65_500)
        room.furnish(24, riders=5, across_m=350, deep_m=60)
        for count in range(500):
            if room.random.random() < 0.3:
                disturb(room)
            room.step()
            if count == 250:
                room.despawn(24)
        return room.world

    assert_the_same(play)


@pytest.mark.parametrize("entities", [300, 3000])
def test_a_city_with_traffic_and_budgets(entities: int) -> None:
    def play() -> World:
        run = Run(City(Census.of(entities, 0.3), 12), 20)
        for peer in run.clients.peers[::3]:
            run.replication.set_cap(peer, 96)
        for _ in range(80):
            run.step()
        return run.replication.world

    assert_the_same(play)


def test_a_narrow_link() -> None:
    def play() -> World:
        room = NarrowRoom(NarrowJob()).room
        for _ in range(600):
            room.step()
        return room.world

    assert_the_same(play)


def a_frame(random: Random, seq: int, tick: int) -> bytes:
    """Sections of any kind, with anything in their records; now and then something is wrong with the frame."""
    parts = []
    for kind in random.sample(list(Section), random.randint(0, 5)):
        records = []
        for _ in range(random.randint(1, 4)):
            ident = random.randint(0, 6).to_bytes(3, "little")
            if kind is Section.PROPS:
                size = random.randint(0, 20)
                records.append(ident + bytes((size,)) + random.randbytes(size))
            else:
                body = bytearray(ident + random.randbytes(STRIDE[kind] - 3))
                if random.random() < 0.7:  # near, and attached as it should be
                    attach = 7 if kind is Section.CHILD else 0
                    body[3:10] = bytes((attach, *random.randbytes(2), *bytes(4)))
                if random.random() < 0.5 and kind is not Section.POSE:
                    body[14:] = bytes(len(body) - 14)
                records.append(bytes(body))
        parts.append((kind, records))
    parts.sort(key=lambda part: part[0] is Section.PROPS)
    base = random.choice([ORIGIN, ORIGIN, Base(2**31 - 1, -(2**31), 2**31 - 1), Base(-1, 3, -70_000)])
    payload = bytearray(
        frame(seq, tick - random.randint(-200, 200), *parts, base=base, applied=random.choice([65_533, 65_540]))
    )
    match random.randint(0, 12):
        case 0:
            del payload[random.randrange(len(payload)) :]
        case 1:
            payload += random.randbytes(random.randint(1, MAX_FRAME_BYTES))
        case 2:
            payload[random.randrange(len(payload))] ^= 1 << random.randrange(8)
    return bytes(payload)


@pytest.mark.parametrize("seed", range(20))
def test_hostile_frames(seed: int) -> None:
    def play() -> World:
        random = Random(seed)
        replication, _ = scene()
        numbers = dict.fromkeys((2, 3, 9), 0)
        for tick in range(70_000, 70_100):
            frames = []
            for _ in range(random.randint(0, 5)):
                peer = random.choice(list(numbers))
                numbers[peer] += random.choice([1, 1, 1, 2, -1, 0])
                frames.append((peer, a_frame(random, max(0, numbers[peer]), tick)))
            replication.ingest(frames, tick, tick / 60)
            replication.pack(tick, tick / 60, {})
        return replication.world

    assert_the_same(play)


@pytest.mark.parametrize("seed", range(5))
def test_frames_are_received_alike(seed: int) -> None:
    stories, drops = [], Counter[str]()
    for wanted in (True, False):
        compiled.use(wanted)
        random = Random(seed)
        replication, _ = scene()
        replication.join(9, 0.0)
        audience = replication.audience
        numbers = dict.fromkeys((2, 3, 9, 400), 65_480)
        story: list[tuple[list[Any], Ingested]] = []
        for tick in range(300):
            frames = []
            for _ in range(random.randint(0, 12)):
                peer = random.choice(list(numbers))
                numbers[peer] += random.choice([1, 1, 1, 2, -1, 0, -3, -30, 40, 70_000])
                payload = a_frame(random, numbers[peer], tick)
                applied = (65_000 + 5 * tick + random.choice([0, 1, 2, 9000])).to_bytes(4, "little")
                frames.append((peer, payload[:26] + applied[:2] + payload[28:] if len(payload) >= 28 else payload))
            if random.random() < 0.02:
                frames += [
                    (3, frame(numbers[3] + n, tick)) for n in range(700)
                ]  # of many records only one core judges all
            if random.random() < 0.05:
                replication.reset(2)
            if random.random() < 0.05:
                replication.set_active(3, active=random.random() < 0.6, now=tick / 60)
            if random.random() < 0.05:
                replication.on_applied(9, 65_000 + 6 * tick)
            told = replication.ingest(frames, tick, tick / 60)
            drops.update(told.drops)
            story.append(([getattr(audience, name)[: audience.high].tolist() for name in audience._columns], told))
        stories.append(story)
    assert all(drops[reason] for reason in ("rate", "detached", "stale", "malformed"))
    assert sum(len(told.control_applied) for _, told in stories[0]) > 100
    assert stories[0] == stories[1]


def test_what_is_far_goes_alike() -> None:
    """A client that looks from high above a wide city: FAR for what moves, frames with other bases for what rests."""
    kinds: Counter[int] = Counter()

    def play() -> World:
        run = Run(City(Census.of(2000, 0.3), 12), 12)
        places = Random(5)
        for tick in range(160):
            if tick % 20 == 0:
                for peer in run.clients.peers:
                    position = places.uniform(-3000, 3000), places.uniform(0, 900), places.uniform(-3000, 3000)
                    run.replication.set_view(peer, position_m=position, radius_m=1024.0)
                    run.replication.set_cap(peer, places.choice([0, 0, 200]))
            run.step()
        return run.replication.world

    def look_into(frames: list[tuple[int, bytes]]) -> None:
        bases = defaultdict(set)
        for peer, payload in frames:
            kinds.update(view.kind for view in sections(payload))
            bases[peer].add(payload[8:20])
        kinds["several bases"] += sum(len(told) > 1 for told in bases.values())  # type: ignore[index]

    assert_the_same(play, look_into)
    assert kinds[Section.FAR] > 50
    assert kinds["several bases"] > 50  # type: ignore[index]


def test_arrays_of_the_wrong_kind_are_refused() -> None:
    core = compiled.core
    assert core
    replication, _ = scene()
    tables = replication.world, replication.pairs, replication.audience, replication.flight, replication.budgets
    for frames in ([(2, "text")], [(2,)], [b"frame"], 5):
        with pytest.raises(TypeError, match=r"a frame is a peer and its payload|sequence"):
            core.ingest(*tables, frames, 1, 0.0, 10.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="takes 5 arguments, 1 given"):
        core.advance(replication.budgets)  # type: ignore[call-arg]
    with pytest.raises(AttributeError, match="rate_kbit_s"):
        core.advance(object(), 0.0, 0.0, 0.0, 1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="in turns"):
        core.pack(*tables, 1, 0.0, 1, [], {}, far.ROTATIONS)
    wrongs: list[tuple[Any, type[Exception]]] = [(np.zeros(4, np.float32), TypeError), (np.zeros(8)[::2], ValueError)]
    for wrong, error in wrongs:
        replication.budgets.rate_kbit_s = wrong
        with pytest.raises(error, match=r"items of 4 bytes where 8|contiguous"):
            core.pack(*tables, 1, 0.0, 1, [0], {}, far.ROTATIONS)


def test_a_core_of_other_source_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "source_hash", lambda: "another")
    assert compiled._load() == (None, "it was compiled of other source")


def test_moves_are_taken() -> None:
    """What the other tests compare is not only refusals."""
    replication, _ = scene()
    told = replication.ingest(
        [(2, frame(0, 70_001, (Section.MOVE, [move(1, (0.2, 0, 0))]), applied=65_534))], 70_001, 1.0
    )
    assert (told.accepted, replication.world.position[1].tolist()) == (1, [205, 0, 0])
