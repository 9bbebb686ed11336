"""A small internet of network namespaces: hosts on a public network, and networks behind routers that translate and filter (needs root).

Its addresses exist in these namespaces alone: 198.51.100.0/24 (RFC 5737) is public there, 10.9.*.0/24 lies behind routers.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

PUBLIC = "198.51.100"
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _run(*words: str, text: str | None = None) -> None:
    done = subprocess.run(
        words, input=text, text=True, capture_output=True, check=False, env={**os.environ, "PATH": PATH}
    )
    assert done.returncode == 0, (
        f"{' '.join(words)}: {done.stderr} (are we root, and are iproute2 and nftables installed?)"
    )


@dataclass(frozen=True, slots=True)
class Host:
    """A namespace with one address."""

    name: str
    address: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """What to put before a command to run it there."""
        return (shutil.which("ip", path=PATH) or "ip", "netns", "exec", self.name)


@dataclass(slots=True)
class Internet:
    """Makes hosts; all go when its block ends."""

    mark: str
    names: list[str] = field(default_factory=list)

    def _namespace(self, what: str) -> str:
        name = f"{self.mark}-{what}"
        _run("ip", "netns", "add", name)
        self.names.append(name)
        _run("ip", "-n", name, "link", "set", "lo", "up")
        return name

    def _join(self, one: str, at_one: str, other: str, at_other: str) -> None:
        """Connect two namespaces by a link, whose ends are called so."""
        _run("ip", "link", "add", at_one, "netns", one, "type", "veth", "peer", "name", at_other, "netns", other)
        for name, link in ((one, at_one), (other, at_other)):
            _run("ip", "-n", name, "link", "set", link, "addrgenmode", "none")
            _run("ip", "-n", name, "link", "set", link, "up")

    def core(self) -> None:
        """The wire of the public network."""
        name = self._namespace("net")
        _run("ip", "-n", name, "link", "add", "wire", "type", "bridge")
        _run("ip", "-n", name, "link", "set", "wire", "up")

    def host(self, what: str, number: int) -> Host:
        """A host on the public network."""
        name = self._namespace(what)
        self._join(f"{self.mark}-net", f"to-{what}", name, "public")
        _run("ip", "-n", f"{self.mark}-net", "link", "set", f"to-{what}", "master", "wire")
        address = f"{PUBLIC}.{number}"
        _run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", "public")
        return Host(name, address)

    def behind(
        self,
        what: str,
        number: int,
        *,
        masquerade: str = "masquerade",
        only: str = "",
        forward: Mapping[int, int] | None = None,
    ) -> Host:
        """A host in a network of its own behind a router.

        Args:
            masquerade: how the router translates: `masquerade` keeps ports, `masquerade random` gives each flow another.
            only: what of new flows out it lets pass, in nftables' words; all of them if empty.
            forward: TCP ports of the router that lead to the host's.
        """
        router = self.host(f"{what}-r", number)
        name = self._namespace(what)
        self._join(router.name, "lan", name, "eth0")
        inside, gateway = f"10.9.{number}.2", f"10.9.{number}.1"
        _run("ip", "-n", router.name, "addr", "add", f"{gateway}/24", "dev", "lan")
        _run("ip", "-n", name, "addr", "add", f"{inside}/24", "dev", "eth0")
        _run("ip", "-n", name, "route", "add", "default", "via", gateway)
        _run(*router.prefix, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        forwards = "".join(
            f'iifname "public" tcp dport {port} dnat to {inside}:{to};\n' for port, to in (forward or {}).items()
        )
        _run(
            *router.prefix,
            "nft",
            "-f",
            "-",
            text=f"""
            table ip translate {{
              chain in {{ type nat hook prerouting priority -100; {forwards} }}
              chain out {{ type nat hook postrouting priority 100; oifname "public" {masquerade}; }}
            }}
            table ip wall {{
              chain through {{
                type filter hook forward priority 0; policy drop;
                ct state established,related accept
                ct status dnat accept
                iifname "lan" {only} accept
              }}
              chain to {{ type filter hook input priority 0; policy accept; iifname "public" ct state new drop; }}
            }}
        """,
        )
        return Host(name, inside)


@contextmanager
def internet() -> Iterator[Internet]:
    """An internet until the block ends."""
    made = Internet(f"n{os.getpid()}")
    try:
        made.core()
        yield made
    finally:
        for name in reversed(made.names):
            subprocess.run(["ip", "netns", "del", name], check=False, env={**os.environ, "PATH": PATH})
