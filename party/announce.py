"""What the server says when it is ready: the line for programs on stdout, the link and its QR code for people on stderr."""

import io
import sys
from ipaddress import ip_address
from urllib.parse import urlsplit

import segno


def lobby_url(public_url: str | None, host: str, port: int) -> str:
    """The address to open: the public one, or the one on this machine."""
    if public_url is not None:
        return f"{public_url}/"
    try:
        address = ip_address(host)
    except ValueError:
        return f"http://{host}:{port}/"
    if address.version == 6:
        return f"http://[{'::1' if address.is_unspecified else host}]:{port}/"
    return f"http://{'localhost' if address.is_unspecified else host}:{port}/"


def webrtc_words(engine: str | None, udp_port: int | None, wished_port: int | None, why_none: str) -> str:
    """How the party serves, for people: the UDP port is what they have to let through."""
    if engine is None:
        return f"WebSockets alone: {why_none}"
    if udp_port is None:
        return f"WebRTC by {engine}, and WebSockets"
    taken = f" ({wished_port} is taken)" if wished_port not in (None, udp_port) else ""
    return f"WebRTC by {engine} on UDP port {udp_port}{taken}, and WebSockets"


def announce(lobby: str, room: str | None, serving: str) -> None:
    """Print the ready line, and for people how to come in."""
    link = room or lobby
    if sys.stderr.isatty():
        code = io.StringIO()
        segno.make(link, error="m").terminal(code, border=2, compact=True)
        print(code.getvalue(), file=sys.stderr)
    print(f"A party is on. {serving}. Ctrl-C ends it.", file=sys.stderr)
    if urlsplit(lobby).hostname in ("127.0.0.1", "::1"):
        print("Only this machine can come in; --host 0.0.0.0 opens it to your network.", file=sys.stderr)
    if room is not None:
        print(f"room: {room}")
    print(f"lobby: {lobby}", flush=True)
