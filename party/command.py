"""`soiree party`: the whole server in one process."""

import asyncio
import errno
import logging
import os
import sys
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import click

from party.config import DEMO_ENTITIES, SETTINGS, PartyConfig, misspelt, without_effect
from party.demo.city import FEWEST, MOST
from party.server import PartyServer
from soiree.rtc import EngineUnavailableError
from soiree.settings import SettingError, settings_help
from turn.errors import ListenError


class _HelpWithSettings(click.Command):
    """Lists the environment variables below the options."""

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Environment"):
            for line in settings_help(SETTINGS).splitlines():
                formatter.write(f"  {line}\n")


@click.command(cls=_HelpWithSettings)
@click.option("--host", help="Address to listen on; 0.0.0.0 for everybody on your network.")
@click.option("--port", type=click.IntRange(0, 65535), help="TCP port for the page, the API and WebSockets; 0 for any.")
@click.option("--public-url", metavar="URL", help="Address under which people reach this server, behind a proxy.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "libdatachannel", "aiortc", "none"]),
    help="WebRTC stack; none serves WebSockets only.",
)
@click.option(
    "--demo",
    type=click.Choice(["none", "party", "city"]),
    default="none",
    show_default=True,
    help="Open a room with a bot in it, or one with a city in it.",
)
@click.option(
    "--entities",
    type=click.IntRange(FEWEST, MOST),
    help=f"Things in the city of --demo city.  [default: {DEMO_ENTITIES}]",
)
@click.option("-v", "--verbose", count=True, help="Log what happens; twice: with addresses.")
def party(
    host: str | None,
    port: int | None,
    public_url: str | None,
    engine: str | None,
    demo: str,
    entities: int | None,
    verbose: int,
) -> None:
    """Serve a party: lobby, signalling and relay in one process.

    Prints a link, then serves until Ctrl-C or SIGTERM. Options win over the environment.

    The city: houses, trees, lamps and benches along streets, with vehicles that drive round the blocks, people who ride in
    their cabins and change from one to another, and others on foot. Its traffic needs no bots: it lives in the server itself.
    """
    if entities is not None and demo != "city":
        raise click.UsageError("--entities is for --demo city")
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for variable, words in misspelt(os.environ).items():
        click.echo(f"Warning: {variable} is no setting{words}", err=True)
    config = None
    try:
        config = PartyConfig.from_environment()
        config = _with_options(config, host=host, port=port, public_url=public_url, engine=engine)
        for words in without_effect(config):
            click.echo(f"Warning: {words}", err=True)
        config = replace(config, demo=demo, demo_entities=entities or config.demo_entities)
        _run(PartyServer(config).run())
    except (EngineUnavailableError, ListenError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(_not_listening(error, config)) from error


def _with_options(config: PartyConfig, **options: Any) -> PartyConfig:
    """The configuration as the options change it. Raises SettingError, naming the option at fault."""
    try:
        return config.with_options(**options)
    except SettingError as error:
        words = str(error)
        if options["public_url"] is not None:
            words = words.replace("SOIREE_PUBLIC_URL:", "--public-url:", 1)
        raise SettingError(words) from None


def _not_listening(error: OSError, config: PartyConfig | None) -> str:
    if config is None:
        return f"cannot listen: {error.strerror or error}"
    host, port = config.home.host, config.home.port
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is taken; choose another with --port, or 0 for any"
        case errno.EACCES:
            return f"cannot listen on port {port}: this user may not; choose one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return f"cannot listen on {host}: no address of this machine; choose another with --host"
        case _:
            return f"cannot listen on {host}, port {port}: {error.strerror or error}"


def _run(main: Coroutine[None, None, None]) -> None:
    if sys.platform == "win32":
        asyncio.run(main)
        return
    import uvloop

    uvloop.run(main)
