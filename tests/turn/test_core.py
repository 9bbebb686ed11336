"""What clients ask, and what they are answered (RFC 8656, RFC 8489 section 9.2)."""

import pytest

from tests.turn.desk import EXTERNAL, PEER, REALM, RELAY, UDP_TRANSPORT, UNIX, Desk, Guest, code
from turn import integrity, stun
from turn.integrity import OFFERED
from turn.limits import Quotas
from turn.outputs import ToClient, Unbind
from turn.stun import Attr, Class, Message, Method
from turn.values import read_xor_address


@pytest.fixture
def desk() -> Desk:
    return Desk()


def number(answer: Message, kind: Attr) -> int:
    value = answer.first(kind)
    assert value is not None
    return int.from_bytes(value)


def test_binding_tells_the_address_without_credentials(desk: Desk) -> None:
    guest, transaction = Guest(desk), desk.transaction()
    answer = guest.told(desk.hear(guest.client, stun.encode(Message(Method.BINDING, Class.REQUEST, transaction))))
    mapped = answer.first(Attr.XOR_MAPPED_ADDRESS)
    assert mapped is not None
    assert read_xor_address(mapped, transaction) == guest.client.address


def test_who_does_not_sign_is_challenged(desk: Desk) -> None:
    guest = Guest(desk)
    asked = stun.encode(Message(Method.ALLOCATE, Class.REQUEST, desk.transaction(), [UDP_TRANSPORT]))
    answer = guest.told(desk.hear(guest.client, asked))
    assert code(answer) == 401
    assert answer.first(Attr.REALM) == REALM.encode()
    assert answer.first(Attr.PASSWORD_ALGORITHMS) == OFFERED
    assert answer.has(Attr.NONCE)
    assert not desk.bound


@pytest.mark.parametrize("sha256", [False, True])
def test_an_allocation_tells_its_external_address_and_is_signed(desk: Desk, sha256: bool) -> None:
    guest = Guest(desk, sha256=sha256)
    answer = guest.allocate()
    relayed = answer.first(Attr.XOR_RELAYED_ADDRESS)
    assert code(answer) == 0
    assert relayed is not None
    assert read_xor_address(relayed, answer.transaction) == (EXTERNAL, guest.relay[1])
    assert guest.relay[0] == RELAY
    assert number(answer, Attr.LIFETIME) == 600
    kind = Attr.MESSAGE_INTEGRITY_SHA256 if sha256 else Attr.MESSAGE_INTEGRITY
    key = desk.core.table.of_client[guest.client].credential.key
    assert integrity.is_intact(answer, kind, key)


def test_a_retransmitted_allocate_is_answered_alike_and_another_is_a_mismatch(desk: Desk) -> None:
    guest, transaction = Guest(desk), desk.transaction()
    guest.ask(Method.ALLOCATE, UDP_TRANSPORT)
    first = guest.ask(Method.REFRESH, (Attr.LIFETIME, bytes(4)))
    assert code(first) == 0
    answers = [guest.ask(Method.ALLOCATE, UDP_TRANSPORT, transaction=transaction) for _ in range(2)]
    assert answers[0].raw == answers[1].raw
    assert len(desk.bound) == 1
    assert code(guest.allocate()) == 437


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ([], 400),
        ([(Attr.REQUESTED_TRANSPORT, b"\x06\0\0\0")], 442),
        ([(Attr.REQUESTED_TRANSPORT, b"\x11")], 400),
        ([UDP_TRANSPORT, (0x7F00, b"")], 420),
        ([UDP_TRANSPORT, (Attr.REQUESTED_ADDRESS_FAMILY, b"\x09\0\0\0")], 440),
        ([UDP_TRANSPORT, (Attr.RESERVATION_TOKEN, bytes(8))], 508),
        ([UDP_TRANSPORT, (Attr.RESERVATION_TOKEN, bytes(8)), (Attr.EVEN_PORT, b"\x80")], 400),
        ([UDP_TRANSPORT, (Attr.ADDITIONAL_ADDRESS_FAMILY, b"\x01\0\0\0")], 400),
        ([UDP_TRANSPORT, (Attr.LIFETIME, b"\0")], 400),
    ],
)
def test_an_allocate_that_cannot_be_met(desk: Desk, attributes: list[tuple[int, bytes]], expected: int) -> None:
    answer = Guest(desk).ask(Method.ALLOCATE, *attributes)
    assert code(answer) == expected
    if expected == 420:
        assert answer.first(Attr.UNKNOWN_ATTRIBUTES) == b"\x7f\0"
    assert not desk.bound
    assert not desk.core.table.of_client


def test_credentials_that_are_wrong_lapsed_or_forged_are_refused(desk: Desk) -> None:
    wrong, lapsed, nameless = Guest(desk, 1), Guest(desk, 2), Guest(desk, 3)
    wrong.password = "guess"
    lapsed.username = f"{UNIX - 1}:ada"
    nameless.username = "ada"
    for guest in (wrong, lapsed, nameless):
        assert code(guest.allocate()) == 401


def test_whose_credentials_lapse_keeps_the_allocation(desk: Desk) -> None:
    guest = Guest(desk)
    guest.allocate()
    desk.unix += 3600
    assert code(guest.ask(Method.REFRESH)) == 0
    assert code(Guest(desk, 6000).allocate()) == 401


def test_a_nonce_is_stale_after_an_hour_and_for_another_address(desk: Desk) -> None:
    guest = Guest(desk)
    guest.allocate()
    kept = guest.nonce
    desk.now += 3601
    asked = guest.sign(Method.REFRESH, [], desk.transaction())
    answer = guest.told(desk.hear(guest.client, asked))
    assert code(answer) == 438
    assert answer.first(Attr.NONCE) != kept


