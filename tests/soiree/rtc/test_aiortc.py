"""What is aiortc's own: tasks that nobody awaits."""

import asyncio
import gc
import weakref
from typing import Any

from soiree.transport import CONTROL, STATE
from tests.relay.transports.stage import webrtc_stage

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
