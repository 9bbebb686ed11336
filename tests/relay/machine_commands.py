"""The other half of a room machine: everything that a client may say, mostly where it may say it."""

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.state import IDENT
from tests.relay.honest import place, place_in, raw
from tests.relay.machine_links import WHO, LinkMachine

PICK = st.integers(0, 30)
RULE = st.sampled_from(["ask", "allow", "deny"])
LIFETIME = st.sampled_from(["with-master", "with-room", "persistent"])
ATTACH_RULE = st.sampled_from(["allow", "allow", "owner", "deny"])
CHILDREN = st.sampled_from(["reparent", "along"])
METRES = (st.integers(0, 60) | st.sampled_from([159, 161, 223, 225, 400])).map(float)
"""Near each other, mostly; some where sight begins and ends."""


class CommandMachine(LinkMachine):
    """Rules are the commands of docs/PROTOCOL.md section 4, and frames of what one owns."""

    @initialize(rules=st.lists(RULE, min_size=4, max_size=8), lifetimes=st.lists(LIFETIME, min_size=8, max_size=8))
    def a_few_are_here_with_things(self, rules: list[str], lifetimes: list[str]) -> None:
        for _ in range(3):
            self.someone_joins(1)
        for number, (its_rule, lifetime) in enumerate(zip(rules, lifetimes, strict=False)):
            self.spawn(number, 1.0, its_rule, lifetime, "allow", 0, avatar=number == 1, condition=None)

    # Commands

    @rule(
        who=WHO,
        x=METRES,
        spawn_rule=RULE,
        lifetime=LIFETIME,
        attach_rule=ATTACH_RULE,
        parent=PICK,
        avatar=st.booleans(),
        condition=st.none() | PICK,
    )
    def spawn(
        self,
        who: int,
        x: float,
        spawn_rule: str,
        lifetime: str,
        attach_rule: str,
        parent: int,
        avatar: bool,
        condition: int | None,
    ) -> None:
        client = self.client(who)
        if client is None:
            return
        above = self.entity(client, parent) if parent % 3 == 1 else 0
        state = place_in(x / 16, props=bytes(12)) if above else place(x, props=bytes(12))
        held = None
        if condition is not None:
            entity = self.entity(client, condition)
            held = m.Condition(entity, client.entities[entity].epoch if entity in client.entities else 1)
        kind = "avatar" if avatar else "thing"
        self.say(client, m.Spawn, kind, state, spawn_rule, lifetime, {"x": x}, above, attach_rule, held)

    @rule(who=WHO, pick=PICK, x=METRES, attach_rule=ATTACH_RULE, children=CHILDREN)
    def say_several_as_one(
        self, who: int, pick: int, x: float, attach_rule: m.AttachRule, children: m.Children
    ) -> None:
        client = self.client(who)
        if client is None:
            return
        entity = self.entity(client, pick, "master")
        inside = place_in(1.0, props=bytes(12))
        commands = [
            m.Spawn(0, "car", place(x, props=bytes(12)), "allow", "with-room", {}, 0, attach_rule, None),
            m.Spawn(0, "rider", inside, "allow", "with-room", {}, -1, "allow", None),
            m.SetProperties(0, entity, {"a": pick}),
            m.SetParent(0, entity, -1, place_in(2.0), None),
            m.Despawn(0, entity, children),
        ]
        chosen = commands[: 2 + pick % 4]
        self.say(client, m.Group, [msgspec.Raw(control.encode(command)) for command in chosen])

    @rule(who=WHO, x=METRES, radius_m=st.sampled_from([0.0, 50.0, 300.0]))
    def look(self, who: int, x: float, radius_m: float) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.View, x, 0.0, 0.0, radius_m)

    @rule(who=WHO, pick=PICK, old=st.sampled_from([0, 0, 0, 1]))
    def request(self, who: int, pick: int, old: int) -> None:
        if (client := self.client(who)) is not None:
            entity = self.entity(client, pick, "other")
            epoch = client.entities[entity].epoch if entity in client.entities else 1
            self.say(client, m.Request, entity, epoch - old, "please")

    @rule(who=WHO, pick=PICK, allow=st.booleans())
    def answer(self, who: int, pick: int, allow: bool) -> None:
        if (client := self.client(who)) is not None:
            tickets = sorted(client.asked)
            self.say(client, m.Answer, tickets[pick % len(tickets)] if tickets else 1, allow)

    @rule(who=WHO, pick=PICK, to=PICK, subtree=st.booleans())
    def assign(self, who: int, pick: int, to: int, subtree: bool) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.Assign, self.entity(client, pick, "master"), self.peer(client, to), subtree)

    @rule(who=WHO, pick=PICK)
    def release(self, who: int, pick: int) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.Release, self.entity(client, pick, "owner"))

    @rule(who=WHO, pick=PICK, new=RULE, fallback=st.none() | RULE)
    def set_rule(self, who: int, pick: int, new: str, fallback: str | None) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.SetRule, self.entity(client, pick, "master"), new, 500, fallback)

    @rule(who=WHO, pick=PICK, to=PICK)
    def set_master(self, who: int, pick: int, to: int) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.SetMaster, self.entity(client, pick, "master"), self.peer(client, to))

    @rule(who=WHO, pick=PICK, lifetime=LIFETIME, attach_rule=ATTACH_RULE)
    def set_lifetime_and_attach_rule(self, who: int, pick: int, lifetime: str, attach_rule: str) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.SetLifetime, self.entity(client, pick, "master"), lifetime)
            self.say(client, m.SetAttachRule, self.entity(client, pick, "master"), attach_rule)

    @rule(who=WHO, pick=PICK, parent=PICK, x=METRES)
    def set_parent(self, who: int, pick: int, parent: int, x: float) -> None:
        if (client := self.client(who)) is not None:
            above = self.entity(client, parent) if parent % 3 else 0
            self.say(
                client,
                m.SetParent,
                self.entity(client, pick, "owner"),
                above,
                place_in(x / 16) if above else place(x),
                None,
            )

    @rule(who=WHO, pick=PICK, key=st.sampled_from("ab"), value=st.none() | st.integers(0, 9))
    def set_properties(self, who: int, pick: int, key: str, value: int | None) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.SetProperties, self.entity(client, pick, "owner"), {key: value})

    @rule(who=WHO, pick=PICK, children=CHILDREN)
    def despawn(self, who: int, pick: int, children: str) -> None:
        if (client := self.client(who)) is not None:
            self.say(client, m.Despawn, self.entity(client, pick, "master"), children)

    @rule(who=WHO, pick=PICK, to=st.integers(-30, 30), about=st.booleans())
    def send_event(self, who: int, pick: int, to: int, about: bool) -> None:
        if (client := self.client(who)) is not None:
            address = self.peer(client, abs(to)) * (1 if to > 0 else -1) if to % 3 else 0
            self.say(client, m.SendEvent, "ping", raw([to]), address, self.entity(client, pick) if about else 0, None)

    @rule(who=WHO)
    def send_data(self, who: int) -> None:
        if (client := self.client(who)) is not None:
            client.data_said += 1
            self.say(client, m.SendData, 0, IDENT.pack(client.incarnation) + IDENT.pack(client.data_said))

    @rule(who=WHO, pick=PICK, x=METRES, late=st.booleans())
    def write(self, who: int, pick: int, x: float, late: bool) -> None:
        client = self.client(who)
        if client is None:
            return
        owned = sorted(entity for entity, seen in client.entities.items() if seen.owner == client.peer)
        link = self.crowd.links[client.peer]
        if owned and link is not None:
            entity = owned[pick % len(owned)]
            seen = client.entities[entity]
            frame = client.write(self.crowd.tick, entity, x / 16 if seen.parent else x)
            if late:
                self.late.append((client.peer, link, frame))
            else:
                link.up_state.append(frame)

    @rule()
    def late_frames_arrive(self) -> None:
        late, self.late = self.late, []
        batch = [(peer, frame) for peer, link, frame in late if self.crowd.links[peer] is link and not link.dead]
        self.crowd.take([(peer, frame) for peer, frame in batch if self.in_room(peer)])