def test_an_attacker_cannot_talk_a_client_down_to_md5(desk: Desk) -> None:
    guest = Guest(desk, sha256=True)
    guest.allocate()
    fewer = [(Attr.PASSWORD_ALGORITHMS, b"\0\1\0\0"), (Attr.PASSWORD_ALGORITHM, b"\0\1\0\0")]
    guest.sha256 = False
    assert code(guest.ask(Method.REFRESH, *fewer)) == 400


def test_another_user_cannot_touch_an_allocation(desk: Desk) -> None:
    guest, other = Guest(desk), Guest(desk, name="eve")
    guest.allocate()
    assert code(other.ask(Method.REFRESH, (Attr.LIFETIME, bytes(4)))) == 441
    assert desk.bound == {guest.relay}


def test_quotas_of_user_address_and_server() -> None:
    quotas = Quotas(allocations=4, allocations_per_user=2, allocations_per_address=3)
    desk = Desk(quotas)
    answers = [code(Guest(desk, port, name).allocate()) for port, name in enumerate(["a", "a", "a", "b", "c"], 1)]
    assert answers == [0, 0, 486, 0, 486]
    Guest(desk, 1, "a").ask(Method.REFRESH, (Attr.LIFETIME, bytes(4)))
    assert code(Guest(desk, 9, "a").allocate()) == 0


def test_an_allocation_ends_with_its_lifetime(desk: Desk) -> None:
    guest = Guest(desk)
    guest.allocate((Attr.LIFETIME, (10**6).to_bytes(4)))
    assert number(guest.ask(Method.REFRESH, (Attr.LIFETIME, (10**6).to_bytes(4))), Attr.LIFETIME) == 3600
    desk.later(3599)
    assert desk.bound
    desk.later(2)
    assert not desk.bound
    assert code(guest.ask(Method.REFRESH)) == 437


def test_even_ports_and_the_one_that_is_kept(desk: Desk) -> None:
    first, second = Guest(desk, 1), Guest(desk, 2)
    answer = first.allocate((Attr.EVEN_PORT, b"\x80"))
    token = answer.first(Attr.RESERVATION_TOKEN)
    assert token is not None
    assert first.relay[1] % 2 == 0
    assert code(second.allocate((Attr.RESERVATION_TOKEN, token))) == 0
    assert second.relay == (RELAY, first.relay[1] + 1)
    assert code(Guest(desk, 3).allocate((Attr.RESERVATION_TOKEN, token))) == 508
    third = Guest(desk, 4)
    third.allocate((Attr.EVEN_PORT, b"\0"))
    assert third.relay[1] % 2 == 0


def test_a_kept_port_is_free_again_after_30_s(desk: Desk) -> None:
    guest = Guest(desk)
    answer = guest.allocate((Attr.EVEN_PORT, b"\x80"))
    desk.later(31)
    assert desk.bound == {guest.relay}
    token = answer.first(Attr.RESERVATION_TOKEN)
    assert token is not None
    assert code(Guest(desk, 2).allocate((Attr.RESERVATION_TOKEN, token))) == 508


def test_two_families(desk: Desk) -> None:
    guest = Guest(desk)
    answer = guest.allocate((Attr.ADDITIONAL_ADDRESS_FAMILY, b"\x02\0\0\0"))
    assert len(answer.every(Attr.XOR_RELAYED_ADDRESS)) == 2
    assert code(guest.permit(("2600::7", 9))) == 0
    assert (
        code(guest.ask(Method.REFRESH, (Attr.REQUESTED_ADDRESS_FAMILY, b"\x02\0\0\0"), (Attr.LIFETIME, bytes(4)))) == 0
    )
    assert desk.bound == {guest.relay}
    assert code(guest.permit(("2600::7", 9))) == 443
    only = Guest(desk, 2)
    only.allocate((Attr.REQUESTED_ADDRESS_FAMILY, b"\x02\0\0\0"))
    assert code(only.permit(PEER)) == 443
    assert code(only.ask(Method.REFRESH, (Attr.REQUESTED_ADDRESS_FAMILY, b"\x01\0\0\0"))) == 443


def test_no_port_left_is_508() -> None:
    desk = Desk(ports=(50000, 50003))
    answers = [code(Guest(desk, port, f"user {port}").allocate()) for port in range(5)]
    assert answers == [0, 0, 0, 0, 508]


def test_a_stream_that_is_gone_takes_its_allocation_along(desk: Desk) -> None:
    guest = Guest(desk, line=7)
    guest.allocate()
    relay = guest.relay
    desk.core.departed(guest.client)
    assert Unbind(relay) in desk.settle()


def test_an_unknown_method_and_a_broken_request_are_told(desk: Desk) -> None:
    guest = Guest(desk)
    unknown = stun.encode(Message(0x123, Class.REQUEST, desk.transaction()))
    assert code(guest.told(desk.hear(guest.client, unknown))) == 400
    broken = bytearray(stun.encode(Message(Method.ALLOCATE, Class.REQUEST, desk.transaction(), [UDP_TRANSPORT])))
    broken[3] += 4
    assert code(guest.told(desk.hear(guest.client, bytes(broken)))) == 400
    indication = broken[:1] + bytes((broken[1] | 0x10,)) + broken[2:]
    assert not [out for out in desk.hear(guest.client, bytes(indication)) if isinstance(out, ToClient)]
