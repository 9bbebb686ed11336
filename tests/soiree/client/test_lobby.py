"""Addresses and answers of a homeserver."""

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


@pytest.mark.parametrize("url", ["", "ftp://host", "http://", "///"])
def test_anything_else_is_refused_in_words(url: str) -> None:
    with pytest.raises(JoinError, match="no address of a party"):
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
