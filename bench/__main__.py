"""`python -m bench`, and `soiree bench`: the benchmarks, each imported when it is asked for."""

from importlib import import_module
from typing import Final

import click

COMMANDS: Final = {
    "room": ("bench.room", "Bots of the SDK in one room, on each transport."),
    "relay": ("bench.relay", "The same room on Soiree and on its peers, beside each other."),
    "link": ("bench.link", "The core of the relay on simulated links that lose packets, or are narrow."),
    "turn": ("bench.turn", "The TURN server, beside coturn."),
    "turn-flood": ("bench.turn_flood", "What honest clients of a TURN server notice of a flood."),
    "replication": ("bench.replication", "The core of the relay in a city, without transports."),
}
"""Subcommand → module that has it under its name, and what it is."""


class _Lazy(click.Group):
    """A group whose commands need not be imported to be listed."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = getattr(import_module(COMMANDS[name][0]), name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure Soiree, beside its peers where there are any."""


if __name__ == "__main__":
    main()
