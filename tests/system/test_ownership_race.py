"""Two hands on one ball: one grant and one `stale` each time, and never two opinions (PROTOCOL 7)."""

import asyncio

import pytest

import soiree
from tests.system.party_process import PartyOf
from tests.system.ways import BEST, crowd, same_entity, until

GRABS = 1000
POLL_S = 0.0005


async def _grab(entity: soiree.Entity) -> str:
    """What came of a request: "granted", or why not."""
    try:
        await entity.request()
    except soiree.RefusedError as error:
        assert error.owner not in (0, entity.master), "the refusal names who has it"
        return error.reason
    return "granted"


async def _agree(views: tuple[soiree.Entity, ...], owner: int) -> None:
    """Wait until all know of this owner."""
    await until(lambda: {view.owner for view in views} == {owner}, poll_s=POLL_S)


@pytest.mark.parametrize(
    "ways", [("websocket", "websocket", BEST), (BEST, BEST, "websocket")], ids=lambda ways: ways[0]
)
async def test_of_two_who_grab_one_ball_one_gets_it_1000_times(party_of: PartyOf, ways: tuple[str, ...]) -> None:
    server = party_of(BEST)
    async with crowd(server.url, server.room(), *ways) as (alice, bob, master):
        ball = await master.spawn("ball", rule="allow")
        hands = [await same_entity(room, ball.id) for room in (alice, bob)]
        wins, epoch = [0, 0], ball.epoch
        for turn in range(GRABS):
            first = turn % 2
            outcomes = await asyncio.gather(_grab(hands[first]), _grab(hands[1 - first]))
            assert sorted(outcomes) == ["granted", "stale"]
            winner = outcomes.index("granted") ^ first
            wins[winner] += 1
            owner = (alice, bob)[winner].peer_id
            await _agree((*hands, ball), owner)
            await hands[winner].release()
            await _agree((*hands, ball), master.peer_id)
            epoch += 2
            assert {hand.epoch for hand in (*hands, ball)} == {epoch}
        print(f"{ways[0]}: {wins[0]} to {wins[1]}")
        assert all(hand.account() == ball.account() for hand in hands)
