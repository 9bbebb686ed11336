"""What `soiree party --demo` opens, and what goes on in it."""

from collections.abc import Coroutine
from typing import Final

from party.config import PartyConfig
from party.demo.city import CITY_CODE, CITY_NAME, city, drivers
from party.demo.guest import guest
from relay.service import RelayService
from signalling.homeserver import Homeserver
from signalling.joining import Door
from signalling.rooms import Room, RoomDraft

PARTY_CODE: Final = "party"
PARTY_NAME: Final = "The party"
VISITORS: Final = 64
"""People who find room beside what the demo brings."""


async def opening(
    config: PartyConfig, home: Homeserver, door: Door, relay: RelayService, url: str
) -> tuple[Room, Coroutine[None, None, None]]:
    """The demo's room, and what goes on in it, to be run until it is cancelled.

    Args:
        url: the lobby's address on this machine.
    """
    if config.demo == "city":
        capacity = VISITORS + drivers(config.demo_entities)
        room = await home.create_permanent_room(
            RoomDraft(name=CITY_NAME, capacity=capacity, public=True), code=CITY_CODE
        )
        return room, city(relay, door, room, config.demo_entities)
    room = await home.create_permanent_room(RoomDraft(name=PARTY_NAME, capacity=VISITORS, public=True), code=PARTY_CODE)
    return room, guest(url, room.code)
