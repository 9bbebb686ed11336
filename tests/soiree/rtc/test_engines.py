"""What an engine promises beyond a transport: negotiation with strangers, in either role, with either stack at the other end."""

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from soiree.connections import MAX_EARLY_PACKETS
from soiree.rtc import Candidate, EngineConfig, EngineUnavailableError, IceServer, SdpError, available, create
from soiree.rtc.announce import PublicAddress, endpoints
from soiree.rtc.sdp import MAX_REMOTE_CANDIDATES
from soiree.transport import CONTROL, STATE, CloseReason
from tests.relay.transports.stage import ENGINE_PAIRS, LOOPBACK, Recorder, WebRtcStage, webrtc_stage

CONN = 7


@pytest_asyncio.fixture(params=ENGINE_PAIRS, ids=lambda pair: f"{pair[1]}-to-{pair[0]}")
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[WebRtcStage]:
    server, client = request.param
    async with webrtc_stage(server, client) as made:
        yield made


@pytest.fixture(params=available())
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def test_either_stack_talks_to_either(stage: WebRtcStage) -> None:
    await stage.join(CONN)
    for number in range(200):
        assert stage.server.send(CONN, CONTROL, number.to_bytes(2, "little"))
        assert stage.client.send(CONN, CONTROL, number.to_bytes(2, "little"))
    assert stage.server.send(CONN, STATE, b"down")
    assert stage.client.send(CONN, STATE, b"up")
    for heard, state in ((stage.told, b"down"), (stage.heard, b"up")):
        await heard.until(lambda heard=heard: len(heard.received) == 201)  # type: ignore[misc]
        assert [int.from_bytes(payload, "little") for payload in heard.payloads(CONTROL)] == list(range(200))
        assert heard.payloads(STATE) == [state]
    stage.client.close(CONN)
    assert await stage.heard.until_closed(CONN) == CloseReason.REMOTE


async def test_host_candidates_are_in_the_descriptions_and_none_trickles_twice(stage: WebRtcStage) -> None:
    offer = await stage.offering.offer(CONN)
    answer = await stage.answering.accept(CONN, offer)
    for sdp in (offer, answer):
        assert "a=candidate:" in sdp
        assert "a=end-of-candidates" in sdp
    await stage.offering.answered(CONN, answer)
    await stage.told.until(lambda: CONN in stage.told.opens)
    assert not stage.told.candidates
    assert not stage.heard.candidates


async def test_trickled_candidates_connect(stage: WebRtcStage) -> None:
    offer, offered = apart(await stage.offering.offer(CONN))
    answer, answered = apart(await stage.answering.accept(CONN, offer))
    await stage.offering.answered(CONN, answer)
    for candidate in [*offered, ""]:
        await stage.answering.add_candidate(CONN, Candidate(candidate))
    for candidate in [*answered, ""]:
        await stage.offering.add_candidate(CONN, Candidate(candidate))
    await stage.told.until(lambda: CONN in stage.told.opens)
    await stage.heard.until(lambda: CONN in stage.heard.opens)


async def test_a_local_name_costs_no_second_and_is_counted(stage: WebRtcStage) -> None:
    loop = asyncio.get_running_loop()
    offer, _ = apart(await stage.offering.offer(CONN))
    hidden = "candidate:1 1 udp 2113937151 0b0c0d0e-1111-4222-8333-444455556666.local 50000 typ host"
    begin = loop.time()
    answer = await stage.answering.accept(CONN, f"{offer}a={hidden}\r\na=end-of-candidates\r\n")
    await stage.answering.add_candidate(CONN, Candidate(hidden))
    await stage.answering.add_candidate(CONN, Candidate(""))
    await stage.offering.answered(CONN, answer)
    await stage.heard.until(lambda: CONN in stage.heard.opens)
    assert loop.time() - begin < 0.9
    assert stage.server.ignored["candidate"] == 2


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "nonsense",
        "candidate:",
        "candidate:1 1 tcp 1518280447 127.0.0.1 9 typ host tcptype active",
        "candidate:1 1 udp 1 999.1.1.1 5000 typ host",
        "candidate:1 1 udp 1 127.0.0.1 99999 typ host",
        "candidate:1 1 udp 1 127.0.0.1 5000 typ guest",
        "candidate:1 2 udp 1 127.0.0.1 5000 typ host",
        "a=candidate:1 1 udp 1 127.0.0.1 5000 typ host\r\na=x",
        "candidate:" + "1" * 100_000,
    ],
)
async def test_a_garbage_candidate_is_no_error_of_the_connection(engine: str, garbage: str) -> None:
    async with webrtc_stage(engine, engine) as stage:
        offer = await stage.offering.offer(CONN)
        answer = await stage.answering.accept(CONN, offer)
        await stage.answering.add_candidate(CONN, Candidate(garbage, mid="\x00"))
        await stage.answering.add_candidate(99, Candidate(garbage))
        await stage.offering.answered(CONN, answer)
        await stage.heard.until(lambda: CONN in stage.heard.opens)
        assert stage.server.ignored["candidate"] == (1 if garbage else 0)


