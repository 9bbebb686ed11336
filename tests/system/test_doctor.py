"""`soiree doctor` as a person runs it: against real servers, well and ill."""

import asyncio
import json
import os
import socket
import ssl
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner

from party.doctor.command import doctor as command
from tests.certificates import self_signed
from tests.system.coturn import SECRET, coturn
from tests.system.namespace import namespace
from tests.system.party_process import ROOMY, ROOT, Party, PartyOf, party

TIMEOUT_S = 60.0
TURN_PORT = 3478


async def doctor(*options: str, env: Mapping[str, str] = {}, before: tuple[str, ...] = ()) -> tuple[int, str, str]:
    """Run it; exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        *before, sys.executable, "-m", "party", "doctor", *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **env},
    )  # fmt: skip
    async with asyncio.timeout(TIMEOUT_S):
        out, err = await process.communicate()
    assert process.returncode is not None
    assert b"Traceback" not in err, err.decode()
    return process.returncode, out.decode(), err.decode()


async def findings(
    *options: str, expect: int, env: Mapping[str, str] = {}, before: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What `--json` says, checks by their names. In a process of its own only where it has to be: to start one takes a second."""
    if before or "SSL_CERT_FILE" in env:
        code, out, _ = await doctor("--json", *options, env=env, before=before)
    else:
        ran = await asyncio.to_thread(CliRunner().invoke, command, ["--json", *options], env=env)
        code, out = ran.exit_code, ran.stdout
    assert code == expect, out
    told: dict[str, Any] = json.loads(out)
    told["by"] = {check["check"]: check for check in told["checks"]}
    return told


def outcomes(told: dict[str, Any]) -> dict[str, str]:
    return {name: check.get("code") or check["outcome"] for name, check in told["by"].items()}


@pytest.fixture
def server(party_of: PartyOf) -> Party:
    return party_of("auto")


async def test_a_party_on_this_machine_is_found_well_and_left_as_it_was(server: Party) -> None:
    told = await findings("--url", server.url, expect=0)
    assert (told["can_get_in"], told["best"]) == (True, "direct")
    assert {name for name, outcome in outcomes(told).items() if outcome == "works"} >= {
        "http",
        "join",
        "websocket",
        "webrtc",
    }
    assert 0 < told["by"]["webrtc"]["rtt_ms"] < 200
    assert told["by"]["websocket"]["facts"]["rung"] == "websocket"
    assert server.metric("soiree_rooms") == 0
    assert server.call("GET", "/rooms")["rooms"] == []


async def test_people_read_a_table_and_a_sentence(server: Party) -> None:
    code, out, err = await doctor("--url", server.url)
    assert (code, err) == (0, "")
    assert "WebRTC, directly" in out
    assert out.rstrip().splitlines()[-1].startswith("You can get in from here, directly over UDP, ")


async def test_a_room_s_link_is_looked_at_and_nobody_in_it_disturbed(server: Party) -> None:
    code = server.room("Full", capacity=1)
    assert (await findings("--url", f"{server.url}/r/{code}", expect=0))["best"] == "direct"
    told = await findings("--url", f"{server.url}/r/nowhere", expect=1)
    assert told["by"]["join"]["code"] == "unknown-room"
    assert outcomes(told)["webrtc"] == "no-room"


async def test_a_named_room_is_gone_into(server: Party) -> None:
    code = server.room("Locked away", password="open sesame")
    told = await findings("--url", server.url, "--room", code, expect=1)
    assert told["by"]["join"]["code"] == "wrong-password"
    assert (await findings("--url", server.url, "--room", code, "--password", "open sesame", expect=0))["best"]


async def test_a_party_without_udp_is_got_into_over_the_websocket(party_of: PartyOf) -> None:
    told = await findings("--url", party_of("none").url, expect=0)
    assert (told["best"], outcomes(told)["webrtc"]) == ("websocket", "not-offered")
    assert any("SOIREE_ENGINE" in advice["words"] for advice in told["advice"])


async def test_each_kind_of_turn_carries_a_room(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "127.0.0.1", "localhost")
    with coturn(tmp_path, certificate=certificate) as turn:
        with party("auto", tmp_path, env=ROOMY | turn.settings("udp", "tcp", "tls")) as server:
            told = await findings("--url", server.url, expect=0, env={"SSL_CERT_FILE": str(certificate.cert)})
            rungs = {name: check["facts"]["rung"] for name, check in told["by"].items() if "turn" in name}
            assert rungs == {"turn-udp": "turn-udp", "turn-tcp": "turn-tcp", "turn-tls": "turn-tcp"}
            assert all(0 < told["by"][name]["rtt_ms"] < 500 for name in rungs)
            assert told["by"]["stun"]["facts"]["mapped"].startswith("127.0.0.1:")
            assert told["nat"] == "none"
            # Whom the certificate is not vouched for, is refused: and it is the TLS alone that fails.
            told = await findings("--url", server.url, expect=0)
            assert outcomes(told)["turn-tls"] == "tls-untrusted"
            assert outcomes(told)["turn-tcp"] == "works"
        wrong = {"SOIREE_TURN_URLS": turn.url("tcp"), "SOIREE_TURN_SECRET": f"{SECRET}, or not"}
        with party("auto", tmp_path, env=ROOMY | wrong) as server:
            told = await findings("--url", server.url, expect=0)
            assert outcomes(told)["turn-tcp"] == "unauthorized"
            assert any("refuses the name and password" in advice["words"] for advice in told["advice"])


