"""The one UDP port of all connections of libdatachannel, held for as long as the engine lives.

libdatachannel binds it with the first connection and frees it with the last. A connection of our own that nobody answers keeps it ours
meanwhile, and finds out at once whether it can be had.
"""

import asyncio
import errno
import socket
from contextlib import suppress

import libdatachannel as rtc

from soiree.rtc.errors import PortTakenError
from soiree.rtc.own_thread import in_own_thread

FREE_POLL_S, FREE_TIMEOUT_S = 0.005, 1.0
"""How often is looked whether it is free again, and how long at most."""
TRIES = 8
"""Free ports asked for, each of which somebody may have taken until it is bound."""


class HeldPort:
    """Holds a UDP port; connections with the same port and `enable_ice_udp_mux` share it. Raises PortTakenError.

    Attributes:
        port: its number, which for 0 the system chose.
    """

    def __init__(self, bind_address: str | None, port: int) -> None:
        self.bind_address = bind_address
        for tries_left in reversed(range(TRIES if port == 0 else 1)):
            self.port = _bindable(bind_address, port)
            try:
                self._hold()
            except RuntimeError as error:
                if not tries_left:
                    raise PortTakenError(
                        f"UDP port {self.port} of {bind_address or 'this machine'} cannot be had"
                    ) from error
            else:
                return

    def _hold(self) -> None:
        self._pc = rtc.PeerConnection(self.configure(rtc.Configuration()))
        self._channel = self._pc.create_data_channel("held")
        self._pc.set_local_description(rtc.Description.Type.Offer)  # type: ignore[attr-defined]  # its stub imports a module of the same name, by mistake

    def configure(self, configuration: rtc.Configuration) -> rtc.Configuration:
        """Have a connection use the port."""
        configuration.disable_auto_negotiation = True
        if self.bind_address is not None:
            configuration.bind_address = self.bind_address
        configuration.enable_ice_udp_mux = True
        configuration.port_range_begin = configuration.port_range_end = self.port
        return configuration

    async def aclose(self) -> None:
        """Let go of it, once the last connection is gone, and wait until it can be had again: C++ frees it a moment after it says so."""
        await in_own_thread(self._pc.close)
        with suppress(TimeoutError):
            async with asyncio.timeout(FREE_TIMEOUT_S):
                while not self._is_free():  # noqa: ASYNC110 (nothing tells when)
                    await asyncio.sleep(FREE_POLL_S)

    def _is_free(self) -> bool:
        try:
            _bindable(self.bind_address, self.port)
        except PortTakenError:
            return False
        return True


def _bindable(bind_address: str | None, port: int) -> int:
    """The port if it can be bound, for 0 one that can. libdatachannel would not tell why not. Raises PortTakenError."""
    family = socket.AF_INET6 if ":" in (bind_address or "") else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((bind_address or "", port))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise PortTakenError(f"{bind_address} is no address of this machine") from error
            words = f"UDP port {port or ''} of {bind_address or 'this machine'} cannot be had: {error.strerror}"
            raise PortTakenError(words.replace("  ", " ")) from error
        bound: int = probe.getsockname()[1]
        return bound
