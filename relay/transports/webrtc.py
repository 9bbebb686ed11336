"""The relay's end of WebRTC: one engine, answering."""

from soiree.rtc import Engine, EngineConfig, EngineSink, available, create


def webrtc_transport(engine: str, config: EngineConfig, sink: EngineSink) -> Engine | None:
    """The engine that the relay answers offers with, None when "auto" was asked for and none is installed: WebSockets serve alone then.

    Raises:
        soiree.rtc.EngineUnavailableError: the engine was named, and is not installed.
    """
    if engine == "auto" and not available():
        return None
    return create(engine, config, sink)
