"""Findings to advice and verdicts: every failure has words, and the words fit it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from party.doctor import advice as ad
from party.doctor.findings import (
    GUEST_CHECKS,
    HOST_CHECKS,
    TURN_CHECKS,
    WAYS_IN,
    Check,
    Failure,
    Finding,
    Outcome,
    skipped,
    ways_in,
)
from party.doctor.report import Report

CODES = sorted({code for _, code in ad.ADVICE} | set(ad.NETWORK) | set(ad.TURN_ADVICE) | {"", "strange"})
ANY_FINDING = st.builds(
    Finding,
    st.sampled_from(Check),
    st.sampled_from(Outcome),
    st.sampled_from(CODES),
    rtt_ms=st.none() | st.floats(0, 999),
)


def works(check: Check, rtt_ms: float = 20.0, **facts: str) -> Finding:
    return Finding(check, Outcome.WORKS, rtt_ms=rtt_ms, facts=facts)


def test_every_check_belongs_to_a_guest_or_a_host() -> None:
    assert set(GUEST_CHECKS) | set(HOST_CHECKS) == set(Check)
    assert set(WAYS_IN) < set(GUEST_CHECKS)


@given(ANY_FINDING)
def test_whatever_fails_has_advice_in_a_sentence(finding: Finding) -> None:
    words = ad.advice_for(finding)
    if finding.outcome is Outcome.FAILS and finding.check is not Check.NAT:
        assert words
    if words:
        assert words[0].isupper()
        assert "  " not in words


@pytest.mark.parametrize(("key", "words"), ad.ADVICE.items())
def test_each_particular_advice_is_given_for_its_failure(key: tuple[Check, str], words: str) -> None:
    check, code = key
    assert ad.advice_for(Finding(check, Outcome.FAILS, code)) == words


@pytest.mark.parametrize("check", TURN_CHECKS)
@pytest.mark.parametrize("code", sorted(ad.TURN_ADVICE))
def test_a_failing_turn_server_is_told_apart_from_a_failing_network(check: Check, code: str) -> None:
    words = ad.advice_for(Finding(check, Outcome.FAILS, code))
    assert words == ad.ADVICE.get((check, code), ad.TURN_ADVICE[code])


@pytest.mark.parametrize("code", sorted(ad.NETWORK))
def test_a_failing_network_has_advice_of_its_own(code: str) -> None:
    assert ad.advice_for(Finding(Check.HTTP, Outcome.FAILS, code)) == ad.NETWORK[code]


def test_what_has_no_advice_of_its_own_says_so() -> None:
    assert ad.advice_for(Finding(Check.HTTP, Outcome.FAILS, "strange")) == ad.FALLBACK


def test_what_works_or_was_not_tried_needs_no_advice() -> None:
    assert ad.advice_for(works(Check.WEBRTC)) is None
    assert ad.advice_for(skipped(Check.TURN_UDP, "not-offered")) is None
    assert ad.advice_for(Finding(Check.CLOCK, Outcome.UNKNOWN)) is None


def test_what_works_and_could_be_better_has_advice() -> None:
    assert ad.advice_for(Finding(Check.BUFFER, Outcome.WORKS, "small")) == ad.ADVICE[Check.BUFFER, "small"]
    assert ad.advice_for(skipped(Check.WEBRTC, "not-offered")) == ad.ADVICE[Check.WEBRTC, "not-offered"]


def test_a_symmetric_nat_is_told_what_it_costs() -> None:
    assert "symmetric" in (ad.advice_for(works(Check.NAT, kind="differs")) or "")
    assert ad.advice_for(works(Check.NAT, kind="same-for-all")) is None


def test_the_same_advice_is_given_once() -> None:
    twice = [Failure("unauthorized").of(Check.TURN_UDP), Failure("unauthorized").of(Check.TURN_TCP)]
    told = [(finding.check, words) for finding, words in ad.advice(twice)]
    assert told == [(Check.TURN_UDP, ad.TURN_ADVICE["unauthorized"])]


@pytest.mark.parametrize(
    ("findings", "best", "words"),
    [
        ([works(Check.WEBSOCKET), works(Check.WEBRTC, 3.25, rung="direct")], "direct", "directly over UDP, 3.2 ms"),
        ([works(Check.WEBSOCKET), works(Check.WEBRTC, rung="stun")], "stun", "through a router, 20 ms"),
        (
            [works(Check.WEBSOCKET), works(Check.TURN_TCP, rung="turn-tcp")],
            "turn-tcp",
            "over TCP through a TURN server",
        ),
        (
            [works(Check.TURN_TLS, rung="turn-tcp"), works(Check.TURN_UDP, rung="turn-udp")],
            "turn-udp",
            "over UDP through",
        ),
        ([works(Check.WEBSOCKET, 140.0), Failure("no-way").of(Check.WEBRTC)], "websocket", "the WebSocket, 140 ms"),
    ],
)
def test_the_best_way_in_is_named(findings: list[Finding], best: str, words: str) -> None:
    report = Report("http://party.example", tuple(findings))
    assert report.healthy
    assert report.as_dict()["best"] == best
    assert words in report.words


def test_who_cannot_get_in_is_told_where_it_ends() -> None:
    report = Report("http://party.example", (works(Check.HTTP), Failure("room-full").of(Check.JOIN)))
    assert not report.healthy
    assert report.words == "You cannot get in from here: it ends at join."
    assert (report.as_dict()["can_get_in"], report.as_dict()["best"]) == (False, None)


def test_answering_over_http_alone_is_no_way_in() -> None:
    assert ways_in([works(Check.HTTP), works(Check.JOIN), works(Check.STUN), works(Check.NAT)]) == []


def test_a_host_is_fit_when_nothing_fails() -> None:
    fit = Report(None, (works(Check.ENGINE), Finding(Check.BUFFER, Outcome.WORKS, "small")))
    assert fit.healthy
    assert fit.as_dict()["can_serve"] is True
    assert [entry["check"] for entry in fit.as_dict()["advice"]] == ["buffer"]
    unfit = Report(None, (works(Check.ENGINE), Failure("taken").of(Check.PORT), Failure("taken").of(Check.UDP)))
    assert not unfit.healthy
    assert unfit.words == "This machine is not ready to serve a party: port, udp."
