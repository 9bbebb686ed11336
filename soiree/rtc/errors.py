"""Errors of the WebRTC engines."""


class RtcError(Exception):
    """Base of what the WebRTC engines raise."""


class SdpError(RtcError):
    """A session description that cannot be used: malformed, or without a data channel (RFC 8841)."""


class EngineUnavailableError(RtcError):
    """The named engine's package is not installed for this Python; the message says what to install."""


class PortTakenError(EngineUnavailableError):
    """The UDP port that was asked for cannot be had."""
