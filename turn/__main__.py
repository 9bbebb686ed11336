"""`python -m turn`: the STUN and TURN server by itself."""

import asyncio
import logging
import signal
from pathlib import Path

import click

from soiree.settings import SettingError, settings_help
from turn.config import SETTINGS, TurnConfig, read_addresses, read_endpoints, read_networks, read_range
from turn.errors import ListenError
from turn.server import TurnServer


class _HelpWithSettings(click.Command):
    """Lists the environment variables below the options."""

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Environment"):
            for line in settings_help(SETTINGS).splitlines():
                formatter.write(f"  {line}\n")


@click.command(cls=_HelpWithSettings, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--listen", multiple=True, metavar="HOST:PORT", help="Listen here over UDP and TCP.")
@click.option("--tls-listen", multiple=True, metavar="HOST:PORT", help="Listen here over TLS.")
@click.option("--tls-cert", type=click.Path(path_type=Path), help="PEM file with the chain of certificates.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="PEM file with the private key.")
@click.option(
    "--secret", help="Shared with whoever hands out credentials; better in the environment, where ps does not show it."
)
@click.option("--realm", help="Realm of the credentials.")
@click.option("--relay-address", multiple=True, metavar="ADDRESS", help="Relay from this address of this machine.")
@click.option("--external-address", multiple=True, metavar="ADDRESS", help="The same as the world knows it.")
@click.option("--port-range", metavar="LOW-HIGH", help="UDP ports to relay from.")
@click.option("--allow-peers", multiple=True, metavar="CIDR", help="A private network that clients may reach.")
@click.option("-v", "--verbose", is_flag=True, help="Log what is odd.")
def main(verbose: bool, **options: object) -> None:
    """Serve STUN and TURN (RFC 8489, RFC 8656) over UDP, TCP and TLS, with time-limited credentials as coturn's use-auth-secret.

    Prints a line once it serves, then runs until Ctrl-C or SIGTERM. Options win over the environment.
    """
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING)
    try:
        config = TurnConfig.from_environment(None, **_read(options))
        _run(config)
    except (SettingError, ListenError) as error:
        raise click.ClickException(str(error)) from error


_READERS = {
    "listen": read_endpoints,
    "tls_listen": read_endpoints,
    "relay_address": read_addresses,
    "external_address": read_addresses,
    "allow_peers": read_networks,
    "port_range": read_range,
}
_FIELDS = {"relay_address": "relay_addresses", "external_address": "external_addresses"}


def _read(options: dict[str, object]) -> dict[str, object]:
    """Options as fields of `TurnConfig`. Raises click.BadParameter."""
    fields: dict[str, object] = {}
    for name, said in options.items():
        value = ",".join(said) if isinstance(said, tuple) else said
        if name in _READERS and isinstance(value, str) and value:
            try:
                value = _READERS[name](value)
            except ValueError as error:
                raise click.BadParameter(str(error), param_hint=f"--{name.replace('_', '-')}") from None
        fields[_FIELDS.get(name, name)] = value or None
    return fields


def _run(config: TurnConfig) -> None:
    try:
        from uvloop import run
    except ImportError:  # Windows
        asyncio.run(_serve(config))
    else:
        run(_serve(config))


async def _serve(config: TurnConfig) -> None:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = TurnServer(config)
    await server.start()
    places = [f"turn:{host}:{port}" for host, port in server.udp] + [
        f"turns:{host}:{port}" for host, port in server.tls
    ]
    click.echo(f"turn: {' '.join(places)}")
    try:
        await stopping.wait()
    finally:
        await server.stop()


if __name__ == "__main__":
    main()