async def test_candidates_past_their_bound_are_ignored(engine: str) -> None:
    async with webrtc_stage(engine, engine) as stage:
        offer, _ = apart(await stage.offering.offer(CONN))
        await stage.answering.accept(CONN, offer)
        for port in range(2000, 2000 + MAX_REMOTE_CANDIDATES + 5):
            await stage.answering.add_candidate(CONN, Candidate(f"candidate:1 1 udp 1 127.0.0.1 {port} typ host"))
        assert stage.server.ignored["candidate"] == 5


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sdp: "",
        lambda sdp: "v=0\r\n",
        lambda sdp: "\x00" * 100,
        lambda sdp: sdp * 100,
        lambda sdp: sdp.replace("m=application", "m=audio"),
        lambda sdp: sdp + sdp[sdp.index("m=") :],
        lambda sdp: re.sub(r"a=ice-ufrag:.*\r\n", "", sdp),
        lambda sdp: re.sub(r"a=ice-pwd:.*\r\n", "a=ice-pwd:short\r\n", sdp),
        lambda sdp: re.sub(r"a=fingerprint:.*\r\n", "", sdp),
        lambda sdp: re.sub(r"a=fingerprint:sha-256 ..", "a=fingerprint:sha-256 ZZ", sdp),
        lambda sdp: re.sub(r"a=setup:.*\r\n", "a=setup:nobody\r\n", sdp),
        lambda sdp: sdp.replace("a=mid:0", "a=mid:0\x07"),
        lambda sdp: sdp.replace("s=-", "é=-"),
        lambda sdp: sdp.replace("a=mid", "amid"),
    ],
)
async def test_a_spoilt_description_is_an_sdp_error_and_leaves_nothing(
    engine: str, spoil: Callable[[str], str]
) -> None:
    async with webrtc_stage(engine, engine) as stage:
        offer = await stage.offering.offer(CONN)
        with pytest.raises(SdpError):
            await stage.answering.accept(CONN, spoil(offer))
        assert stage.server.stats(CONN) is None
        assert not stage.heard.closes
        # The number is free again, and the next honest client is served.
        answer = await stage.answering.accept(CONN, offer)
        with pytest.raises(SdpError):
            await stage.offering.answered(CONN, spoil(answer))


@pytest.mark.parametrize(
    "odd",
    [
        lambda sdp: sdp.replace("a=sctp-port:5000", "a=sctp-port:99999999999999999999"),
        lambda sdp: sdp.replace("a=sctp-port:5000", "a=sctp-port:x"),
        lambda sdp: re.sub(r"a=max-message-size:.*\r\n", "a=max-message-size:-1\r\n", sdp),
        lambda sdp: re.sub(r"a=mid:.*\r\n", "", sdp),
        lambda sdp: re.sub(r"o=.*\r\n", "o=\r\n", sdp),
        lambda sdp: re.sub(r"c=.*\r\n", "c=IN\r\n", sdp),
        lambda sdp: re.sub(r"t=.*\r\n", "", sdp),
        lambda sdp: re.sub(r"a=group:.*\r\n", "a=group:BUNDLE x y z\r\n", sdp),
        lambda sdp: sdp.replace("webrtc-datachannel", "5000"),
        lambda sdp: re.sub(r"m=application \d+", "m=application 0", sdp),
        lambda sdp: sdp + "a=ice-ufrag:other\r\na=setup:active\r\n",
        lambda sdp: sdp + "a=sctpmap:5000\r\na=extmap:x\r\na=rtpmap\r\na=ssrc:1\r\na=fmtp:x\r\n",
    ],
)
async def test_an_odd_description_is_taken_or_refused_but_raises_nothing_else(
    engine: str, odd: Callable[[str], str]
) -> None:
    async with webrtc_stage(engine, engine) as stage:
        offer = await stage.offering.offer(CONN)
        try:
            await stage.answering.accept(CONN, odd(offer))
        except SdpError:
            assert stage.server.stats(CONN) is None
        await stage.join(CONN + 1)