async def test_where_udp_is_swallowed_turn_over_tcp_is_the_way_in(tmp_path: Path) -> None:
    async with namespace() as space:
        await space.swallow_udp()
        with coturn(tmp_path, space.outside, port=TURN_PORT) as turn:
            settings = ROOMY | turn.settings("udp", "tcp")
            with party("auto", tmp_path, "--host", space.outside, env=settings) as server:
                told = await findings("--url", server.url, expect=0, before=space.prefix)
                assert told["best"] == "turn-tcp"
                found = {
                    name: told["by"][name]["outcome"]
                    for name in ("websocket", "webrtc", "stun", "turn-udp", "turn-tcp")
                }
                assert found == {
                    "websocket": "works",
                    "webrtc": "fails",
                    "stun": "fails",
                    "turn-udp": "fails",
                    "turn-tcp": "works",
                }
                assert outcomes(told)["webrtc"] == "no-way"
                assert told["nat"] == "silent"
                assert {advice["check"] for advice in told["advice"]} >= {"webrtc", "stun", "turn-udp"}


@contextmanager
def answering(reply: bytes | None) -> Iterator[str]:
    """The address of something that listens, reads once, answers this (None: hangs up), and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    accepted, _ = listener.accept()
                except OSError:
                    return
                with accepted:
                    accepted.recv(65536)
                    if reply is not None:
                        accepted.sendall(reply)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (None, "reset"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not-http"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "not-a-party"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", "not-a-party"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "bad-gateway"),
    ],
)
async def test_what_is_no_party_is_told_by_what_it_answers(reply: bytes | None, code: str) -> None:
    with answering(reply) as url:
        told = await findings("--url", url, expect=1)
    assert told["by"]["http"]["code"] == code
    assert told["can_get_in"] is False
    assert {check["outcome"] for name, check in told["by"].items() if name != "http"} == {"skipped"}


async def test_dead_hosts_are_told_apart(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert (await findings("--url", f"http://127.0.0.1:{port}", expect=1))["by"]["http"]["code"] == "refused"
    assert (await findings("--url", "http://nowhere.invalid", expect=1))["by"]["http"]["code"] == "no-name"
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        told = await findings("--url", url.replace("http://", "https://"), expect=1)
    assert told["by"]["http"]["code"] == "tls-none"


@pytest.mark.parametrize(
    ("names", "days", "trusted", "code"),
    [
        (("127.0.0.1",), 2, False, "tls-untrusted"),
        (("127.0.0.1",), -1, True, "tls-expired"),
        (("party.example",), 2, True, "tls-name"),
    ],
)
async def test_a_bad_certificate_is_told_by_what_is_wrong_with_it(
    tmp_path: Path, names: tuple[str, ...], days: int, trusted: bool, code: str
) -> None:
    certificate = self_signed(tmp_path, *names, days=days)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.cert, certificate.key)
    runner = web.AppRunner(web.Application())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        url = f"https://127.0.0.1:{runner.addresses[0][1]}"
        env = {"SSL_CERT_FILE": str(certificate.cert)} if trusted else {}
        told = await findings("--url", url, expect=1, env=env)
    finally:
        await runner.cleanup()
    assert told["by"]["http"]["code"] == code


async def test_a_machine_is_looked_at_as_a_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    fit = await findings(expect=0, env={"PORT": str(port), "SOIREE_SECRET": "long enough to be one"})
    assert fit["can_serve"] is True
    assert {name for name, outcome in outcomes(fit).items() if outcome == "works"} >= {
        "settings",
        "data",
        "port",
        "udp",
    }
    with socket.create_server(("127.0.0.1", port)):
        unfit = await findings(expect=1, env={"PORT": str(port)})
    assert outcomes(unfit)["port"] == "taken"
    misspelt = await findings(expect=1, env={"SOIREE_SECRETS": "x"})
    assert "did you mean SOIREE_SECRET?" in misspelt["by"]["settings"]["detail"]
    unusable = await findings(expect=1, env={"SOIREE_MAX_ROOMS": "many"})
    assert (outcomes(unusable)["settings"], outcomes(unusable)["port"]) == ("unusable", "no-settings")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--url", "ftp://party.example"), "is not an http:// or https:// address"),
        (("--room", "abc"), "name it with --url"),
        (("--stun", "party.example:none"), "is no STUN server"),
    ],
)
async def test_what_cannot_be_asked_is_told_in_a_line(options: tuple[str, ...], words: str) -> None:
    code, out, err = await doctor(*options)
    assert (code != 0, out) == (True, "")
    assert words in " ".join(err.split())
