"""The `soiree` command."""

import click

from bench.__main__ import main as bench
from party.bots.command import bots
from party.command import party
from party.doctor.command import doctor


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="soiree")
def main() -> None:
    """Soiree: parties in shared 3D worlds, on your own server."""


main.add_command(party)
main.add_command(bots)
main.add_command(doctor)
main.add_command(bench, "bench")

if __name__ == "__main__":
    main()
