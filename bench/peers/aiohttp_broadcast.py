"""Collects states, and sends one frame with all that is new to each client, HZ times a second: aiohttp on uvloop.

Usage: aiohttp_broadcast.py HZ
"""

import asyncio
import sys

import uvloop
from aiohttp import WSMsgType, web


async def serve(hz: float) -> None:
    sockets: set[web.WebSocketResponse] = set()
    latest: dict[web.WebSocketResponse, bytes] = {}

    async def websocket(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        sockets.add(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    latest[socket] = message.data
        finally:
            sockets.discard(socket)
        return socket

    application = web.Application()
    application.router.add_get("/", websocket)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print("ready", runner.addresses[0][1], flush=True)
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due += 1 / hz
        await asyncio.sleep(due - loop.time())
        frame = b"".join(latest.values())
        latest.clear()
        if frame:
            await asyncio.gather(*(socket.send_bytes(frame) for socket in sockets), return_exceptions=True)


uvloop.run(serve(float(sys.argv[1])))
