"""STUN and TURN servers in the words of libjuice, the ICE stack below libdatachannel."""

from urllib.parse import parse_qs, urlsplit

import libdatachannel as rtc

from soiree.rtc.engine import IceServer


def juice_servers(server: IceServer) -> list[rtc.IceServer]:
    """The URLs of a server that libjuice can use: STUN, and TURN over UDP; others, malformed ones too, are left out."""
    usable = []
    for url in server.urls:
        parts = urlsplit(url)
        address = urlsplit(f"//{parts.path}")
        transport = parse_qs(parts.query).get("transport", ["udp"])[0]
        try:
            host, port = address.hostname, address.port or 3478
        except ValueError:
            continue
        if host is None or transport != "udp":
            continue
        if parts.scheme == "stun":
            usable.append(rtc.IceServer(host, port))
        elif parts.scheme == "turn":
            usable.append(rtc.IceServer(host, port, server.username or "", server.credential or ""))
    return usable
