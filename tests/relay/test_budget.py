"""Budgets against a path of known capacity: they find it, keep its queue short, and forgive random loss."""

import random

import numpy as np
import pytest

from relay import compiled
from relay.budget import (
    CEILING_KBIT_S,
    FLOOR_KBIT_S,
    FRAME_OVERHEAD_BYTES,
    LEAST_BURST_BYTES,
    LEAST_CAP_KBIT_S,
    LOSS_MATTERS_KBIT_S,
    MOST_FORGIVEN,
    SERVE_BYTES,
    START_KBIT_S,
    Budgets,
)
from relay.flight import Fates

pytestmark = pytest.mark.usefixtures("both_cores")
ROW = np.array([1])
TICK_S = 1 / 60


class Path:
    """A client behind a drop-tail queue, who always has more to be sent."""

    def __init__(self, capacity_kbit_s: float, loss: float = 0.0, hunger: float = 1.0, queue_s: float = 0.25) -> None:
        self.capacity_kbit_s, self.loss, self.hunger, self.queue_s = capacity_kbit_s, loss, hunger, queue_s
        self.budgets = Budgets(4)
        self.budgets.open(1, 0.0)
        self.random = random.Random(1)
        self.now = 0.0
        self.queue = 0.0
        self.events: list[tuple[float, float | None]] = []
        self.delays: list[float] = []

    @property
    def rate(self) -> float:
        return float(self.budgets.rate_kbit_s[1])

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.now += TICK_S
            self.queue = max(0.0, self.queue - self.capacity_kbit_s * 125 * TICK_S)
            self.budgets.advance(self.now)
            while self.budgets.tokens[1] >= SERVE_BYTES and self.random.random() < self.hunger:
                self._send(int(min(1152, self.budgets.tokens[1])))
            self._acknowledge()

    def _send(self, size: int) -> None:
        self.budgets.spend(ROW, np.array([size]))
        size += FRAME_OVERHEAD_BYTES
        full = self.queue + size > self.capacity_kbit_s * 125 * self.queue_s
        if full or self.random.random() < self.loss:
            self.events.append((self.now + 0.3, None))
            return
        self.queue += size
        delay = self.queue / (self.capacity_kbit_s * 125)
        self.delays.append(delay)
        self.events.append((self.now + 0.06 + delay, self.now))

    def _acknowledge(self) -> None:
        for at, sent in [event for event in self.events if event[0] <= self.now]:
            self.events.remove((at, sent))
            delays = np.zeros(0) if sent is None else np.array([self.now - sent])
            counts = np.array([0, sent is not None], np.int64), np.array([0, sent is None], np.int64)
            self.budgets.note(Fates(ROW[: len(delays)], delays, np.full(len(delays), TICK_S), *counts))


@pytest.mark.parametrize("capacity", [100.0, 300.0, 900.0])
@pytest.mark.parametrize("loss", [0.0, 0.03])
def test_a_rate_finds_what_its_path_carries(capacity: float, loss: float) -> None:
    path = Path(capacity, loss)
    path.run(20)
    rates = []
    path.delays.clear()
    for _ in range(20):
        path.run(1)
        rates.append(path.rate)
    assert 0.6 * capacity < np.mean(rates) < 1.1 * capacity
    # A frame of 500 bytes alone is on the slowest of these paths for 40 ms.
    assert np.mean(path.delays) < 0.1


def test_a_path_that_shrinks_is_followed_within_seconds() -> None:
    path = Path(900.0)
    path.run(15)
    path.capacity_kbit_s = 200.0
    path.run(6)
    assert path.rate < 260
    path.delays.clear()
    path.run(5)
    assert np.mean(path.delays) < 0.12


def test_a_good_path_is_at_the_ceiling_within_three_seconds() -> None:
    path = Path(10_000.0)
    path.run(3)
    assert path.rate == CEILING_KBIT_S


def test_a_hopeless_path_leaves_about_the_floor() -> None:
    path = Path(10_000.0, loss=0.5)
    path.run(20)
    rates = []
    for _ in range(10):
        path.run(1)
        rates.append(path.rate)
    assert FLOOR_KBIT_S <= np.mean(rates) < 2 * LOSS_MATTERS_KBIT_S


@pytest.mark.parametrize("loss", [0.1, 0.2])
def test_loss_that_no_lower_rate_mends_is_forgiven(loss: float) -> None:
    path = Path(10_000.0, loss=loss)
    path.run(15)
    rates = []
    for _ in range(15):
        path.run(1)
        rates.append(path.rate)
    assert np.mean(rates) > CEILING_KBIT_S / 2
    assert path.budgets.forgiven[1] <= MOST_FORGIVEN


@pytest.mark.parametrize("seed", range(8))
def test_a_slow_client_finds_out_of_loss_that_no_lower_rate_mends(seed: int) -> None:
    """Of the few frames that it is sent in a trial it is told what they say, not that there was no loss."""
    path = Path(10_000.0, loss=0.2)
    path.random.seed(seed)
    path.run(2)
    path.budgets.rate_kbit_s[1], path.budgets.forgiven[1] = FLOOR_KBIT_S, 0.0
    path.run(30)
    assert path.rate > CEILING_KBIT_S / 2


def test_frames_in_step_with_acknowledgements_hold_nobody_down() -> None:
    """Of 20 frames a second each comes just after one of 20 acknowledgements a second: all seem to queue for 50 ms."""
    budgets = Budgets(4)
    budgets.open(1, 0.0)
    budgets._ramping[1] = False
    for frame in range(1, 200):
        budgets.spend(ROW, np.array([int(START_KBIT_S * 125 * 0.05) - FRAME_OVERHEAD_BYTES]))
        budgets.note_delays(ROW, np.array([0.05 if frame < 10 else 0.1]), np.array([0.05]))
        budgets.note_fates(np.array([0, 1]), np.array([0, 0]))
        for third in range(3):
            budgets.advance(frame * 0.05 + third * TICK_S)
    assert budgets.rate_kbit_s[1] > 1.2 * START_KBIT_S


