"""Coverage-guided fuzzing of the TURN server, for as long as one likes: `python -m tests.turn.fuzz -max_total_time=600` (needs atheris).

Bytes are taken as what three clients and a peer send, and time goes by in between. Whatever comes, no exception may escape, nothing may be
relayed without a permission, and nothing stay bound that nobody has.
"""

import sys

import atheris

with atheris.instrument_imports(include=["turn", "tests.turn.desk"]):
    from tests.turn.desk import PEER, Desk, Guest
    from turn.errors import StunError
    from turn.framing import Deframer
    from turn.limits import Quotas
    from turn.outputs import ToPeer
    from turn.stun import Method

METHODS = [int(method) for method in Method]


def _honest(desk: Desk, guest: Guest, provider: atheris.FuzzedDataProvider) -> None:
    """What a client does, in any order, and time going by."""
    match provider.ConsumeIntInRange(0, 3):
        case 0:
            guest.allocate()
        case 1:
            guest.permit(PEER)
        case 2:
            guest.bind(0x4000 + provider.ConsumeIntInRange(0, 3), PEER)
        case _:
            desk.later(provider.ConsumeIntInRange(1, 400))


def _signed(desk: Desk, guest: Guest, provider: atheris.FuzzedDataProvider) -> None:
    """A request that is signed rightly, and holds nonsense."""
    attributes = [(provider.ConsumeIntInRange(0, 0xFFFF), provider.ConsumeBytes(20)) for _ in range(3)]
    method = Method(provider.PickValueInList(METHODS))
    desk.hear(guest.client, guest.sign(method, attributes, desk.transaction()))


def _raw(desk: Desk, guest: Guest, provider: atheris.FuzzedDataProvider) -> None:
    """Bytes: ChannelData at best, which goes nowhere without an allocation."""
    may = guest.client in desk.core.table.of_client
    sent = [out for out in desk.hear(guest.client, provider.ConsumeBytes(80)) if isinstance(out, ToPeer)]
    assert may or not sent


def _headed(desk: Desk, guest: Guest, provider: atheris.FuzzedDataProvider) -> None:
    """What looks like STUN from outside."""
    desk.hear(guest.client, provider.ConsumeBytes(4) + b"\x21\x12\xa4\x42" + provider.ConsumeBytes(80))


def _streamed(desk: Desk, guest: Guest, provider: atheris.FuzzedDataProvider) -> None:
    """The same through the deframer of a TCP connection."""
    deframer = Deframer()
    try:
        for _ in range(3):
            for message in deframer.feed(provider.ConsumeBytes(40)):
                desk.hear(guest.client, message)
    except StunError:
        pass  # the connection would be closed


DEEDS = [_honest, _honest, _signed, _raw, _headed, _streamed]


def one(data: bytes) -> None:
    """One input."""
    provider = atheris.FuzzedDataProvider(data)
    desk = Desk(Quotas(allocations=3), ports=(50000, 50007))
    guests = [Guest(desk, 5000 + number, f"user-{number}") for number in range(3)]
    for _ in range(provider.ConsumeIntInRange(1, 24)):
        provider.PickValueInList(DEEDS)(desk, provider.PickValueInList(guests), provider)
    kept = {kept.relay for kept in desk.core._ports._kept.values()}
    assert desk.bound == set(desk.core.table.owners) | kept
    for out in desk.outputs:
        if isinstance(out, ToPeer):
            assert out.peer[0] == PEER[0]


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
