"""The relay's end of WebRTC: one engine, answering."""

from soiree.rtc import Engine, EngineConfig, EngineSink, available, create


def webrtc_transport(engine: str, config: EngineConfig, sink: EngineSink) -> Engine | None:
    """The engine that the relay answers offers with, None where WebSockets serve alone: for "none", or for "auto" where none is installed.

    Raises:
        soiree.rtc.EngineUnavailableError: the engine was named, and is not installed.
    """
    if engine == "none" or (engine == "auto" and not available()):
        return None
    return create(engine, config, sink)
