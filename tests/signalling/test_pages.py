"""Pages, static files and headers: what a browser is given, and by whom this server may be used."""

import json
import re
from ipaddress import ip_network
from xml.etree import ElementTree

import pytest
from yarl import URL

from signalling.config import HomeConfig
from signalling.proxies import MAX_FORWARDED
from tests.signalling.conftest import Lobby, running_lobby

HTML = {"Accept": "text/html"}


async def test_the_lobby_and_a_room_are_pages_with_no_script_but_our_files(lobby: Lobby) -> None:
    room = (await lobby.create())["room"]
    for path in ("/", f"/r/{room['code']}", f"/r/{room['code'].upper()}"):
        async with lobby.client.get(path, headers=HTML) as response:
            page = await response.text()
            assert (response.status, response.content_type) == (200, "text/html")
            policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        for attributes, inside in re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL):
            assert "src=" in attributes or 'type="application/json"' in attributes
            assert "src=" not in attributes or not inside.strip()
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page)
        assert not re.search(r"\son\w+=", page)
        assert "style=" not in page


async def test_every_file_that_a_page_names_is_there(lobby: Lobby) -> None:
    room = (await lobby.create())["room"]
    for path in ("/", f"/r/{room['code']}", "/nothing"):
        async with lobby.client.get(path, headers=HTML) as response:
            page = await response.text()
        named = set(re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", page))
        assert named
        for file in named:
            async with lobby.client.get(file) as response:
                assert response.status == 200, file


async def test_a_room_s_page_brings_what_its_scripts_need_to_know(lobby: Lobby) -> None:
    room = (await lobby.create(name="</script><b>"))["room"]
    async with lobby.client.get(f"/r/{room['code']}", headers=HTML) as response:
        found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', await response.text())
    assert found
    assert json.loads(found.group(1)) == room


async def test_a_room_s_name_is_shown_as_text(lobby: Lobby) -> None:
    room = (await lobby.create(name="<script>alert('&')</script>"))["room"]
    async with lobby.client.get(f"/r/{room['code']}", headers=HTML) as response:
        assert "<script>alert" not in await response.text()


async def test_the_qr_code_is_a_picture_of_the_invite_link(lobby: Lobby) -> None:
    room = (await lobby.create())["room"]
    async with lobby.client.get(f"/r/{room['code']}/qr.svg") as response:
        assert response.content_type == "image/svg+xml"
        drawing = ElementTree.fromstring(await response.text())
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    title = drawing.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text == room["invite_url"]


@pytest.mark.parametrize("path", ["/nothing", "/r/nowhere", "/r/nowhere/qr.svg", "/static/nothing.js"])
async def test_where_nothing_is_people_get_a_page_and_machines_get_json(lobby: Lobby, path: str) -> None:
    async with lobby.client.get(path, headers=HTML) as response:
        assert (response.status, response.content_type) == (404, "text/html")
        assert 'href="/"' in await response.text()
    async with lobby.client.get(path) as response:
        assert response.status == 404
        assert (await response.json())["error"]["message"]
    async with lobby.client.get(f"/api/v1{path}", headers=HTML) as response:
        assert (response.status, response.content_type) == (404, "application/json")


async def test_static_files_are_asked_for_again_and_answered_unchanged(lobby: Lobby) -> None:
    async with lobby.client.get("/static/favicon.svg") as response:
        assert response.headers["Cache-Control"] == "no-cache"
        etag = response.headers["ETag"]
    async with lobby.client.get("/static/favicon.svg", headers={"If-None-Match": etag}) as response:
        assert (response.status, await response.read()) == (304, b"")
    async with lobby.client.get("/favicon.ico") as response:
        assert (response.status, response.content_type) == (200, "image/svg+xml")


@pytest.mark.parametrize(
    "path", ["../pyproject.toml", "%2e%2e/%2e%2e/pyproject.toml", "/etc/passwd", "%00", "soiree", ""]
)
async def test_nothing_outside_the_static_files_is_served(lobby: Lobby, path: str) -> None:
    async with lobby.client.get(URL(f"/static/{path}", encoded=True)) as response:
        assert response.status == 404


async def test_any_site_may_use_the_api_and_the_sdk_by_default(lobby: Lobby) -> None:
    origin = {"Origin": "https://elsewhere.example"}
    for path in ("/api/v1/rooms", "/static/favicon.svg", "/api/v1/nothing"):
        async with lobby.client.get(path, headers=origin) as response:
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
            assert "Access-Control-Allow-Credentials" not in response.headers
    asks = {**origin, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}
    async with lobby.client.options("/api/v1/rooms/x", headers=asks) as response:
        assert response.status == 204
        assert "PATCH" in response.headers["Access-Control-Allow-Methods"]
        assert "Authorization" in response.headers["Access-Control-Allow-Headers"]


async def test_origins_can_be_narrowed_for_rest_and_websockets() -> None:
    async with running_lobby(HomeConfig(allowed_origins=("https://good.example",))) as lobby:
        own = str(lobby.client.make_url("")).rstrip("/")
        for origin, status in (("https://good.example", 200), (own, 200), ("https://bad.example", 403), ("null", 403)):
            async with lobby.client.get("/api/v1/rooms", headers={"Origin": origin}) as response:
                assert response.status == status
                told = response.headers.get("Access-Control-Allow-Origin")
            assert told == (origin if origin == "https://good.example" else None)
            upgrade = {"Origin": origin, "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
            async with lobby.client.get("/api/v1/signal", headers=upgrade) as response:
                assert response.status == (403 if status == 403 else 400)
        async with lobby.client.get("/api/v1/rooms") as response:
            assert response.status == 200
        async with lobby.client.get("/", headers={"Origin": "https://bad.example"}) as response:
            assert response.status == 200


async def test_addresses_handed_out_follow_the_public_url() -> None:
    async with running_lobby(HomeConfig(public_url="https://party.example.org")) as lobby:
        made = await lobby.create()
        joined = await lobby.join(made["room"])
        assert made["invite_url"] == f"https://party.example.org/r/{made['room']['code']}"
        assert joined["data_url"] == "wss://party.example.org/ws"
        assert joined["signal_url"] == "wss://party.example.org/api/v1/signal"
        async with lobby.client.get("/") as response:
            assert " https://party.example.org wss://party.example.org;" in response.headers["Content-Security-Policy"]


FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "party.example.org", "X-Forwarded-For": "192.0.2.7"}


async def test_only_trusted_proxies_are_believed() -> None:
    async with running_lobby() as lobby:
        async with lobby.client.post("/api/v1/rooms", json={"name": "Den"}, headers=FORWARDED) as response:
            assert (await response.json())["invite_url"].startswith("http://127.0.0.1:")
        assert {room.creator for room in lobby.home.directory} == {"127.0.0.1"}
    async with running_lobby(HomeConfig(trusted_proxies=(ip_network("127.0.0.0/8"),))) as lobby:
        async with lobby.client.post("/api/v1/rooms", json={"name": "Den"}, headers=FORWARDED) as response:
            assert (await response.json())["invite_url"].startswith("https://party.example.org/r/")
        assert {room.creator for room in lobby.home.directory} == {"192.0.2.7"}


@pytest.mark.parametrize("header", ["Origin", "Referer"])
async def test_a_page_that_came_over_tls_is_told_addresses_that_it_may_use(lobby: Lobby, header: str) -> None:
    room = (await lobby.create())["room"]
    path, host = f"/api/v1/rooms/{room['id']}/join", str(lobby.client.make_url("")).removeprefix("http://").rstrip("/")
    tail = "/r/den" if header == "Referer" else ""
    for page, scheme in ((f"https://{host}", "wss"), (f"http://{host}", "ws"), (f"https://{host}.example", "ws")):
        async with lobby.client.post(path, json={"name": "Ada"}, headers={header: page + tail}) as response:
            assert (await response.json())["data_url"] == f"{scheme}://{host}/ws"


async def test_files_have_the_types_that_browsers_insist_on(lobby: Lobby) -> None:
    for file, kinds in (
        ("soiree/index.js", {"text/javascript", "application/javascript"}),
        ("style/base.css", {"text/css"}),
        ("favicon.svg", {"image/svg+xml"}),
    ):
        async with lobby.client.get(f"/static/{file}") as response:
            assert response.content_type in kinds
            assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("198.51.100.1, 192.0.2.7", "192.0.2.7"),
        ("192.0.2.7, 127.0.0.5", "192.0.2.7"),
        ("127.0.0.9, 127.0.0.5", "127.0.0.9"),
        ("192.0.2.7, garbage", "127.0.0.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("192.0.2.7" + ", 127.0.0.5" * MAX_FORWARDED, "127.0.0.5"),
        ("", "127.0.0.1"),
    ],
)
async def test_the_client_is_the_last_address_that_is_no_proxy_of_ours(forwarded: str, client: str) -> None:
    async with running_lobby(HomeConfig(trusted_proxies=(ip_network("127.0.0.0/8"),))) as lobby:
        headers = {"X-Forwarded-For": forwarded}
        async with lobby.client.post("/api/v1/rooms", json={"name": "Den"}, headers=headers) as response:
            assert response.status == 201
        assert {room.creator for room in lobby.home.directory} == {client}


async def test_a_host_that_is_no_host_is_refused(lobby: Lobby) -> None:
    async with lobby.client.get("/api/v1/rooms", headers={"Host": 'a"><script>'}) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, "invalid")
