"""The relay's end of WebRTC: one engine, answering."""

import socket

from soiree.rtc import Engine, EngineConfig, EngineSink, EngineUnavailableError, available, create

ONE_PORT = "libdatachannel"
"""The engine that can have all its connections on one UDP port."""


def webrtc_transport(engine: str, config: EngineConfig, sink: EngineSink) -> Engine | None:
    """The engine that the relay answers offers with, None where WebSockets serve alone: for "none", or for "auto" where none is installed.

    Raises:
        soiree.rtc.EngineUnavailableError: the engine was named, and is not installed; or the one UDP port cannot be had.
    """
    if engine == "none" or (engine == "auto" and not available()):
        return None
    made = create(engine, config, sink)
    if made.name == ONE_PORT and config.port is not None:
        _look_at_port(config.bind_address or "0.0.0.0", config.port)  # noqa: S104 (what None means to the engine)
    return made


def _look_at_port(address: str, port: int) -> None:
    """The engine itself binds it with the first connection, and could only fail that one. Raises EngineUnavailableError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, port))
        except OSError as error:
            raise EngineUnavailableError(f"UDP port {port} of {address} cannot be had: {error.strerror}") from error
