"""`soiree bots`, as its users run it, against a whole party."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import soiree
from party.bots.crowd import Crowd, CrowdConfig, Progress
from party.bots.report import CityFigures, VrFigures
from soiree import rtc
from soiree.client.ladder import Choice
from tests.party_server import Party, running_party


@pytest_asyncio.fixture
async def party(tmp_path: Path) -> AsyncIterator[Party]:
    async with running_party(tmp_path) as running:
        yield running


async def bots(*args: str) -> tuple[int, str, str]:
    """Run the command; returns exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "party", "bots", *args, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


WAYS: list[tuple[Choice, str]] = [("websocket", "auto"), *(("webrtc", engine) for engine in rtc.available())]


@pytest.mark.parametrize(
    ("scenario", "transport", "engine"), [*(("wander", *way) for way in WAYS), ("ball", "websocket", "auto")]
)
async def test_a_crowd_plays_and_all_see_the_same(party: Party, scenario: str, transport: Choice, engine: str) -> None:
    stages: list[Progress] = []
    config = CrowdConfig(party.url, party.room, 6, 20.0, 2.0, scenario, transport, engine, warm_up_s=0.2, settle_s=1.0)
    crowd = Crowd(config, stages.append)
    report = await crowd.run()
    assert crowd.differences == []
    assert report.sound
    assert (report.joined, report.failed, report.control_lost) == (6, 0, 0)
    assert report.events_sent >= 6
    assert report.updates_sent >= 6 * 20 * 2 * 0.5
    assert report.updates_received >= 5 * report.updates_sent * 0.8
    assert report.latency_ms.p50 is not None
    assert 0 < report.latency_ms.p50 < 1000
    assert report.kbit_s_down_per_client > 0
    assert sum(report.rung.values()) == 6
    assert (report.grants + sum(report.refusals.values()) > 0) == (scenario == "ball")
    last = {stage.stage: stage for stage in stages}
    assert set(last) == {"joining", "playing", "settling"}
    assert all(stage.done == stage.total for stage in last.values())


async def test_a_city_is_driven_through_and_all_see_what_they_should(party: Party) -> None:
    config = CrowdConfig(party.url, party.room, 8, 20.0, 6.0, "city", "websocket", warm_up_s=0.2, settle_s=1.0)
    crowd = Crowd(config)
    report = await crowd.run()
    assert crowd.differences == []
    assert report.sound
    city = report.figures
    assert isinstance(city, CityFigures)
    assert (city.wrong, city.vanished) == (0, 0)
    assert city.sightings > 0, "at 30 m/s some come into sight within seconds"
    assert city.seen_late_s.max is not None
    assert city.seen_late_s.max < 2.0
    assert city.behind_s.p50 is not None
    assert city.behind_s.p50 < 1.0
    assert report.late_ticks is not None
    assert report.latency_ms.p50 is not None


async def test_people_in_vr_hear_of_each_other(party: Party) -> None:
    config = CrowdConfig(
        party.url, party.room, 6, 20.0, 3.0, "vr", "websocket", budget_kbit_s=2000, warm_up_s=0.2, settle_s=1.0
    )
    crowd = Crowd(config)
    report = await crowd.run()
    assert crowd.differences == []
    assert report.sound
    hall = report.figures
    assert isinstance(hall, VrFigures)
    assert hall.hz_nearest_20.p50 is not None
    assert 5.0 < hall.hz_nearest_20.p50 < 25.0
    assert hall.hz_others.p50 is None, "six are all near"
    assert report.kbit_s_down_with_headers.max is not None
    assert report.kbit_s_down_with_headers.max > report.kbit_s_down_per_client


async def test_a_budget_is_kept_to(party: Party) -> None:
    config = CrowdConfig(
        party.url, party.room, 12, 20.0, 3.0, "vr", "webrtc", budget_kbit_s=64, warm_up_s=2.0, settle_s=1.0
    )
    report = await Crowd(config).run()
    assert report.sound
    assert report.kbit_s_down_with_headers.max is not None
    assert report.kbit_s_down_with_headers.max < 64 * 1.15


async def test_json_is_one_object_and_nothing_else(party: Party) -> None:
    code, out, err = await bots(
        "--url", party.url, "--count", "3", "--seconds", "1", "--transport", "websocket", "--json"
    )
    report = json.loads(out)
    assert code == 0, err
    assert err == ""
    assert report["joined"] == 3
    assert report["converged"] is True
    assert set(report["latency_ms"]) == {"p50", "p99", "max"}
    assert report["rung"] == {"websocket": 3}


async def test_people_get_a_table(party: Party) -> None:
    code, out, err = await bots("--url", party.url, "--room", party.room, "--count", "2", "--seconds", "1")
    assert code == 0, err
    assert "latency ms" in out
    assert "joining" in err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--url", "http://127.0.0.1:9"], "no party answers"),
        (["--url", "party"], "no party answers"),
    ],
)
async def test_what_cannot_work_says_why(args: list[str], words: str) -> None:
    code, out, err = await bots(*args, "--count", "1", "--seconds", "1")
    assert code == 1
    assert words in err
    assert out == ""


async def test_bots_that_cannot_join_are_counted(party: Party) -> None:
    room = await party.another_room(capacity=2)
    code, out, _ = await bots(
        "--url", party.url, "--room", room, "--count", "4", "--seconds", "1", "--transport", "websocket", "--json"
    )
    report: dict[str, Any] = json.loads(out)
    assert code == 1
    assert (report["joined"], report["failed"]) == (2, 2)
    assert report["errors"] == {"room-full": 2}


async def test_a_room_that_is_not_there_is_told_in_words(party: Party) -> None:
    args = ["--url", party.url, "--room", "nosuch", "--count", "2", "--seconds", "1"]
    code, out, err = await bots(*args)
    assert (code, out) == (1, "")
    assert "Error: There is no such room" in err
    assert "--room" in err
    code, out, _ = await bots(*args, "--json")
    assert code == 1
    assert json.loads(out)["errors"] == {"unknown-room": 2}


def heed_sigint() -> None:
    """A shell starts what runs in the background, as these tests may, with SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def test_ctrl_c_takes_all_bots_out(party: Party) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "party", "bots", "--url", party.url, "--room", party.room, "--count", "3", "--seconds", "60",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, preexec_fn=heed_sigint,
    )  # fmt: skip
    async with soiree.join(party.url, room=party.room, name="host", transport="websocket") as room:
        changes = room.changes()
        async for _ in changes:
            if len(room.peers) == 4:
                break
        process.send_signal(signal.SIGINT)
        left = []
        async for change in changes:
            if isinstance(change, soiree.Left):
                left.append(change.reason)
                if len(left) == 3:
                    break
    _, err = await process.communicate()
    assert process.returncode == 130, err
    assert left == ["bye"] * 3
    assert b"Traceback" not in err
