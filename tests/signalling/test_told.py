"""What is told to whom: close codes as the protocol's document has them, and nothing private in the log."""

import logging
import re
from collections.abc import Iterator

import pytest

from signalling import limits
from signalling.config import HomeConfig
from signalling.errors import CLOSE_CODES, ApiError
from tests.house.pure_core import ROOT
from tests.signalling.conftest import Lobby


def test_close_codes_are_those_of_the_protocol() -> None:
    document = (ROOT / "docs" / "PROTOCOL.md").read_text()
    rows = re.findall(r"^\| (\d{4}) \| ([a-z-]+) \| ([a-z, ]+) \|", document, re.MULTILINE)
    assert {reason: int(code) for code, reason, where in rows if "signal" in where} == CLOSE_CODES


def all_errors(kind: type[ApiError]) -> Iterator[type[ApiError]]:
    for error in kind.__subclasses__():
        yield error
        yield from all_errors(error)


def test_error_codes_are_those_of_the_protocol() -> None:
    document = (ROOT / "docs" / "PROTOCOL.md").read_text()
    listed = document.split("Error codes: ")[1].split("429 and 503 may")[0]
    told: dict[str, int] = {}
    for status, codes in re.findall(r"(\d{3}) ((?:`[a-z-]+`[,;.]\s)+)", listed):
        told |= dict.fromkeys(re.findall(r"`([a-z-]+)`", codes), int(status))
    errors = list(all_errors(ApiError))
    assert told == {error.code: error.status for error in errors}
    assert len(told) == len(errors)
    assert all(error().message.endswith((".", "”")) for error in errors)


def test_the_table_of_limits_tells_those_of_the_code() -> None:
    table = (ROOT / "docs" / "SECURITY.md").read_text()
    config = HomeConfig()
    for told in (
        f"| {config.max_rooms}; {config.max_rooms_per_address} |",
        f"| {config.creations_per_minute}; {config.joins_per_minute}; {config.misses_per_minute} |",
        f"| {config.max_peers} |",
        f"| {limits.MAX_BODY_BYTES // 1024} KiB |",
        f"| {config.max_feeds}; {config.max_feeds_per_address} |",
        f"| {limits.FEED_EVENTS} |",
        f"takes nothing for {limits.FEED_WRITE_TIMEOUT_S:.0f} s",
        f"| {config.max_signal_sockets}; {config.max_signal_sockets_per_address} |",
        f"| {limits.MAX_SIGNAL_BYTES // 1024} KiB; {limits.SIGNAL_RATE_PER_S:.0f}/s after {limits.SIGNAL_BURST}; ",
        f"{limits.MAX_CANDIDATES} per connection; {limits.MAX_OFFERS} per socket",
        f"| {limits.EARLY_CONNECTIONS} connections × {limits.EARLY_CANDIDATES} |",
        f"at most {limits.MAX_PASSWORD_CHECKS} at a time; {limits.PASSWORD_TRIES_PER_MINUTE} tries a minute",
    ):
        assert told in table, told


async def test_the_log_holds_no_address_no_sdp_and_no_candidate(lobby: Lobby, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("aiohttp.access").disabled = True  # As the server runs it.
    try:
        with caplog.at_level(logging.INFO):
            made = await lobby.create(name="A private name")
            joined = await lobby.join(made["room"], offer="v=0 private")
            async with lobby.client.ws_connect("/api/v1/signal") as ws:
                await ws.send_json({"type": "offer", "token": joined["resume"], "sdp": "v=0 private"})
                await ws.receive_json()
                await ws.send_json({"type": "candidate", "candidate": "candidate:private"})
                await ws.send_json({"type": "offer", "token": "private", "sdp": "v=0 private"})
                assert (await ws.receive_json())["type"] == "error"
            await lobby.call("DELETE", f"/rooms/{made['room']['id']}", key=made["host_key"])
    finally:
        logging.getLogger("aiohttp.access").disabled = False
    told = [record.getMessage() for record in caplog.records if record.name.startswith("soiree")]
    assert len(told) == 2
    assert not any(secret in line for line in told for secret in ("127.0.0.1", "private", "v=0", "eyJ"))
