"""The state machine of lobbies, in the hands of many strange clients at once."""

import json
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from signalling.godot import limits
from signalling.godot.lobbies import Lobbies
from signalling.godot.messages import Type, decode
from signalling.godot.names import Wish, asked, handle_of, wish_of
from signalling.godot.outputs import Close, Connect, End, Say
from signalling.godot.words import LobbyError, Words
from soiree.link import Bridged, LobbyMode

NAMES = st.sampled_from(["", "relay:", "bridge:", "bridge+ur:", "direct:", "nowhere", "relay:nowhere"])


class LobbyMachine(RuleBasedStateMachine):
    """Sockets come, say anything, and go; what each was told must make sense to it."""

    def __init__(self) -> None:
        super().__init__()
        self.lobbies = Lobbies(Random(1))
        self.now = 0.0
        self.conns = 0
        self.open: dict[int, dict[str, object]] = {}
        self.names: list[str] = []
        self.ended: list[str] = []

    def settle(self) -> None:
        for output in self.lobbies.drain():
            if isinstance(output, Say):
                self.told(output)
            elif isinstance(output, Close):
                assert output.conn in self.open, "closed twice"
                del self.open[output.conn]
            elif isinstance(output, Connect):
                self.lobbies.bridged(output, Bridged("answer", "offer"))
            elif isinstance(output, End) and output.when_empty:
                self.ended.append(output.lobby_id)

    def told(self, output: Say) -> None:
        state = self.open[output.conn]
        message = output.message
        known: set[int] = state.setdefault("known", set())  # type: ignore[assignment]
        if message.type == Type.ID:
            assert "id" not in state
            state["id"] = message.id
        elif message.type == Type.PEER_CONNECT:
            assert message.id not in known
            assert message.id != state["id"]
            known.add(message.id)
        elif message.type == Type.PEER_DISCONNECT:
            assert message.id in known
            known.discard(message.id)
        elif message.type == Type.JOIN:
            state["lobby"] = message.data
            self.names.append(message.data)
        elif message.type in (Type.OFFER, Type.ANSWER, Type.CANDIDATE):
            assert message.id != state["id"]

    @rule(mode=st.sampled_from(LobbyMode))
    def arrive(self, mode: LobbyMode) -> None:
        self.conns += 1
        self.open[self.conns] = {}
        self.lobbies.arrive(self.conns, "somewhere", Wish(mode), self.now)
        self.settle()

    @rule(pick=st.integers(0), name=NAMES, mesh=st.booleans(), known=st.booleans())
    def join(self, pick: int, name: str, mesh: bool, known: bool) -> None:
        if known and self.names:
            name = self.names[pick % len(self.names)]
        self.say(pick, Type.JOIN, 0 if mesh else 1, name)

    @rule(
        pick=st.integers(0),
        kind=st.integers(0, 9),
        peer=st.integers(-2, 4),
        known=st.booleans(),
        data=st.text(max_size=5),
    )
    def speak(self, pick: int, kind: int, peer: int, known: bool, data: str) -> None:
        ids = [state["id"] for state in self.open.values() if "id" in state]
        if known and ids:
            peer = ids[pick % len(ids)]  # type: ignore[assignment]
        self.say(pick, kind, peer, data)

    def say(self, pick: int, kind: int, peer: int, data: str) -> None:
        if self.open:
            conn = sorted(self.open)[pick % len(self.open)]
            self.lobbies.hear(conn, json.dumps({"type": kind, "id": peer, "data": data}), self.now)
            self.settle()

    @rule(pick=st.integers(0))
    def depart(self, pick: int) -> None:
        if self.open:
            conn = sorted(self.open)[pick % len(self.open)]
            del self.open[conn]
            self.lobbies.depart(conn)
            self.settle()

    @rule(passed=st.sampled_from([0.1, 1.1, 11.0]))
    def wait(self, passed: float) -> None:
        self.now += passed
        self.lobbies.advance(self.now)
        self.settle()
        due = self.lobbies.next_at()
        assert due is None or due > self.now

    @rule()
    def relay_is_empty(self) -> None:
        if self.ended:
            self.lobbies.ended(self.ended.pop())
            self.settle()

    @invariant()
    def every_socket_is_known_once(self) -> None:
        assert set(self.lobbies._members) == set(self.open)
        inside = [conn for lobby in self.lobbies for conn in lobby.members]
        assert len(inside) == len(set(inside))
        assert set(inside) | set(self.lobbies._undecided) == set(self.open)

    @invariant()
    def a_lobby_without_sockets_goes_on_at_the_relay_or_is_gone(self) -> None:
        for lobby in self.lobbies:
            assert lobby.members or (lobby.sealed and lobby.relayed)
            assert lobby.host is None or lobby.host.conn in lobby.members or not lobby.members

    @invariant()
    def everybody_knows_those_it_should(self) -> None:
        for lobby in self.lobbies:
            for member in lobby.members.values():
                known = {lobby.id_of(other) for other in lobby.acquaintances(member)}
                told = self.open[member.conn].get("known", set())
                if lobby.mode is LobbyMode.RELAY:
                    assert told == {1}
                elif not lobby.sealed:
                    assert told == known


