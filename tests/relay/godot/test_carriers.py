"""Hub and bridge by themselves: who is introduced to whom, what waits, and what has bounds."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from relay.godot import hub as hubs
from relay.godot.bridge import MAX_WAITING_BYTES, MAX_WAITING_PACKETS, Bridge
from relay.godot.carrier import HangUp, LegId, Send
from relay.godot.hub import Hub
from relay.godot.meter import BYTES_BURST, PACKETS_BURST, PACKETS_PER_S, Meter
from relay.godot.packets import SERVER_ID, add_peer, auth_complete, del_peer, relayed
from soiree.channels import godot_layout

LAYOUT = godot_layout()


def leg(peer: int) -> LegId:
    return LegId(peer, SERVER_ID)


class HubMachine(RuleBasedStateMachine):
    """Peers come, say anything and go. Each believes in exactly those whom it was told of and not told to be gone."""

    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub()
        self.now = 0.0
        self.known: dict[int, set[int]] = {}

    def settle(self) -> None:
        for output in self.hub.drain():
            peer = output.leg.peer
            if isinstance(output, HangUp):
                self.known.pop(peer, None)
                self.hub.closed(output.leg)
                continue
            if peer not in self.known:
                continue  # what was said to one that was hung up in the same breath
            sub = output.payload[1] if output.payload[0] == 7 else None
            source = int.from_bytes(output.payload[2:6], "little", signed=True)
            if sub == 1:
                assert source != peer
                self.known[peer].add(source)
            elif sub == 2:
                assert source in self.known[peer]
                self.known[peer].discard(source)
            elif sub == 3:
                assert source in self.known[peer], "heard of nobody that it knows"

    @rule(peer=st.integers(2, 6))
    def come(self, peer: int) -> None:
        if peer not in self.known:
            self.known[peer] = set()
            self.hub.opened(leg(peer), self.now)
            self.settle()

    @rule(peer=st.integers(2, 6))
    def go(self, peer: int) -> None:
        if self.known.pop(peer, None) is not None:
            self.hub.closed(leg(peer))
            self.settle()

    @rule(peer=st.integers(2, 6), packet=st.binary(max_size=12), stream=st.integers(1, 11))
    def babble(self, peer: int, packet: bytes, stream: int) -> None:
        self.hub.heard(leg(peer), stream, packet, self.now)
        self.settle()

    @rule(peer=st.integers(2, 6), to=st.integers(-7, 7), stream=st.sampled_from([1, 3]))
    def relay(self, peer: int, to: int, stream: int) -> None:
        self.hub.heard(leg(peer), stream, relayed(to, b"\x03x"), self.now)
        for output in self.hub.drain():
            if isinstance(output, Send) and output.payload[:2] == b"\x07\x03":
                assert output.leg.peer != peer
                assert output.stream == stream
                assert output.payload == relayed(peer, b"\x03x")
                assert to <= 0 or output.leg.peer == to
                assert output.leg.peer != -to
            else:
                self.hub._outputs.append(output)
        self.settle()

    @rule(passed=st.sampled_from([0.1, 0.5, 20.0]))
    def wait(self, passed: float) -> None:
        self.now += passed
        self.hub.advance(self.now)
        self.settle()

    @invariant()
    def the_admitted_know_each_other(self) -> None:
        admitted = set(self.hub._admitted())
        for peer in self.known:
            assert self.known[peer] == (admitted - {peer} if peer in admitted else set())


TestHub = HubMachine.TestCase
TestHub.settings = settings(max_examples=60, stateful_step_count=40)


def test_only_the_first_peer_waits_when_nobody_authenticates() -> None:
    hub = Hub()
    hub.opened(leg(2), 0.0)
    assert hub.drain() == [Send(leg(2), 1, auth_complete())]
    assert hub.next_at() == hubs.GRACE_S
    hub.advance(hubs.GRACE_S)
    hub.opened(leg(3), 1.0)
    assert hub.drain() == [
        Send(leg(3), 1, auth_complete()),
        Send(leg(2), 1, add_peer(3)),
        Send(leg(3), 1, add_peer(2)),
    ]


def test_one_that_is_never_through_with_authentication_is_let_go_and_nobody_hears_of_it() -> None:
    hub = Hub()
    hub.opened(leg(2), 0.0)
    hub.heard(leg(2), 1, b"\x07\x00", 0.0)
    hub.opened(leg(3), 0.0)
    hub.heard(leg(3), 1, b"\x07\x00secret", 0.1)
    hub.drain()
    assert not hub.heard(leg(3), 1, relayed(0, b"\x03x"), 0.2)
    hub.advance(0.1 + hubs.AUTH_TIMEOUT_S)
    assert hub.drain() == [HangUp(leg(3), "timeout")]


def test_one_that_babbles_is_let_go() -> None:
    hub = Hub()
    for peer in (2, 3):
        hub.opened(leg(peer), 0.0)
    hub.advance(1.0)
    hub.drain()
    for _ in range(hubs.MALFORMED_LIMIT):
        assert not hub.heard(leg(3), 1, b"\x07", 1.0)
    assert hub.drain() == [Send(leg(2), 1, del_peer(3)), HangUp(leg(3), "malformed")]


def test_what_waits_for_a_leg_has_bounds() -> None:
    for size, count in ((1, MAX_WAITING_PACKETS), (MAX_WAITING_BYTES // 4, 4)):
        bridge = Bridge(LAYOUT)
        near = LegId(5, 1)
        bridge.opened(near, 0.0)
        for _ in range(count):
            assert bridge.heard(near, 1, bytes(size), 0.0)
            bridge.heard(near, 3, bytes(size), 0.0)
        assert bridge.drain() == []
        bridge.heard(near, 1, b"x", 0.0)
        assert bridge.drain() == [HangUp(near.counterpart, "backlog"), HangUp(near, "backlog")]


def test_only_what_is_reliable_waits_and_it_goes_first() -> None:
    bridge = Bridge(LAYOUT)
    near, far = LegId(5, 1), LegId(1, 5)
    bridge.opened(near, 0.0)
    for stream in (1, 2, 3, 4):
        bridge.heard(near, stream, b"early", 0.0)
    bridge.opened(far, 0.0)
    bridge.heard(near, 3, b"late", 0.0)
    assert bridge.drain() == [Send(far, 1, b"early"), Send(far, 4, b"early"), Send(far, 3, b"late")]
    bridge.closed(near)
    assert bridge.drain() == [HangUp(far, "remote")]


def test_a_meter_lets_bursts_pass_and_no_more() -> None:
    meter = Meter(0.0)
    assert all(meter.take(1, 0.0) for _ in range(int(PACKETS_BURST)))
    assert not meter.take(1, 0.0)
    assert sum(meter.take(1, 1.0) for _ in range(int(PACKETS_PER_S) + 5)) == PACKETS_PER_S
    assert not Meter(0.0).take(int(BYTES_BURST) + 1, 0.0)
    meter.gave(7)
    assert (meter.packets_out, meter.bytes_out) == (1, 7)
