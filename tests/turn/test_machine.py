"""Whatever clients do, in whatever order: no exception, nothing relayed without a permission, nothing bound that nobody has."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.turn.desk import PEER, Desk, Guest, code
from turn.limits import MAX_CHANNELS, MAX_PERMISSIONS, PERMISSION_LIFETIME_S, Quotas
from turn.outputs import ToClient, ToPeer
from turn.stun import Attr, Method
from turn.values import Endpoint

GUESTS = 3
PEERS: list[Endpoint] = [PEER, ("198.51.100.8", 1), ("203.0.114.9", 7), ("10.0.0.1", 5)]
WHO, PEER_OF = st.integers(0, GUESTS - 1), st.sampled_from(PEERS)
CHANNELS = st.integers(0x4000, 0x4003)
EVEN = st.sampled_from([[], [(Attr.EVEN_PORT, b"\0")], [(Attr.EVEN_PORT, b"\x80")]])


class TurnMachine(RuleBasedStateMachine):
    """Three clients of one core, and a model of the permissions they hold."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(Quotas(allocations=2), ports=(50000, 50009))
        self.guests = [Guest(self.desk, 5000 + n, f"user {n}") for n in range(GUESTS)]
        self.permitted: dict[tuple[int, str], float] = {}

    def _has(self, who: int) -> bool:
        return self.guests[who].client in self.desk.core.table.of_client

    def _may(self, who: int, peer: Endpoint) -> bool:
        until = self.permitted.get((who, peer[0]), 0.0)
        return self._has(who) and until > self.desk.now and peer[0] != "10.0.0.1"

    @rule(who=WHO, even=EVEN)
    def allocate(self, who: int, even: list[tuple[int, bytes]]) -> None:
        had = self._has(who)
        answer = code(self.guests[who].allocate(*even))
        assert answer in ((437,) if had else (0, 486, 508))
        if answer == 0:
            self.permitted = {key: until for key, until in self.permitted.items() if key[0] != who}

    @rule(who=WHO, lifetime=st.sampled_from([0, 600, 3600]))
    def refresh(self, who: int, lifetime: int) -> None:
        had = self._has(who)
        answer = self.guests[who].ask(Method.REFRESH, (Attr.LIFETIME, lifetime.to_bytes(4)))
        assert code(answer) == (0 if had else 437)
        assert self._has(who) == (had and lifetime > 0)

    @rule(who=WHO, peer=PEER_OF)
    def permit(self, who: int, peer: Endpoint) -> None:
        answer = code(self.guests[who].permit(peer))
        assert answer == (437 if not self._has(who) else 403 if peer[0] == "10.0.0.1" else 0)
        if answer == 0:
            self.permitted[who, peer[0]] = self.desk.now + PERMISSION_LIFETIME_S

    @rule(who=WHO, peer=PEER_OF, channel=CHANNELS)
    def bind(self, who: int, peer: Endpoint, channel: int) -> None:
        if code(self.guests[who].bind(channel, peer)) == 0:
            self.permitted[who, peer[0]] = self.desk.now + PERMISSION_LIFETIME_S

    @rule(who=WHO, peer=PEER_OF)
    def send(self, who: int, peer: Endpoint) -> None:
        assert bool(self.guests[who].send(peer, b"data")) == self._may(who, peer)

    @rule(who=WHO, channel=CHANNELS)
    def say(self, who: int, channel: int) -> None:
        for out in self.guests[who].say(channel, b"data"):
            assert self._may(who, out.peer)

    @rule(who=WHO, peer=PEER_OF)
    def hear(self, who: int, peer: Endpoint) -> None:
        if self._has(who):
            heard = [
                out for out in self.desk.from_peer(self.guests[who].relay, peer, b"data") if isinstance(out, ToClient)
            ]
            assert bool(heard) == self._may(who, peer)
            assert all(out.client == self.guests[who].client for out in heard)

    @rule(who=WHO, data=st.binary(max_size=80), stunlike=st.booleans())
    def noise(self, who: int, data: bytes, stunlike: bool) -> None:
        if stunlike:
            data = data[:2] + max(0, len(data) - 4).to_bytes(2) + b"\x21\x12\xa4\x42" + data[2:]
        assert (
            not [out for out in self.desk.hear(self.guests[who].client, data) if isinstance(out, ToPeer)]
            or data[0] >= 0x40
        )

    @rule(seconds=st.sampled_from([1.0, 30.0, 299.0, 301.0, 601.0]))
    def later(self, seconds: float) -> None:
        self.desk.later(seconds)

    @invariant()
    def what_is_bound_is_somebodys(self) -> None:
        table = self.desk.core.table
        kept = {kept.relay for kept in self.desk.core._ports._kept.values()}
        assert self.desk.bound == set(table.owners) | kept
        assert len(table.of_client) <= 2

    @invariant()
    def tables_are_bounded_and_no_permission_outlives_300_s(self) -> None:
        for allocation in self.desk.core.table.of_client.values():
            assert len(allocation._permissions) <= MAX_PERMISSIONS
            assert len(allocation._channels) == len(allocation._channel_of) <= MAX_CHANNELS
            assert all(until - self.desk.now <= PERMISSION_LIFETIME_S for until in allocation._permissions.values())


TestTurnMachine = TurnMachine.TestCase
