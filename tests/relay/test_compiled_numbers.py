"""The compiled core counts with the same numbers as the NumPy one: each of its constants is that of the module that names it."""

from relay import (
    acceptance,
    arrivals,
    budget,
    compiled,
    far,
    flight,
    framing,
    ingest,
    reception,
    replication,
    selection,
    serving,
    speed,
)
from relay.acceptance import Drop
from relay.world import NO_SEQ, SLOT_BYTES, SLOTS, TELEPORT_BURST
from soiree.wire import quantise as q
from soiree.wire.acks import WINDOW
from soiree.wire.limits import MAX_FRAME_BYTES, MAX_UNAPPLIED_MESSAGES
from soiree.wire.state import (
    ACK_VALID,
    AGE_MASK,
    ENTITY_MASK,
    STATE_HEADER,
    TELEPORT,
    TICK_HZ,
    FrameType,
    Section,
    Slot,
)


def test_it_counts_with_the_same_numbers() -> None:
    assert compiled.core
    said = dict(compiled.core.CONSTANTS)
    kinds = range(max(Section) + 1)
    assert said.pop("Section") == list(Section)
    assert said.pop("Slot") == list(Slot)
    assert said.pop("Drop") == list(Drop)
    assert list(said.pop("STRIDE")) == arrivals.STRIDES.tolist()
    assert list(said.pop("SLOT_OF")) == ingest.SLOT_OF_KIND.tolist()
    assert list(said.pop("AGED")) == ingest.IS_AGED.tolist()
    rank = said.pop("RANK")
    assert sorted(kinds, key=rank.__getitem__) == sorted(kinds, key=framing._ORDER.__getitem__)
    assert list(said.pop("SLOT_BYTES"))[: Slot.PROPS] == list(SLOT_BYTES)[: Slot.PROPS]
    assert said == {
        "KINDS": arrivals.KINDS,
        "SLOTS": SLOTS,
        "HEADER_BYTES": STATE_HEADER.size,
        "SECTION_BYTES": framing.SECTION_BYTES,
        "MAX_FRAME_BYTES": MAX_FRAME_BYTES,
        "MAX_RECORDS": framing.MAX_RECORDS,
        "MAX_FRAMES_PER_SERVE": framing.MAX_FRAMES_PER_SERVE,
        "RECORDS_BYTES": framing.RECORDS_BYTES,
        "STATE": FrameType.STATE,
        "ACK_VALID": ACK_VALID,
        "AGE_MASK": AGE_MASK,
        "TELEPORT": TELEPORT,
        "ENTITY_MASK": ENTITY_MASK,
        "WINDOW": WINDOW,
        "RING": flight.RING,
        "REORDER": flight.REORDER,
        "IN_FLIGHT": flight._IN_FLIGHT,
        "LOST": flight._LOST,
        "NO_SEQ": NO_SEQ,
        "MAX_LATE_TICKS": acceptance.MAX_LATE_TICKS,
        "TELEPORT_BURST": TELEPORT_BURST,
        "TICK_HZ": TICK_HZ,
        "CELL_BITS": q.CELL_BITS,
        "REACH_UNITS": q.REACH_M * q.HORIZONTAL_PER_M,
        "REACH_Y_UNITS": q.REACH_Y_UNITS,
        "MAX_AGE_TICKS": selection.MAX_AGE_TICKS,
        "OVERDUE_TICKS": selection.OVERDUE_TICKS,
        "MAX_UNAPPLIED_MESSAGES": MAX_UNAPPLIED_MESSAGES,
        "LIMIT_SERVES": serving.LIMIT_SERVES,
        "FAR_SHIFT": q.FAR_SHIFT,
        "FAR_BITS": far.BITS,
        "FAR_CELLS": far.CELLS,
        "FAR_HALF_Y": far.HALF_Y,
        "BLOCK_CELLS": framing.BLOCK_CELLS,
        "BLOCK_Y": framing.BLOCK_Y,
        "FRAME_COST": replication.FRAME_COST,
        "LEAST_RTO_S": serving.LEAST_RTO_S,
        "OVERDUE_S": serving.OVERDUE_S,
        "SILENT_S": serving.SILENT_S,
        "WORTH_S": serving.WORTH_S,
        "SERVE_BYTES": budget.SERVE_BYTES,
        "LIMIT_UNITS": q.LIMIT_UNITS,
        "LIMIT_Y_UNITS": q.LIMIT_Y_UNITS,
        "CLOCK_SLACK_S": speed.CLOCK_SLACK_S,
        "SLACK_M": speed.SLACK_M,
        "NEAR_M": selection.NEAR_M,
        "FOCUS_WEIGHT": selection.FOCUS_WEIGHT,
        "MAX_ACK_INTERVAL_S": reception.MAX_ACK_INTERVAL_S,
        "FRAME_OVERHEAD_BYTES": budget.FRAME_OVERHEAD_BYTES,
        "BURST_GAIN": replication.BURST_GAIN,
        "ACK_INTERVAL_GAIN": reception.ACK_INTERVAL_GAIN,
        "FLOOR_KBIT_S": budget.FLOOR_KBIT_S,
        "DEEPEST_CUT": budget.DEEPEST_CUT,
        "CUT": budget.CUT,
        "TRIAL_FRAMES": budget.TRIAL_FRAMES,
        "TRIAL_S": budget.TRIAL_S,
        "MOST_FORGIVEN": budget.MOST_FORGIVEN,
        "BELOW_FULL": budget.BELOW_FULL,
        "ABOVE_FULL": budget.ABOVE_FULL,
        "NEAR_FULL_PER_S": budget.NEAR_FULL_PER_S,
        "RAMP_PER_S": budget.RAMP_PER_S,
        "WIDER_PER_S": budget.WIDER_PER_S,
        "CLEAN_QUEUE_S": budget.CLEAN_QUEUE_S,
        "EMPTY_QUEUE_S": budget.EMPTY_QUEUE_S,
        "SLOWEST_PER_S": budget.SLOWEST_PER_S,
        "CUT_EVERY_S": budget.CUT_EVERY_S,
        "JUDGED_FRAMES": budget.JUDGED_FRAMES,
        "FULL_QUEUE_S": budget.FULL_QUEUE_S,
        "DRAINS": budget.DRAINS,
        "LOSS_MATTERS_KBIT_S": budget.LOSS_MATTERS_KBIT_S,
        "FULL_LOSS": budget.FULL_LOSS,
        "TRIAL_RATE": budget.TRIAL_RATE,
        "FORGIVEN_S": budget.FORGIVEN_S,
        "CLEAN_LOSS": budget.CLEAN_LOSS,
        "CAREFUL_LOSS": budget.CAREFUL_LOSS,
        "BYTES_PER_KBIT": budget.BYTES_PER_KBIT,
        "LEAST_BURST_BYTES": budget.LEAST_BURST_BYTES,
        "BURST_S": budget.BURST_S,
        "MEMORY_S": budget.MEMORY_S,
        "LOSS_MEMORY_S": budget.LOSS_MEMORY_S,
        "ARRIVAL_MEMORY_S": budget.ARRIVAL_MEMORY_S,
        "BASE_WINDOW_S": budget.BASE_WINDOW_S,
        "QUEUE_WINDOW_S": budget.QUEUE_WINDOW_S,
        "USEFUL_GAP_S": budget.USEFUL_GAP_S,
    }
