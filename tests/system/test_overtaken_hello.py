"""Two hellos of one client, on two connections, in whichever order they arrive (PROTOCOL 3)."""

from soiree.wire import control
from soiree.wire import messages as m
from tests.system.party_process import PartyOf
from tests.system.raw import hello, raw
from tests.system.ways import server_engine


def look(number: int) -> bytes:
    """A command that is answered by `done`."""
    return control.encode(m.View(number, 0.0, 0.0, 0.0, 10.0))


async def test_a_fresh_hello_that_was_overtaken_changes_nothing(party_of: PartyOf, way: str) -> None:
    server = party_of(server_engine(way))
    code = server.room()
    async with raw(server.url, code, way) as slow, raw(server.url, code, "websocket", slow.admission) as quick:
        quick.say(hello())
        await quick.hear(m.Welcome)
        quick.say(look(1))
        await quick.hear(m.Done)
        slow.say(hello())
        assert await slow.end() == "superseded"
        quick.say(look(2))
        assert (await quick.hear(m.Done, 2)).re == 2


async def test_a_client_without_memory_comes_over_a_newer_connection(party_of: PartyOf) -> None:
    server = party_of("none")
    code = server.room()
    async with raw(server.url, code, "websocket") as page:
        page.say(hello())
        await page.hear(m.Welcome)
        async with raw(server.url, code, "websocket", page.admission) as reloaded:
            reloaded.say(hello())
            assert (await reloaded.hear(m.Welcome)).fresh
            assert await page.end() == "superseded"
            reloaded.say(look(1))
            assert (await reloaded.hear(m.Done)).re == 1


async def test_who_cannot_go_on_does_not_push_out_who_can(party_of: PartyOf) -> None:
    server = party_of("none")
    code = server.room()
    async with raw(server.url, code, "websocket") as one, raw(server.url, code, "websocket", one.admission) as other:
        one.say(hello())
        await one.hear(m.Welcome)
        other.say(hello(fresh=False, applied=1000))
        assert await other.end() == "protocol"
        one.say(look(1))
        assert (await one.hear(m.Done)).re == 1
