"""Where the relay can be found: names of addresses looked up, and its public address asked for, before anything listens."""

import asyncio
import logging
import socket
from dataclasses import replace

from relay.config import RelayConfig
from soiree.rtc.announce import PublicAddress
from soiree.rtc.mapped_address import MappedAddressError, mapped_address
from soiree.settings import SettingError

log = logging.getLogger("soiree.relay")


async def located(config: RelayConfig) -> RelayConfig:
    """The configuration with numbers for names, and with the public address that a STUN server sees, if one is to be asked.

    A STUN server that does not answer costs only what it would have told: a party without internet goes on.

    Raises:
        SettingError: a name cannot be looked up.
    """
    rtc = config.rtc
    if rtc.bind_address is not None:
        rtc = replace(rtc, bind_address=await _number("SOIREE_BIND_ADDRESS", rtc.bind_address))
    public = [PublicAddress(await _number("SOIREE_PUBLIC_ADDRESS", name)) for name in config.public_addresses]
    if config.public_address_from is not None:
        try:
            bind = None if rtc.bind_address is None else (rtc.bind_address, 0)
            address, _ = await mapped_address(config.public_address_from, bind)
        except MappedAddressError as error:
            log.warning("no public address is told: %s", error)
        else:
            public.append(PublicAddress(address, "srflx"))
    return replace(config, rtc=replace(rtc, public_addresses=tuple(public)))


async def _number(variable: str, name: str) -> str:
    """An address as a number; IPv4 where a name has both."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise SettingError(f"{variable}: {name!r} cannot be looked up ({error.strerror or error})") from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return str(found[0][4][0])
