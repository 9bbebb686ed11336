"""Whether a party server answers over HTTP, and lets us into a room."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from party.doctor.failures import sorted_out
from party.doctor.findings import Check, Failure, Finding, Outcome
from soiree.client.errors import JoinError
from soiree.client.lobby import API, Admission, Created, Lobby

CALL_TIMEOUT_S = 8.0
ROUNDS = 3
PROBE_ROOM = "Doctor"
PROBE_CAPACITY = 8
PROBE_NAME = "Doctor"
_HTTP_CODES = {502: "bad-gateway", 503: "bad-gateway", 504: "bad-gateway", 521: "bad-gateway", 522: "bad-gateway"}


class _Health(msgspec.Struct):
    status: str


async def ask_health(http: ClientSession, base_url: str) -> Finding:
    """Whether a party server answers, and how soon over a connection that stands."""
    try:
        status, body = await _health(http, base_url)
        rtts_ms = []
        for _ in range(ROUNDS):
            began = time.monotonic()
            await _health(http, base_url)
            rtts_ms.append(1000 * (time.monotonic() - began))
    except (ClientError, OSError, TimeoutError, ValueError) as error:
        return sorted_out(error).of(Check.HTTP)
    if status in _HTTP_CODES:
        return Failure(_HTTP_CODES[status], f"it answers {status}").of(Check.HTTP)
    try:
        health = msgspec.json.decode(body, type=_Health)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Failure("not-a-party", f"it answers {status} to /healthz").of(Check.HTTP)
    if status != 200 or health.status != "ok":
        return Failure("stopping" if health.status == "stopping" else "not-a-party").of(Check.HTTP)
    return Finding(Check.HTTP, Outcome.WORKS, rtt_ms=statistics.median(rtts_ms))


async def _health(http: ClientSession, base_url: str) -> tuple[int, bytes]:
    async with http.get(f"{base_url}/healthz", timeout=ClientTimeout(total=CALL_TIMEOUT_S)) as response:
        return response.status, (await response.content.read(65536))


async def demand_room(http: ClientSession, base_url: str, code: str) -> None:
    """Look whether the room of an invite link is open. Raises JoinError when it is not, or nobody can be asked."""
    address = f"{base_url}{API}/rooms/{quote(code, safe='')}"
    try:
        async with http.get(address, timeout=ClientTimeout(total=CALL_TIMEOUT_S)) as response:
            await response.read()
            status = response.status
    except (ClientError, OSError, TimeoutError) as error:
        raise JoinError("unreachable", str(error)) from error
    if status == 404:
        raise JoinError("unknown-room", f"there is no room {code}")


@asynccontextmanager
async def examination_room(http: ClientSession, base_url: str, room: str | None) -> AsyncIterator[str]:
    """Code of the room that was named, or of one made for this, which nobody is told of and which is closed afterwards.

    Raises:
        JoinError: none can be made.
    """
    if room is not None:
        yield room
        return
    created = await Lobby(http, base_url).create_room(PROBE_ROOM, capacity=PROBE_CAPACITY)
    try:
        yield created.room.code
    finally:
        await asyncio.shield(_close(http, base_url, created))


async def _close(http: ClientSession, base_url: str, created: Created) -> None:
    address = f"{base_url}{API}/rooms/{quote(created.room.id, safe='')}"
    try:
        async with http.delete(
            address,
            headers={"Authorization": f"Bearer {created.host_key}"},
            timeout=ClientTimeout(total=CALL_TIMEOUT_S),
        ) as response:
            await response.read()
    except (ClientError, OSError, TimeoutError):
        return  # Empty, it goes by itself after a while.


async def admitted(http: ClientSession, base_url: str, room: str, password: str | None) -> Admission | Failure:
    """A place in the room."""
    try:
        return await Lobby(http, base_url).join(room, name=PROBE_NAME, password=password)
    except JoinError as error:
        return failure_of(error)


def failure_of(error: JoinError) -> Failure:
    """Why there is no place: the server's own code where it gave one."""
    cause = error.__cause__
    if error.code == "unreachable" and cause is not None:
        return sorted_out(cause)
    return Failure("not-a-party" if error.code == "bad-answer" else error.code, error.message)
