"""Connections come and go without leaving a task, a socket, a descriptor or a thread."""

import asyncio
import gc
from pathlib import Path
from typing import NamedTuple

import pytest

from soiree.transport import CloseReason
from tests.relay.transports.stage import ENGINE_PAIRS, TRANSPORTS, Stage, stage_of, webrtc_stage


class Holdings(NamedTuple):
    """What this process holds of the system."""

    tasks: int
    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> "Holdings":
        return cls(
            tasks=len(asyncio.all_tasks()),
            descriptors=len(list(Path("/proc/self/fd").iterdir())),
            threads=len(list(Path("/proc/self/task").iterdir())),
        )

    def within(self, other: "Holdings") -> bool:
        return all(mine <= theirs for mine, theirs in zip(self, other, strict=True))


async def steady() -> Holdings:
    """What is held once it changes no more: stacks free the last of a connection on threads that tell nobody, so this must look again."""
    seen = [Holdings.now()]
    while len(seen) < 200 and (len(seen) < 5 or len(set(seen[-5:])) > 1):
        await asyncio.sleep(0.02)
        seen.append(Holdings.now())
    return seen[-1]


async def settle(before: Holdings) -> Holdings:
    """What is held once it is no more than before, or after 4 s."""
    gc.collect()
    for _ in range(200):
        if Holdings.now().within(before):
            break
        await asyncio.sleep(0.02)
    return Holdings.now()


async def come_and_go(stage: Stage, conn: int) -> None:
    await stage.join(conn)
    closer, other = (stage.client, stage.heard) if conn % 2 else (stage.server, stage.told)
    closer.close(conn)
    await other.until_closed(conn)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_fifty_connections_leave_nothing_behind(transport: str) -> None:
    async with stage_of(transport) as stage:
        # The first makes what a stack keeps for the process: its pool of threads, its certificate.
        await come_and_go(stage, 1)
        before = await steady()
        for conn in range(2, 52):
            await come_and_go(stage, conn)
        after = await settle(before)
        assert after.within(before), f"{after} after, {before} before"
        assert not stage.server._connections
        assert not stage.client._connections


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_aclose_frees_what_is_open_and_half_open(transport: str) -> None:
    async with stage_of(transport) as stage:
        await come_and_go(stage, 1)
    before = await steady()
    async with stage_of(transport) as stage:
        for conn in range(1, 6):
            await stage.join(conn)
    after = await settle(before)
    assert after.within(before), f"{after} after, {before} before"
    assert sorted(conn for conn, _ in stage.heard.closes) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("server", "client"), ENGINE_PAIRS)
async def test_an_offer_that_nobody_answers_is_freed(server: str, client: str) -> None:
    async with webrtc_stage(server, client) as stage:
        await come_and_go(stage, 1)
        before = await steady()
        for conn in range(2, 7):
            await stage.answering.accept(conn, await stage.offering.offer(conn))
            stage.offering.close(conn)
            stage.answering.close(conn)
            assert await stage.told.until_closed(conn) == CloseReason.LOCAL
            assert await stage.heard.until_closed(conn) == CloseReason.LOCAL
        after = await settle(before)
        assert after.within(before), f"{after} after, {before} before"
