"""A network namespace of a test's own, joined to this one by a veth pair whose frames can be made to go nowhere (needs root)."""

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

NOBODY = "02:00:00:00:00:fe"
"""A link-layer address that no interface has."""
NOWHERE = "192.0.2.1"
"""An address for documents alone (RFC 5737)."""
_TURNS = itertools.count()
IP = shutil.which("ip", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or "ip"


NFT = shutil.which("nft", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or "nft"


async def _ip(*words: str) -> None:
    await _run(IP, *words)


async def _run(*words: str, before: tuple[str, ...] = ()) -> None:
    process = await asyncio.create_subprocess_exec(*before, *words)
    assert await process.wait() == 0, f"{' '.join(words)}: are we root, and are iproute2 and nftables installed?"


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace, and both ends of its link."""

    name: str
    link: str
    """Of this side; the one inside is called `inside`."""
    outside: str
    """Address of this side."""
    inside: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """What to put before a command to run it inside."""
        return (IP, "netns", "exec", self.name)

    async def fail(self) -> None:
        """From now on frames get lost in both directions, and neither side is told."""
        await _ip("neigh", "replace", self.inside, "lladdr", NOBODY, "dev", self.link, "nud", "permanent")
        await _ip(
            "-n", self.name, "neigh", "replace", self.outside, "lladdr", NOBODY, "dev", "inside", "nud", "permanent"
        )

    async def swallow_udp(self) -> None:
        """From now on every datagram from inside gets lost, and nobody is told; TCP passes."""
        await _ip("-n", self.name, "neigh", "replace", NOWHERE, "lladdr", NOBODY, "dev", "inside", "nud", "permanent")
        await _ip("-n", self.name, "route", "add", "default", "via", NOWHERE, "dev", "inside", "onlink", "table", "100")
        await _ip("-n", self.name, "rule", "add", "pref", "1", "ipproto", "udp", "lookup", "100")

    async def pass_udp(self) -> None:
        """Datagrams arrive again."""
        await _ip("-n", self.name, "rule", "del", "pref", "1")

    async def let_in_udp(self, *ports: int) -> None:
        """From now on UDP from outside gets in at these ports alone; the rest gets lost, answers too."""
        allowed = ", ".join(map(str, ports))
        await self.nft(
            "add table inet wall",
            "add chain inet wall in { type filter hook input priority 0; policy accept; }",
            f'add rule inet wall in iifname "inside" udp dport != {{ {allowed} }} drop',
        )

    async def nft(self, *rules: str) -> None:
        """Rules of nftables for inside."""
        await _run(NFT, "; ".join(rules), before=self.prefix)

    async def recover(self) -> None:
        """Frames arrive again."""
        await _ip("neigh", "del", self.inside, "dev", self.link)
        await _ip("-n", self.name, "neigh", "del", self.outside, "dev", "inside")


@asynccontextmanager
async def namespace() -> AsyncIterator[Namespace]:
    """Make a namespace, and remove it after the block."""
    # The kernel takes its time to remove one: the next does without its names and addresses.
    turn = next(_TURNS)
    number = (os.getpid() + turn) % 16384
    third, fourth = number // 64, number % 64 * 4
    outside, inside = f"10.213.{third}.{fourth + 1}", f"10.213.{third}.{fourth + 2}"
    space = Namespace(f"soiree-{os.getpid()}-{turn}", f"so{os.getpid()}-{turn}", outside, inside)
    await _ip("netns", "add", space.name)
    try:
        await _ip("link", "add", space.link, "type", "veth", "peer", "name", "inside", "netns", space.name)
        # No link-local addresses: they would come seconds later, and a browser drops what it is loading when an address comes.
        await _ip("link", "set", space.link, "addrgenmode", "none")
        await _ip("-n", space.name, "link", "set", "inside", "addrgenmode", "none")
        await _ip("addr", "add", f"{space.outside}/30", "dev", space.link)
        await _ip("link", "set", space.link, "up")
        await _ip("-n", space.name, "addr", "add", f"{space.inside}/30", "dev", "inside")
        await _ip("-n", space.name, "link", "set", "inside", "up")
        await _ip("-n", space.name, "link", "set", "lo", "up")
        yield space
    finally:
        await _ip("netns", "del", space.name)
