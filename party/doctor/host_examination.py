"""Whether this machine can serve a party: what it has installed, what it is told by its settings, what the system lets it do."""

import asyncio
import contextlib
import ctypes
import ctypes.util
import errno
import os
import resource
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from ipaddress import ip_address
from pathlib import Path

from party.config import PartyConfig, misspelt, without_effect
from party.doctor.findings import HOST_CHECKS, Check, Failure, Finding, Outcome, skipped
from party.doctor.nat import Address
from party.doctor.stun_probe import ask, resolved
from soiree import rtc
from soiree.settings import SettingError

LEAST_BUFFER_BYTES = 1024 * 1024
"""Of net.core.rmem_max: what one socket for all guests should be able to hold."""
LEAST_FILES = 4096
ECHO_TIMEOUT_S = 1.0
TIME_ERROR = 5
"""adjtimex(2): the clock is not synchronised."""
_SYSTEM_CODES = {errno.EADDRINUSE: "taken", errno.EACCES: "forbidden", errno.EADDRNOTAVAIL: "no-address"}
PASSING_FOLDERS = (Path("/dev/shm"), Path("/run"), Path(tempfile.gettempdir()))  # noqa: S108 (compared with, not used)


async def examine_host(stun: Iterable[Address] = ()) -> AsyncIterator[Finding]:
    """Each finding as it comes, in the order of `HOST_CHECKS`. `stun`: servers that may tell the public address."""
    yield engine()
    try:
        config = PartyConfig.from_environment()
    except SettingError as error:
        yield Failure("unusable", str(error)).of(Check.SETTINGS)
        for check in HOST_CHECKS[2:]:
            yield skipped(check, "no-settings")
        return
    yield settings(config)
    yield data_folder(config)
    yield port(config)
    yield await udp(config)
    yield receive_buffer(Path("/proc/sys/net/core/rmem_max"))
    yield open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    yield address(config.home.host, await public_address(stun) or _own_address())
    yield clock(_clock_state())


def engine() -> Finding:
    """Python, and the WebRTC stacks installed for it."""
    found = rtc.available()
    facts = {"python": "{}.{}.{}".format(*sys.version_info[:3]), "engines": ", ".join(found)}
    if not found:
        return Failure("none").of(Check.ENGINE, **facts)
    code = "slow" if found[0] != "libdatachannel" else ""
    return Finding(Check.ENGINE, Outcome.WORKS, code, facts=facts)


def settings(config: PartyConfig) -> Finding:
    """Variables that look like settings and are none, and those without effect."""
    wrong = [f"{name} is no setting{words}" for name, words in misspelt(os.environ).items()]
    wrong += without_effect(config)
    return Failure("misspelt", "; ".join(wrong)).of(Check.SETTINGS) if wrong else Finding(Check.SETTINGS, Outcome.WORKS)


def data_folder(config: PartyConfig) -> Finding:
    """Whether a secret is given, or can be kept."""
    if config.home.secret is not None:
        return Finding(Check.DATA, Outcome.WORKS, facts={"secret": "given by SOIREE_SECRET"})
    folder = config.home.data_dir.absolute()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    facts = {"folder": str(folder)}
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Failure("not-writable", f"{there} cannot be written").of(Check.DATA, **facts)
    passing = any(folder.is_relative_to(place) for place in PASSING_FOLDERS)
    return Finding(Check.DATA, Outcome.WORKS, "passing" if passing else "", facts=facts)


def port(config: PartyConfig) -> Finding:
    """Whether the TCP port can be listened on."""
    host, number = config.home.host, config.home.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, number), family=family):
            return Finding(Check.PORT, Outcome.WORKS, facts={"port": str(number), "host": host})
    except OSError as error:
        return _failure(error).of(Check.PORT, port=str(number), host=host)


async def udp(config: PartyConfig) -> Finding:
    """Whether the UDP port of WebRTC can be had, and a packet to oneself arrives."""
    number, bind = config.relay.rtc.port or config.home.port, config.relay.rtc.bind_address or "127.0.0.1"
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as taken, socket.socket(family, socket.SOCK_DGRAM) as sender:
        taken.setblocking(False)
        try:
            taken.bind((bind, number))
        except OSError as error:
            return _failure(error).of(Check.UDP, port=str(number))
        sender.sendto(b"soiree", taken.getsockname())
        try:
            async with asyncio.timeout(ECHO_TIMEOUT_S):
                await asyncio.get_running_loop().sock_recv(taken, 64)
        except TimeoutError:
            return Failure("lost").of(Check.UDP, port=str(number))
    return Finding(Check.UDP, Outcome.WORKS, facts={"port": str(number)})


def receive_buffer(rmem_max: Path) -> Finding:
    """The largest buffer that a UDP socket may ask for."""
    try:
        size = int(rmem_max.read_text())
    except (OSError, ValueError):
        return Finding(Check.BUFFER, Outcome.UNKNOWN)
    code = "small" if size < LEAST_BUFFER_BYTES else ""
    return Finding(Check.BUFFER, Outcome.WORKS, code, facts={"bytes": str(size)})


def open_files(limit: int) -> Finding:
    """How many files this user may have open."""
    unlimited = limit == resource.RLIM_INFINITY
    code = "few" if not unlimited and limit < LEAST_FILES else ""
    return Finding(Check.FILES, Outcome.WORKS, code, facts={"files": "unlimited" if unlimited else str(limit)})


def address(host: str, own: str | None) -> Finding:
    """Who may reach this machine, by the address that it listens on and the one that it has."""
    facts = {"address": own or ""}
    with contextlib.suppress(ValueError):
        if ip_address(host).is_loopback:
            return Finding(Check.ADDRESS, Outcome.WORKS, "loopback", facts=facts)
    if own is None:
        return Failure("none").of(Check.ADDRESS)
    code = "private" if ip_address(own).is_private else ""
    return Finding(Check.ADDRESS, Outcome.WORKS, code, facts=facts)


def clock(state: int | None) -> Finding:
    """Whether the clock is kept right, by adjtimex(2)."""
    if state is None or state < 0:
        return Finding(Check.CLOCK, Outcome.UNKNOWN)
    return Finding(Check.CLOCK, Outcome.WORKS, "unsynchronised" if state == TIME_ERROR else "")


async def public_address(stun: Iterable[Address]) -> str | None:
    """The address that a STUN server sees us at."""
    servers = [found for host, number in stun if (found := await resolved(host, number)) is not None]
    answers = await ask(servers) if servers else []
    return next((answer.seen.mapped[0] for answer in answers if answer.seen.mapped is not None), None)


def _own_address() -> str | None:
    """The address towards the rest of the world; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: for documents
        except OSError:
            return None
        own: str = probe.getsockname()[0]
        return own


def _clock_state() -> int | None:
    """What adjtimex(2) returns when it is only asked; None where there is none."""
    library = ctypes.util.find_library("c")
    if library is None:
        return None
    call = getattr(ctypes.CDLL(library, use_errno=True), "adjtimex", None)
    # struct timex is 208 bytes where long has 64 bits; its first field, the modes, is 0: nothing is changed.
    return None if call is None else int(call(ctypes.create_string_buffer(512)))


def _failure(error: OSError) -> Failure:
    said = os.strerror(error.errno).lower() if error.errno else str(error)
    return Failure(_SYSTEM_CODES.get(error.errno or 0, "failed"), said)
