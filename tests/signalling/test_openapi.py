"""The OpenAPI description is kept true: every call that it allows is made, and every answer is one that it describes."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, settings

from signalling.app import make_app
from signalling.config import HomeConfig
from signalling.joining import API
from signalling.openapi import describe
from signalling.operations import HOME
from signalling.rest import OPERATIONS
from signalling.rooms import RoomDraft
from soiree.ticket import TicketIssuer
from tests.signalling.conftest import SECRET, Lobby
from tests.signalling.relays import SmallRelay

DESCRIPTION = msgspec.to_builtins(describe(OPERATIONS, base_path=API, version="0"))
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION).exclude(operation_id="roomEvents")  # That one never ends.
EXAMPLES = settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
BEYOND_SCHEMAS = [schemathesis.checks.positive_data_acceptance]
"""What the schemas cannot say: that an offer is SDP, that a name is not blank, that 5.0 is no peer id."""
ROOM = "den"


@dataclass
class Running:
    """A homeserver in a thread of its own: schemathesis blocks."""

    url: str
    loop: asyncio.AbstractEventLoop
    app: web.Application

    def host_key(self) -> str:
        """The key of the room `ROOM`, which is made again whenever a test has closed it."""
        return asyncio.run_coroutine_threadsafe(self._host_key(), self.loop).result(10)

    async def _host_key(self) -> str:
        home = self.app[HOME]
        if not any(room.code == ROOM for room in home.directory):
            await home.create_permanent_room(RoomDraft("Den", capacity=200), code=ROOM)
        return home.issuer.host_key(room=home.directory.find(ROOM).room_id, now=home.wall())


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    started: list[Running] = []
    ready, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        issuer = TicketIssuer(SECRET)
        many = 10**6
        config = HomeConfig(
            joins_per_minute=many,
            creations_per_minute=many,
            misses_per_minute=many,
            max_peers=many,
            max_rooms_per_address=many,
            max_capacity=1000,
        )
        app = make_app(config, SmallRelay(issuer.verifier()), issuer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        started.append(Running(f"http://{host}:{port}{API}", asyncio.get_running_loop(), app))
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield started[0]
    started[0].loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    assert not thread.is_alive()


@SCHEMA.parametrize()
@EXAMPLES
def test_any_call_is_answered_as_described(case: "schemathesis.Case[Any]", server: Running) -> None:
    case.call_and_validate(base_url=server.url, excluded_checks=BEYOND_SCHEMAS)


@SCHEMA.include(path_regex=r"\{id\}").parametrize()
@EXAMPLES
def test_any_call_about_a_room_by_its_host_is_answered_as_described(
    case: "schemathesis.Case[Any]", server: Running
) -> None:
    case.path_parameters = {"id": ROOM}
    case.call_and_validate(
        base_url=server.url, headers={"Authorization": f"Bearer {server.host_key()}"}, excluded_checks=BEYOND_SCHEMAS
    )


async def test_the_description_is_served_with_a_fitting_answer_for_every_operation(lobby: Lobby) -> None:
    status, described = await lobby.call("GET", "/openapi.json")
    assert (status, described["openapi"]) == (200, "3.1.0")
    ids = {op["operationId"] for path in described["paths"].values() for op in path.values()}
    assert ids == {operation.name for operation in OPERATIONS}
