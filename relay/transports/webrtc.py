"""The relay's end of WebRTC: one engine, answering."""

import logging
from dataclasses import replace

from soiree.rtc import Engine, EngineConfig, EngineSink, available, create
from soiree.rtc.errors import PortTakenError

ONE_PORT = "libdatachannel"
"""The engine that can have all its connections on one UDP port."""
log = logging.getLogger("soiree.relay")


def webrtc_transport(
    engine: str, config: EngineConfig, sink: EngineSink, *, wished_port: int | None = None
) -> Engine | None:
    """The engine that the relay answers offers with, None where WebSockets serve alone: for "none", or for "auto" where none is installed.

    All its connections have one UDP port where it can do that, and no range was named: the one that was named, else `wished_port` if it
    is free, else another.

    Raises:
        soiree.rtc.EngineUnavailableError: the engine was named, and is not installed; or the UDP port that was named cannot be had.
    """
    if engine == "none" or (engine == "auto" and not available()):
        return None
    name = available()[0] if engine == "auto" else engine
    if name != ONE_PORT or config.port is not None or config.port_range is not None:
        return create(name, config, sink)
    try:
        return create(name, replace(config, port=wished_port or 0), sink)
    except PortTakenError as error:
        if not wished_port:
            raise
        made = create(name, replace(config, port=0), sink)
        log.warning("%s. WebRTC uses UDP port %d instead", error, made.port)
        return made
