"""coturn's own test client, in all that it can try: UDP, TCP and TLS, channels and indications, IPv6, requests that are to be refused."""

import asyncio
import os
import re

import pytest

from tests.turn.conftest import uclient
from turn.server import TurnServer

OVER = {"udp": (), "tcp": ("-t",), "tls": ("-t", "-S")}
FULL = ("-n", "200", "-m", "10", "-l", "160")
"""Messages of each of so many clients."""
SHORT = FULL if os.environ.get("UCLIENT") == "full" else ("-n", "50", "-m", "4", "-l", "160")
"""Of the rarer ways: all that a run has time for; UCLIENT=full has them in full."""
WAYS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (FULL, ()),
    (FULL, ("-s",)),
    (SHORT, ("-g",)),
    (SHORT, ("-x",)),
    (SHORT, ("-N",)),
    (SHORT, ("-s", "-g", "-x")),
)
"""Channels, indications, DONT-FRAGMENT, IPv6 relayed, requests that are to be refused."""
AT_ONCE = 6


def lost(said: str) -> str:
    """How many packets, as it says."""
    found = re.search(r"Total lost packets (\d+)", said)
    return found[1] if found else said[-400:]


@pytest.mark.parametrize("over", OVER)
async def test_nothing_is_lost(server: TurnServer, over: str) -> None:
    port = server.tls[0][1] if over == "tls" else server.udp[0][1]
    runs = [("-y", *OVER[over], *size, *way, *alone) for size, way in WAYS for alone in ((), ("-c",))]
    for batch in (runs[at : at + AT_ONCE] for at in range(0, len(runs), AT_ONCE)):
        found = await asyncio.gather(*(uclient(port, *options) for options in batch))
        for options, (code, said) in zip(batch, found, strict=True):
            assert (code, lost(said)) == (0, "0"), (options, said[-2000:])


async def test_over_ipv6(server: TurnServer) -> None:
    port = next(port for host, port in server.udp if host == "::1")
    code, said = await uclient(port, "-y", "-c", "-n", "50", "-m", "4", host="::1")
    assert (code, lost(said)) == (0, "0"), said[-2000:]


async def test_requests_broken_at_random_disturb_nobody(server: TurnServer) -> None:
    """It breaks its own data too, and may wait for ever for the answer to what it broke: how it fares itself says nothing."""
    port = server.udp[0][1]
    breaking = [asyncio.create_task(uclient(port, "-y", "-R", "-n", "50", "-m", "4", *more)) for more in ((), ("-t",))]
    code, said = await uclient(port, "-y", "-c", "-n", "100", "-m", "4")
    for task in breaking:
        task.cancel()
    await asyncio.gather(*breaking, return_exceptions=True)
    assert (code, lost(said)) == (0, "0"), said[-2000:]


async def test_many_that_connect_and_go(server: TurnServer) -> None:
    port = server.udp[0][1]
    await uclient(port, "-O", "-y", "-t", "-m", "20")
    code, said = await uclient(port, "-y", "-c", "-n", "20", "-m", "2")
    assert (code, lost(said)) == (0, "0"), said[-2000:]
