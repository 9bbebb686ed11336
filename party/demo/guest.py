"""The bot of `soiree party --demo party`: a guest who has brought things to play with, walks about, and says yes when asked."""

import asyncio
import logging
import math

import soiree

log = logging.getLogger("soiree.party.demo")

NAME = "Sol"
WALK_RADIUS_M = 6.0
WALK_SPEED_M_S = 1.2
STEP_S = 0.05
RETRY_S = 5.0


async def guest(url: str, room_code: str) -> None:
    """Keep the demo's guest in a room until cancelled; it comes back when something goes wrong."""
    while True:
        try:
            await _visit(url, room_code)
        except soiree.SoireeError as error:
            log.warning("the demo's guest has left: %s; back in %.0f s", error, RETRY_S)
        await asyncio.sleep(RETRY_S)


async def _visit(url: str, room_code: str) -> None:
    async with soiree.join(url, room=room_code, name=NAME, transport="websocket") as room:
        await _bring_things(room)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_walk(room))
            tasks.create_task(_be_polite(room))


async def _bring_things(room: soiree.Room) -> None:
    """One thing for each rule, so that each can be tried."""
    await room.spawn("ball", position=(2, 0, 1), rule="allow", lifetime="with-room", properties={"label": "take me"})
    await room.spawn("box", position=(-3, 0, 2), rule="ask", lifetime="with-room", properties={"label": "ask me"})
    await room.spawn(
        "sign",
        position=(0, 0, -3),
        rule="deny",
        lifetime="with-room",
        properties={"text": "Welcome! Take the ball, ask for the box."},
    )
    await room.spawn("vehicle", position=(5, 0, -2), rule="allow", lifetime="with-room", upright=True)


async def _walk(room: soiree.Room) -> None:
    """Round in a circle, upright, facing forward."""
    avatar = await room.spawn(
        "avatar", position=(WALK_RADIUS_M, 0, 0), rule="deny", lifetime="with-master", upright=True
    )
    angle = 0.0
    while True:
        angle += WALK_SPEED_M_S / WALK_RADIUS_M * STEP_S
        x, z = math.cos(angle), math.sin(angle)
        half = -angle / 2
        avatar.set(
            position=(WALK_RADIUS_M * x, 0, WALK_RADIUS_M * z),
            velocity=(-WALK_SPEED_M_S * z, 0, WALK_SPEED_M_S * x),
            rotation=(0, math.sin(half), 0, math.cos(half)),
            upright=True,
        )
        await asyncio.sleep(STEP_S)


async def _be_polite(room: soiree.Room) -> None:
    """Greet who is here and who comes, and say yes to who asks."""
    for peer in list(room.peers.values()):
        await _greet(room, peer)
    async for change in room.changes():
        match change:
            case soiree.Asked() as ask:
                await asyncio.sleep(0.5)
                ask.allow()
            case soiree.Joined(peer):
                await _greet(room, peer)
            case _:
                pass


async def _greet(room: soiree.Room, peer: soiree.Peer) -> None:
    if peer.id != room.peer_id:
        await room.send_event("chat", {"text": f"Welcome, {peer.name}!"}, to=peer.id)