async def test_text_is_ignored_and_counted(stage: WebRtcStage) -> None:
    await stage.join(CONN)
    stage.client._connections[CONN].channels[CONTROL].send("text")
    assert stage.client.send(CONN, CONTROL, b"bytes")
    await stage.heard.until(lambda: len(stage.heard.received) == 1)
    assert stage.server.ignored["text"] == 1
    assert not stage.heard.closes


async def test_other_channels_are_closed_and_too_many_end_the_connection(stage: WebRtcStage) -> None:
    await stage.join(CONN)
    pc = stage.client._connections[CONN].pc
    make = pc.create_data_channel if hasattr(pc, "create_data_channel") else pc.createDataChannel
    kept = [make("extra") for _ in range(3)]
    assert stage.client.send(CONN, CONTROL, b"still here")
    await stage.heard.until(lambda: len(stage.heard.received) == 1)
    kept += [make("extra") for _ in range(12)]
    assert await stage.heard.until_closed(CONN) == CloseReason.FAILED
    assert stage.server.ignored["channel"] >= 9


async def test_servers_that_cannot_be_read_are_left_out(engine: str) -> None:
    servers = (IceServer(("nonsense", "turn:127.0.0.1:99999x", "stun:127.0.0.1?transport=udp"), "user", "secret"),)
    made = create(engine, dataclasses.replace(LOOPBACK, ice_servers=servers), Recorder())
    assert apart(await made.offer(CONN))[1]
    await made.aclose()


@pytest.mark.parametrize("pair", ENGINE_PAIRS, ids=lambda pair: f"{pair[1]}-to-{pair[0]}")
async def test_what_may_wait_is_told_with_what_may_not(pair: tuple[str, str]) -> None:
    config = EngineConfig(bind_address="127.0.0.1", may_wait=lambda payload: payload == b"later")
    async with webrtc_stage(*pair, config) as stage:
        await stage.join(CONN)
        assert stage.client.send(CONN, STATE, b"later")
        async with asyncio.timeout(5):
            while stage.end_of(stage.server, CONN).packets_in < 1:  # noqa: ASYNC110 (that it tells nobody is what is tried)
                await asyncio.sleep(0.005)
        assert stage.heard.received == []
        assert stage.client.send(CONN, STATE, b"now")
        await stage.heard.until(lambda: stage.heard.payloads(STATE) == [b"later", b"now"])
        assert stage.client.send(CONN, STATE, b"later")
        async with asyncio.timeout(5):
            while len(stage.heard.received) < 3:
                await asyncio.sleep(0.005)
                stage.server.collect()


async def test_a_connection_that_does_not_come_up_fails_in_time(engine: str) -> None:
    heard = Recorder()
    made = create(engine, dataclasses.replace(LOOPBACK, connect_timeout_s=0.2), heard)
    await made.offer(CONN)
    assert await heard.until_closed(CONN, within_s=2) == CloseReason.FAILED
    await made.aclose()


async def test_what_comes_before_our_end_is_open_waits_for_it(stage: WebRtcStage) -> None:
    answer = await stage.answering.accept(CONN, await stage.offering.offer(CONN))
    for number in range(3):
        stage.server._received(stage.server._connections[CONN], CONTROL, bytes([number]))
    assert not stage.heard.received
    await stage.offering.answered(CONN, answer)
    await stage.told.until(lambda: CONN in stage.told.opens)
    assert stage.client.send(CONN, CONTROL, b"\x03")
    await stage.heard.until(lambda: len(stage.heard.received) == 4)
    assert stage.heard.payloads(CONTROL) == [b"\x00", b"\x01", b"\x02", b"\x03"]


async def test_too_much_before_it_is_open_ends_a_connection(engine: str) -> None:
    async with webrtc_stage(engine, engine) as stage:
        await stage.offering.offer(CONN)
        for _ in range(MAX_EARLY_PACKETS + 1):
            stage.client._received(stage.client._connections[CONN], CONTROL, b"early")
        assert await stage.told.until_closed(CONN) == CloseReason.BACKLOG
        assert not stage.told.received


