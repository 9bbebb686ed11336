"""The measure of the core measures a city that works, and reports it in the promised shape."""

import json
from pathlib import Path

import msgspec
from click.testing import CliRunner

from bench.city import Census, City
from bench.city_run import Report, Run, measure
from bench.naive import NaiveRelay, Thing, Viewer
from bench.replication import replication
from soiree.wire.records import Transform, encode_upright
from soiree.wire.state import Header, Section, pack_header, pack_section, sections

SMALL = ["--entities", "2000", "--clients", "8", "--seconds", "0.5"]


def test_json_has_the_promised_shape() -> None:
    done = CliRunner().invoke(replication, [*SMALL, "--naive", "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    report = msgspec.json.decode(done.output, type=Report)
    named = json.loads(done.output)
    assert {"tick_ms", "ingest_us_per_delta", "pack_us_per_client", "bytes_per_update"} <= named.keys()
    assert {"updates_per_client_s", "rss_mb", "share", "naive"} <= named.keys()
    assert set(named["tick_ms"]) == {"p50", "p99"}
    assert report.entities == 2000
    assert report.deltas_per_tick == 200
    assert report.accepted == 1.0
    assert 0 < report.tick_ms.p50 <= report.tick_ms.p99
    assert 15 < report.bytes_per_update < 40
    assert abs(sum(report.share.values()) - 1) < 1e-6
    assert report.naive is not None
    assert report.naive.ratio > 0


def test_a_table_for_people() -> None:
    done = CliRunner().invoke(replication, SMALL, catch_exceptions=False)
    assert "2000 entities, 8 clients, 20 Hz" in done.output
    assert "ingest_us_per_delta" in done.output


def test_a_city_that_cannot_be_is_refused_in_words() -> None:
    done = CliRunner().invoke(replication, ["--entities", "1000", "--clients", "500", "--moving", "0.1"])
    assert done.exit_code == 1
    assert "75 clients have something of their own to move" in done.output


def test_every_client_is_told_of_what_moves_about_it_at_the_full_rate() -> None:
    city = City(Census.of(2000, 0.1), 8)
    run = Run(city, 20)
    for _ in range(40):
        run.step()
    report = measure(run, 20, 1.0, naive=False)
    in_sight = []
    for peer, own in zip(run.clients.peers, city.own.tolist(), strict=True):
        replica = run.replication
        row = replica.audience.row(peer)
        pairs = replica.pairs
        told = pairs.row[: pairs.high][(pairs.client[: pairs.high] == row) & (pairs.row[: pairs.high] > 0)]
        entities = replica.world.entity[told].tolist()
        assert own in entities
        moves = (city.vehicle_ids[0], city.walker_ids[-1])
        in_sight.append(
            sum(moves[0] <= e <= moves[1] and city.owner[e] != peer - run.clients.peers[0] for e in entities)
        )
    cabins = city.census.cabins
    most = sum(in_sight) / len(in_sight) * 20
    least = (sum(in_sight) / len(in_sight) - cabins) * 20
    assert least <= report.updates_per_client_s <= most * 1.2


def test_the_naive_reference_tells_what_is_near_and_has_changed_once() -> None:
    relay, viewer = NaiveRelay(), Viewer(own=1)
    for entity, x in ((1, 0.0), (2, 100.0), (3, 300.0)):
        record = encode_upright(entity, Transform((x, 0.0, 0.0)))
        relay.add(entity, Thing(7, 0, Section.UPRIGHT, record, (x, 0.0, 0.0)))
    header = pack_header(Header(0, 0, 5, 0, 0, 0, 0, 0, 0))
    said = [encode_upright(entity, Transform((x, 0.0, 0.0))) for entity, x in ((2, 101.0), (3, 299.0), (9, 0.0))]
    assert relay.ingest([(7, header + pack_section(Section.UPRIGHT, said))], 5) == 2
    assert relay.ingest([(8, header + pack_section(Section.UPRIGHT, said))], 5) == 0
    frame = relay.pack(viewer, 5)
    [view] = sections(frame)
    assert (view.count, frame[view.start : view.end]) == (1, said[0])
    assert not sections(relay.pack(viewer, 6))


def test_several_cities_are_a_list_and_a_table_in_a_document(tmp_path: Path) -> None:
    document = tmp_path / "figures.md"
    document.write_text("<!-- figures: city -->\n<!-- end -->\n")
    options = ["--entities", "1000,2000", "--clients", "4", "--seconds", "0.2", "--json", "--into", f"{document}#city"]
    done = CliRunner().invoke(replication, options, catch_exceptions=False)
    assert [report.entities for report in msgspec.json.decode(done.output, type=list[Report])] == [1000, 2000]
    assert [line.split(" | ")[0] for line in document.read_text().splitlines()[5:7]] == ["| 1,000", "| 2,000"]


def test_what_is_no_city_is_said() -> None:
    assert "no list of numbers" in CliRunner().invoke(replication, ["--entities", "x"]).output
    done = CliRunner().invoke(replication, ["--entities", "100", "--moving", "0.001"])
    assert done.exit_code == 1
    assert "Error: " in done.output
