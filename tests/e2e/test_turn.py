"""Chromium in a room through a TURN server alone (`iceTransportPolicy: "relay"`), over UDP and TCP, swapped by configuration."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import BEST, GuestsOf
from tests.e2e.guests import READY, Guests, ask, until
from tests.system.coturn import coturn
from tests.system.namespace import namespace
from tests.system.own_turn import own_turn
from tests.system.party_process import ROOMY, Party, party

pytestmark = pytest.mark.asyncio(loop_scope="session")

RELAY_ONLY = """
const Plain = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Plain {
  setConfiguration(configuration) {
    super.setConfiguration({ ...configuration, iceTransportPolicy: "relay" });
  }
};
"""
TURN_PORT = 3478
SERVERS = {"coturn": coturn, "ours": own_turn}


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("protocol", ["udp", "tcp"])
async def test_a_browser_that_may_use_turn_alone_is_in_the_room(
    guests_of: GuestsOf, tmp_path: Path, protocol: str, kind: str
) -> None:
    # Not on loopback: from there Chromium opens no TCP connection to a TURN server. And over TCP its checks carry a tie-breaker of 0, which
    # libjuice, below libdatachannel, takes for none and refuses.
    engine = BEST if protocol == "udp" else "aiortc"
    async with namespace() as space:
        with (
            coturn(tmp_path, space.inside, space.prefix, TURN_PORT) as turn,
            party(
                engine, tmp_path, "--host", space.inside, before=space.prefix, env=ROOMY | turn.settings(protocol)
            ) as home,
        ):
            await enter_and_meet(guests_of(home), home, protocol)


async def enter_and_meet(guests: Guests, home: Party, protocol: str) -> None:
    """In a room through TURN, and another browser, which goes directly, is seen there."""
    code = home.room("Through TURN")
    page = await guests.page()
    await page.add_init_script(RELAY_ONLY)
    await page.goto(f"{home.url}/r/{code}?name=Ada&transport=webrtc")
    await page.wait_for_selector(READY)
    await until(page, "room.stats().rung")
    assert await ask(page, "room.stats().rung") == f"turn-{protocol}"
    await expect(page.get_by_test_id("rtt")).to_contain_text("ms")
    other = await guests.inside(code, "Bob")
    await until(page, "[...room.peers.values()].length === 2")
    await until(other, "[...room.peers.values()].length === 2")
    assert home.complaints() == []
    await guests.leave()