TestLobbies = LobbyMachine.TestCase
TestLobbies.settings = settings(max_examples=60, stateful_step_count=40)


@given(st.text())
def test_any_text_is_a_message_or_refused(text: str) -> None:
    try:
        message = decode(text)
    except LobbyError as error:
        assert error.words is Words.INVALID_FORMAT
    else:
        assert message.type >= 0
        assert message.id >= 0


@given(st.text())
def test_any_name_can_be_asked_for(name: str) -> None:
    wanted = asked(name, Wish())
    assert wanted.prefix + wanted.rest == name
    assert len(wanted.channels) <= 8
    assert len(handle_of(name)) == 12


def test_a_name_says_mode_and_channels() -> None:
    wish = wish_of({"mode": "bridge", "channels": "ro", "ice": "1"}, LobbyMode.DIRECT)
    assert (wish.mode, "".join(wish.channels), wish.ice) == (LobbyMode.BRIDGE, "ro", True)
    assert asked("relay+u:abc", wish).mode is LobbyMode.RELAY
    assert "".join(asked("relay+u:abc", wish).channels) == "u"
    assert "".join(asked("relay:abc", wish).channels) == "ro"
    assert asked("relays:abc", wish) == asked("relays:abc", wish)
    assert asked("relays:abc", wish).mode is LobbyMode.BRIDGE


def test_those_who_left_are_remembered_within_a_bound() -> None:
    lobbies = Lobbies(Random(2))
    lobbies.arrive(0, "host", Wish(), 0.0)
    lobbies.hear(0, '{"type": 0, "id": 1, "data": ""}', 0.0)
    lobby = next(iter(lobbies))
    for conn in range(1, limits.LEFT_REMEMBERED + 10):
        lobbies.arrive(conn, f"{conn}", Wish(), 0.0)
        lobbies.hear(conn, json.dumps({"type": 0, "id": 1, "data": lobby.name}), 0.0)
        lobbies.depart(conn)
    assert len(lobby.left) == limits.LEFT_REMEMBERED


def test_of_a_relayed_lobby_the_longest_present_may_seal_when_its_maker_has_left() -> None:
    lobbies = Lobbies(Random(3))
    for conn in (1, 2, 3):
        lobbies.arrive(conn, "", Wish(LobbyMode.RELAY), 0.0)
        name = next(iter(lobbies)).name if len(lobbies) else ""
        lobbies.hear(conn, json.dumps({"type": 0, "id": 1, "data": name}), 0.0)
    lobbies.depart(1)
    lobbies.drain()
    lobbies.hear(3, '{"type": 7, "id": 0, "data": ""}', 0.0)
    assert lobbies.drain()[0] == Close(3, 4000, Words.ONLY_HOST_CAN_SEAL)
    lobbies.hear(2, '{"type": 7, "id": 0, "data": ""}', 0.0)
    assert next(iter(lobbies)).sealed
