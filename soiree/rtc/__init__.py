"""WebRTC data channels over either of two stacks, behind one interface (`soiree.rtc.engine`).

Neither stack is imported before it is asked for: libdatachannel has no wheel for Python 3.11, and aiortc takes a while to load.
"""

from importlib.util import find_spec

from soiree.rtc.engine import Candidate, Engine, EngineConfig, EngineSink, IceServer
from soiree.rtc.errors import EngineUnavailableError, RtcError, SdpError

ENGINES = {"libdatachannel": "libdatachannel-py", "aiortc": "aiortc"}
"""Name of each engine, which is also its import name, and the package to install for it; the preferred first."""

__all__ = [
    "ENGINES",
    "Candidate",
    "Engine",
    "EngineConfig",
    "EngineSink",
    "EngineUnavailableError",
    "IceServer",
    "RtcError",
    "SdpError",
    "available",
    "create",
]


def available() -> tuple[str, ...]:
    """Names of the engines that are installed for this Python, the preferred first."""
    return tuple(name for name in ENGINES if find_spec(name) is not None)


def create(name: str, config: EngineConfig, sink: EngineSink) -> Engine:
    """Make an engine in the running event loop.

    Args:
        name: "libdatachannel", "aiortc", or "auto" for the best that is installed.

    Raises:
        EngineUnavailableError: it is not installed, or there is no engine of that name.
    """
    installed = available()
    if name == "auto":
        if not installed:
            raise EngineUnavailableError(f"no WebRTC engine is installed: pip install {' or '.join(ENGINES.values())}")
        # libdatachannel goes directly where it can.
        name = installed[-1] if config.relay_only else installed[0]
    elif name not in ENGINES:
        raise EngineUnavailableError(f"there is no WebRTC engine {name!r}: choose one of {', '.join(ENGINES)}, or auto")
    elif name not in installed:
        raise EngineUnavailableError(f"the {name} engine is not installed for this Python: pip install {ENGINES[name]}")
    if name == "libdatachannel":
        from soiree.rtc.libdatachannel import LibdatachannelEngine

        return LibdatachannelEngine(config, sink)
    from soiree.rtc.aiortc import AiortcEngine

    return AiortcEngine(config, sink)
