"""What is aiortc's own: tasks that nobody awaits, and assertions about what the other side does."""

import asyncio
import gc
import struct
import weakref
from typing import Any

from aiortc.rtcsctptransport import WEBRTC_DCEP

from soiree.rtc.aiortc import MAX_EXTRA_CHANNELS, AiortcEngine
from soiree.transport import CONTROL, STATE, CloseReason
from tests.relay.transports.stage import LOOPBACK, Recorder, webrtc_stage

CONN = 7


async def test_a_path_that_is_gone_loses_packets_complains_to_nobody_and_leaves_nothing() -> None:
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
    async with webrtc_stage("aiortc", "aiortc") as stage:
        await stage.join(CONN)
        peer: Any = stage.end_of(stage.server, CONN)
        association = weakref.ref(peer.sctp)
        await peer.ice.close()
        assert stage.server.send(CONN, CONTROL, b"into nothing")
        assert stage.server.send(CONN, STATE, b"into nothing")
        stage.server.close(CONN)
        await stage.heard.until_closed(CONN)
        del peer
    gc.collect()
    assert complaints == []
    assert association() is None


async def test_a_channel_on_a_stream_in_use_is_one_too_many_and_no_more() -> None:
    """libdatachannel gives a stream to the next channel before aiortc has closed the one before."""
    heard = Recorder()
    server = AiortcEngine(LOOPBACK, heard)
    await server.offer(CONN)
    sctp = server._connections[CONN].sctp
    opening = struct.pack("!BBHLHH", 3, 0, 0, 0, 1, 0) + b"x"
    for stream, message in ((STATE, opening), (99, b"\x02"), (5, opening[:-1] + b"\xff")):
        await sctp._data_channel_receive(stream, WEBRTC_DCEP, message)
    assert server.ignored["channel"] == 3
    assert not heard.closes
    for _ in range(MAX_EXTRA_CHANNELS - 2):
        await sctp._data_channel_receive(STATE, WEBRTC_DCEP, opening)
    assert await heard.until_closed(CONN) == CloseReason.FAILED
    await server.aclose()
