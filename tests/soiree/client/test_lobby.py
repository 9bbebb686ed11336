"""Addresses and answers of a homeserver."""

import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web

from soiree.client.errors import JoinError
from soiree.client.lobby import Lobby, split_invite


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://host:8080", ("http://host:8080", None)),
        ("https://host/", ("https://host", None)),
        ("https://host/r/abc", ("https://host", "abc")),
        ("https://host/below/r/abc/", ("https://host/below", "abc")),
        ("host:8080", ("http://host:8080", None)),
        ("http://[::1]:80/r/x", ("http://[::1]:80", "x")),
    ],
)
def test_an_address_or_an_invite_is_understood(url: str, expected: tuple[str, str | None]) -> None:
    assert split_invite(url) == expected


@pytest.mark.parametrize("url", ["", "ftp://host", "http://", "///", "http://[", "http://host:port"])
def test_anything_else_is_refused_in_words(url: str) -> None:
    with pytest.raises(JoinError, match="is not an http:// or https:// address"):
        split_invite(url)


@pytest_asyncio.fixture
async def stranger() -> AsyncIterator[str]:
    """A web server that is no party."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="<html>Hello!</html>", status=404 if "missing" in request.path else 200)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize("room", ["there", "missing"])
async def test_a_server_that_is_no_party_is_told_apart(stranger: str, room: str) -> None:
    async with ClientSession() as http:
        with pytest.raises(JoinError) as refused:
            await Lobby(http, stranger).join(room, name="guest")
    assert refused.value.code == "bad-answer"


async def test_a_server_that_is_not_there_is_told_by_its_address_and_the_system_s_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        url = f"http://127.0.0.1:{closing.getsockname()[1]}"
    async with ClientSession() as http:
        with pytest.raises(JoinError) as refused:
            await Lobby(http, url).join("room", name="guest")
    assert refused.value.code == "unreachable"
    assert refused.value.message == f"no party answers at {url}: connection refused"


@pytest.mark.parametrize("name", ["", "  ", "x" * 65])
async def test_a_name_that_cannot_be_is_refused_before_anything_is_sent(name: str) -> None:
    async with ClientSession() as http:
        with pytest.raises(JoinError, match="a name has 1 to 64 characters") as refused:
            await Lobby(http, "http://127.0.0.1:9").join("room", name=name)
    assert refused.value.code == "invalid"