async def test_a_number_in_use_is_refused(engine: str) -> None:
    heard = Recorder()
    made = create(engine, LOOPBACK, heard)
    await made.offer(CONN)
    with pytest.raises(ValueError, match="in use"):
        await made.offer(CONN)
    await made.aclose()
    assert heard.closes == [(CONN, CloseReason.LOCAL)]


async def test_a_number_is_free_again_after_its_end(stage: WebRtcStage) -> None:
    for _ in range(3):
        await stage.join(CONN)
        stage.client.close(CONN)
        await stage.heard.until_closed(CONN)
        stage.heard.closes.clear()
        stage.heard.opens.clear()
        stage.told.opens.clear()


async def test_only_the_bound_address_is_offered(engine: str) -> None:
    made = create(engine, EngineConfig(bind_address="127.0.0.1"), Recorder())
    candidates = apart(await made.offer(CONN))[1]
    assert len(candidates) == 1
    assert " 127.0.0.1 " in candidates[0]
    await made.aclose()


async def test_loopback_is_not_offered_unless_it_is_named(engine: str) -> None:
    made = create(engine, EngineConfig(), Recorder())
    assert not any(" 127.0.0.1 " in candidate for candidate in apart(await made.offer(CONN))[1])
    await made.aclose()


async def test_a_range_of_ports_is_kept_to_and_refused_when_it_is_used_up(engine: str) -> None:
    first = 47200
    config = EngineConfig(bind_address="127.0.0.1", port_range=(first, first + 1))
    made = create(engine, config, Recorder())
    told = [endpoints(await made.offer(conn)) for conn in (1, 2)]
    assert frozenset().union(*told) == {("127.0.0.1", first), ("127.0.0.1", first + 1)}
    try:
        assert endpoints(await made.offer(3)) == frozenset()
    except SdpError as error:
        assert "gather" in str(error)
    await made.aclose()


async def test_a_public_address_is_announced_and_the_endpoints_of_living_connections_are_known(engine: str) -> None:
    config = dataclasses.replace(LOOPBACK, public_addresses=(PublicAddress("198.51.100.7"),))
    made = create(engine, config, heard := Recorder())
    told = endpoints(await made.offer(CONN))
    port = next(port for _, port in told)
    assert told == {("127.0.0.1", port), ("198.51.100.7", port)}
    assert all(made.listens_at(*endpoint) for endpoint in told)
    assert not made.listens_at("127.0.0.1", port + 1)
    made.close(CONN)
    await heard.until_closed(CONN)
    assert not any(made.listens_at(*endpoint) for endpoint in told)
    await made.aclose()


@pytest.mark.parametrize("server", available())
@pytest.mark.parametrize("client", available())
async def test_both_stacks_connect_over_ipv6(server: str, client: str) -> None:
    six = EngineConfig(bind_address="::1")
    async with webrtc_stage(server, client, six, six) as stage:
        await stage.join(CONN)
        assert stage.client.send(CONN, CONTROL, b"over six")
        await stage.heard.until(lambda: stage.heard.payloads(CONTROL) == [b"over six"])


async def test_auto_makes_the_best_that_is_installed() -> None:
    made = create("auto", LOOPBACK, Recorder())
    assert made.name == available()[0]
    await made.aclose()


async def test_an_engine_that_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soiree.rtc.find_spec", lambda name: None)
    assert available() == ()
    with pytest.raises(EngineUnavailableError, match="pip install libdatachannel-py or aiortc"):
        create("auto", LOOPBACK, Recorder())
    with pytest.raises(EngineUnavailableError, match="pip install libdatachannel-py"):
        create("libdatachannel", LOOPBACK, Recorder())
    with pytest.raises(EngineUnavailableError, match="no WebRTC engine 'carrier-pigeon'"):
        create("carrier-pigeon", LOOPBACK, Recorder())


def apart(sdp: str) -> tuple[str, list[str]]:
    """A description without its candidates, and the candidates."""
    lines = sdp.splitlines()
    candidates = [line[2:] for line in lines if line.startswith("a=candidate:")]
    rest = [line for line in lines if not line.startswith(("a=candidate:", "a=end-of-candidates"))]
    return "\r\n".join(rest) + "\r\n", candidates