def test_a_cap_holds_though_a_rate_is_given_back() -> None:
    path = Path(10_000.0, loss=0.2)
    while not path.budgets.tried_loss[1]:
        path.run(TICK_S)
    path.budgets.set_cap(1, 100)
    for _ in range(1200):
        path.run(TICK_S)
        assert path.rate <= 100


def test_loss_of_a_path_without_a_queue_is_not_forgiven() -> None:
    """A lower rate mends it."""
    path = Path(300.0, queue_s=0.03)
    path.run(20)
    rates = []
    for _ in range(20):
        path.run(1)
        rates.append(path.rate)
    assert 150 < np.mean(rates) < 420


def test_forgiven_loss_is_forgotten_on_a_path_that_gets_better() -> None:
    path = Path(10_000.0, loss=0.2)
    path.run(15)
    before = float(path.budgets.forgiven[1])
    path.loss = 0.0
    path.run(20)
    assert path.budgets.forgiven[1] < before / 3


def test_a_path_that_widens_is_used_within_seconds() -> None:
    path = Path(128.0)
    path.run(20)
    path.capacity_kbit_s = 10_000.0
    path.run(8)
    assert path.rate == CEILING_KBIT_S


def test_what_is_not_used_is_not_raised() -> None:
    path = Path(10_000.0, hunger=0.1)
    path.run(10)
    assert path.rate == START_KBIT_S


@pytest.mark.parametrize("share", [1.0, 0.6, 0.3])
def test_a_share_of_the_budgets_is_what_is_sent_and_rates_grow_all_the_same(share: float) -> None:
    path = Path(10_000.0)
    path.budgets.share = share
    path.run(8)
    assert path.rate == CEILING_KBIT_S
    assert float(path.budgets.used_kbit_s[1]) == pytest.approx(share * path.rate, rel=0.1)


def test_tokens_are_bounded_and_a_cap_holds() -> None:
    budgets = Budgets(4)
    budgets.open(1, 0.0)
    budgets.set_cap(1, 40)
    for tick in range(1, 600):
        budgets.advance(tick * TICK_S)
    assert budgets.tokens[1] == LEAST_BURST_BYTES
    before = float(budgets.tokens[1])
    budgets.spend(np.array([1, 1]), np.array([1000, 500]))
    assert budgets.tokens[1] == before - 1500 - 2 * FRAME_OVERHEAD_BYTES
    budgets.advance(600 * TICK_S)
    assert budgets.rate_kbit_s[1] == 40
    budgets.set_cap(1, 1)
    assert budgets.rate_kbit_s[1] == LEAST_CAP_KBIT_S
    budgets.set_cap(1, 0)
    assert budgets.cap_kbit_s[1] == CEILING_KBIT_S
    budgets.set_cap(1, 999_999)
    assert budgets.cap_kbit_s[1] == CEILING_KBIT_S


def test_a_cap_below_the_floor_is_kept_under_congestion() -> None:
    budgets = Budgets(4)
    budgets.open(1, 0.0)
    budgets.set_cap(1, 20)
    budgets.congest(1, 1.0)
    assert budgets.rate_kbit_s[1] == 20


def test_a_transport_that_refuses_cuts_the_rate_but_not_at_each_frame() -> None:
    budgets = Budgets(4)
    budgets.open(1, 0.0)
    for _ in range(10):
        budgets.congest(1, 1.0)
    assert budgets.rate_kbit_s[1] == START_KBIT_S * 0.85


def queued(gap_s: float) -> Budgets:
    """A client whose acknowledgements took 0.05 s, and then 0.5 s, each too long by no more than `gap_s`."""
    budgets = Budgets(4)
    budgets.open(1, 0.0)
    for tick in range(1, 120):
        budgets.spend(ROW, np.array([300]))
        budgets.note_delays(ROW, np.array([0.05 if tick < 60 else 0.5]), np.array([gap_s]))
        budgets.advance(tick * TICK_S)
    return budgets


def test_delays_that_may_be_too_long_prove_no_queueing() -> None:
    sure, unsure = queued(0.01), queued(0.2)
    assert sure.queueing_s()[1] == unsure.queueing_s()[1] == pytest.approx(0.45)
    assert sure.rate_kbit_s[1] < START_KBIT_S < unsure.rate_kbit_s[1]


def test_a_row_that_is_opened_again_begins_anew() -> None:
    path = Path(10_000.0)
    path.run(3)
    path.budgets.open(1, path.now)
    assert path.rate == START_KBIT_S
    path.budgets.open(500, path.now)
    assert path.budgets.rate_kbit_s[500] == START_KBIT_S


@pytest.mark.parametrize("loss", [0.0, 0.03, 0.2, 0.5])
def test_both_cores_follow_to_the_last_bit(loss: float) -> None:
    if compiled.core is None:
        return  # with the compiled core it is compared to this one
    stories = []
    for wanted in (True, False):
        compiled.use(wanted)
        path, story = Path(300.0, loss), []
        for capacity in (300.0, 80.0, 700.0):
            path.capacity_kbit_s = capacity
            for _ in range(200):
                path.run(0.1)
                story.append([getattr(path.budgets, name)[ROW].tolist() for name in path.budgets._columns])
        stories.append(story)
    compiled.use(True)
    assert stories[0] == stories[1]
