"""`soiree doctor`: what works from here, and what to do about what does not."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from party.doctor.advice import RUNG_WORDS, advice, milliseconds
from party.doctor.examination import Wish, examine
from party.doctor.findings import GUEST_CHECKS, HOST_CHECKS, Check, Finding, Outcome
from party.doctor.host_examination import examine_host
from party.doctor.nat import Address
from party.doctor.report import Report
from soiree.client.errors import JoinError

TITLES = {
    Check.HTTP: "The server answers",
    Check.JOIN: "A place in a room",
    Check.WEBSOCKET: "WebSocket",
    Check.WEBRTC: "WebRTC, directly",
    Check.STUN: "STUN",
    Check.NAT: "Kind of NAT",
    Check.TURN_UDP: "Through TURN, UDP",
    Check.TURN_TCP: "Through TURN, TCP",
    Check.TURN_TLS: "Through TURN, TLS",
    Check.ENGINE: "WebRTC stack",
    Check.SETTINGS: "Settings",
    Check.DATA: "Secret",
    Check.PORT: "TCP port",
    Check.UDP: "UDP port",
    Check.BUFFER: "UDP buffer",
    Check.FILES: "Open files",
    Check.ADDRESS: "Address",
    Check.CLOCK: "Clock",
}
MARKS = {
    Outcome.WORKS: "[green]works[/]",
    Outcome.FAILS: "[red]fails[/]",
    Outcome.SKIPPED: "[dim]not tried[/]",
    Outcome.UNKNOWN: "[yellow]unknown[/]",
}
SKIPPED_WORDS = {
    "not-offered": "the server offers none",
    "no-server": "the server does not answer",
    "no-room": "there is no place in a room",
    "no-settings": "the settings cannot be used",
}
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


class _Server(click.ParamType[Address]):
    """HOST:PORT, or HOST for port 3478."""

    name = "host[:port]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        if isinstance(value, tuple):
            return value
        host, _, port = str(value).removeprefix("stun:").rpartition(":")
        if not _:
            host, port = port, "3478"
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            self.fail(f"{value!r} is no STUN server such as stun.example.org:3478", param, ctx)
        return host, int(port)


@click.command()
@click.option(
    "--url", help="Address of a party server, or an invite link. Without it, this machine is looked at as a host."
)
@click.option("--room", help="Code of a room to use; without it one is made, and closed afterwards.")
@click.option("--password", help="Of that room, if it has one.")
@click.option("--stun", type=_Server(), multiple=True, help="A STUN server to ask too; may be given several times.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def doctor(url: str | None, room: str | None, password: str | None, stun: tuple[Address, ...], as_json: bool) -> None:
    """Tell what works from here, and what to do about what does not.

    With --url: HTTP, WebSocket, WebRTC, STUN and the kind of NAT, and a real data channel through each TURN server, with the round trip
    on each. Without: whether this machine can serve a party with the settings of its environment.

    The exit code is 0 if one can get in (without --url: if nothing keeps this machine from serving), else 1.
    """
    if url is None and (room or password):
        raise click.UsageError("--room and --password are for a server: name it with --url")
    findings = examine_host(stun) if url is None else examine(Wish(url, room, password, stun))
    checks = HOST_CHECKS if url is None else GUEST_CHECKS
    console = Console(stderr=as_json)
    try:
        report = Report(url, tuple(asyncio.run(_gather(findings, checks, console, quiet=as_json))))
    except JoinError as error:
        raise click.ClickException(error.message) from error
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    if as_json:
        click.echo(json.dumps(report.as_dict()))
    else:
        _tell(report, console)
    sys.exit(0 if report.healthy else 1)


async def _gather(
    findings: AsyncIterator[Finding], checks: tuple[Check, ...], console: Console, *, quiet: bool
) -> list[Finding]:
    """All findings; meanwhile says what is being looked at."""
    if quiet:
        return [finding async for finding in findings]
    found: list[Finding] = []
    with console.status(f"{TITLES[checks[0]]}…") as status:
        async for finding in findings:
            found.append(finding)
            later = [check for check in checks if checks.index(check) > checks.index(finding.check)]
            if later:
                status.update(f"{TITLES[later[0]]}…")
    return found


def _tell(report: Report, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title, justify in (("Check", "left"), ("", "left"), ("Round trip", "right"), ("", "left")):
        table.add_column(title, justify="right" if justify == "right" else "left")
    for finding in report.findings:
        rtt = "" if finding.rtt_ms is None else milliseconds(finding.rtt_ms)
        table.add_row(TITLES[finding.check], MARKS[finding.outcome], rtt, escape(_remark(finding)))
    console.print(table)
    console.print()
    for finding, words in advice(report.findings):
        console.print(f"[bold]{TITLES[finding.check]}:[/] {escape(words)}")
    if advice(report.findings):
        console.print()
    console.print(f"[bold {'green' if report.healthy else 'red'}]{escape(report.words)}[/]")


def _remark(finding: Finding) -> str:
    """What is worth knowing beside the outcome."""
    facts = finding.facts
    if finding.outcome is Outcome.SKIPPED:
        return SKIPPED_WORDS.get(finding.code, "")
    if finding.outcome is Outcome.FAILS:
        return " · ".join(part for part in (facts.get("server", ""), finding.detail or finding.code) if part)
    told = [facts.get("server", ""), finding.detail]
    if "rung" in facts and finding.check is Check.WEBRTC:
        told.append(RUNG_WORDS.get(facts["rung"], facts["rung"]))
    if "opened_ms" in facts:
        told.append(f"in after {facts['opened_ms']} ms")
    if "mapped" in facts:
        told.append(f"seen as {facts['mapped']}")
    told += [
        facts[key]
        for key in ("python", "engines", "secret", "folder", "port", "bytes", "files", "address")
        if facts.get(key)
    ]
    return " · ".join(part for part in told if part)
