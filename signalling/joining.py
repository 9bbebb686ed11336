"""The way into a room: password, place, identity, and the tokens for them."""

import asyncio
import contextlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from signalling.bodies import Join, JoinRoom, ice_server_view, room_view
from signalling.errors import BusyError, RateError, SessionGoneError, WrongPasswordError
from signalling.homeserver import Homeserver, asked
from signalling.limits import MAX_PASSWORD_CHECKS, PASSWORD_TRIES_PER_MINUTE
from signalling.passwords import PasswordHash, hashed
from signalling.proxies import websocket_url
from signalling.rates import RateLimiter
from signalling.rooms import Room, tidy_name
from soiree.link import Accepted, LinkError
from soiree.ticket import TicketError

TOKEN_BYTES = 16
"""Of randomness in session names, ticket names and subjects."""
API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks to come in."""

    key: str
    """Stands for the address in limits."""
    base_url: str
    """This server's address, as the visitor knows it."""
    host: bool
    """Whether it has shown the room's host key."""


class PasswordDesk:
    """Hashes and checks passwords beside the event loop, a bounded number at a time."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="passwords")
        self._under_way = 0
        self._tries = RateLimiter(PASSWORD_TRIES_PER_MINUTE)

    def close(self) -> None:
        """Free the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> PasswordHash:
        """Hash a new room's password. Raises BusyError."""
        with self:
            return await asyncio.get_running_loop().run_in_executor(self._thread, hashed, password)

    async def check(self, room: Room, password: str | None, visitor_key: str, now: float) -> None:
        """Let pass who knows the room's password. Raises WrongPasswordError, RateError, BusyError."""
        if room.password is None:
            return
        if not password:
            raise WrongPasswordError("This room has a password: ask whoever invited you for it.", field="password")
        if wait_s := self._tries.take(f"{room.room_id} {visitor_key}", now):
            raise RateError(
                "Too many tries of this room's password: wait a moment.", field="password", retry_after_s=wait_s
            )
        with self:
            right = await asyncio.get_running_loop().run_in_executor(self._thread, room.password.matches, password)
        if not right:
            raise WrongPasswordError(field="password")

    def __enter__(self) -> None:
        if self._under_way >= MAX_PASSWORD_CHECKS:
            raise BusyError(retry_after_s=1.0)
        self._under_way += 1

    def __exit__(self, *_: object) -> None:
        self._under_way -= 1


class Door:
    """Gives places to visitors."""

    def __init__(self, home: Homeserver) -> None:
        self._home = home
        self._joins = RateLimiter(home.config.joins_per_minute)
        self._creations = RateLimiter(home.config.creations_per_minute)
        self.passwords = PasswordDesk()

    def count_creation(self, visitor_key: str) -> None:
        """Count a room made by this visitor. Raises RateError."""
        if wait_s := self._creations.take(visitor_key, self._home.monotonic()):
            raise RateError("You made many rooms just now: wait a moment.", retry_after_s=wait_s)

    async def join(self, room: Room, wish: JoinRoom, visitor: Visitor) -> Join:
        """A place in `room`, a new one or the one that `wish.resume` names. Raises ApiError."""
        if wait_s := self._joins.take(visitor.key, self._home.monotonic()):
            raise RateError(retry_after_s=wait_s)
        if wish.resume is not None:
            return await self._come_back(room, wish, visitor)
        name = tidy_name(wish.name)
        if not visitor.host:
            await self.passwords.check(room, wish.password, visitor.key, self._home.monotonic())
        return await self._come_in(room, wish, visitor, name)

    async def _come_in(self, room: Room, wish: JoinRoom, visitor: Visitor, name: str) -> Join:
        home, now = self._home, self._home.wall()
        peer = home.directory.promise(room.room_id, host=visitor.host, now=home.monotonic())
        session = secrets.token_urlsafe(TOKEN_BYTES)
        subject, identity = self._identity(wish.identity, now)
        ticket = home.issuer.ticket(
            room=room.room_id,
            peer=peer,
            session=session,
            subject=subject,
            name=name,
            host=visitor.host,
            jti=secrets.token_urlsafe(TOKEN_BYTES),
            now=now,
            life_s=home.config.ticket_life_s,
        )
        accepted = None
        if wish.offer is not None:
            accepted = await self._offer(room, peer, ticket, wish.offer)
        return self._join(room, visitor, peer, session, ticket=ticket, identity=identity, accepted=accepted)

    async def _offer(self, room: Room, peer: int, ticket: str, offer: str) -> Accepted:
        """Use a ticket at once. Raises ApiError, and then nothing is left of the place."""
        home = self._home
        try:
            return await asked(home.link.offer(ticket, offer))
        except BaseException:
            home.directory.withdraw(room.room_id, peer, home.monotonic())
            # The relay may have opened the session before it found the offer wanting; nobody else has its tokens.
            with contextlib.suppress(LinkError):
                await home.link.kick(room.room_id, peer, "The offer was refused.")
            raise

    async def _come_back(self, room: Room, wish: JoinRoom, visitor: Visitor) -> Join:
        home, now = self._home, self._home.wall()
        try:
            resume = home.verifier.resume(wish.resume or "", now)
        except TicketError:
            raise SessionGoneError(field="resume") from None
        if resume.room != room.room_id or not await asked(home.link.session_alive(resume.room, resume.session)):
            raise SessionGoneError(field="resume")
        _, identity = self._identity(wish.identity, now)
        accepted = None
        if wish.offer is not None:
            accepted = await asked(home.link.offer(wish.resume or "", wish.offer))
        return self._join(room, visitor, resume.peer, resume.session, ticket=None, identity=identity, accepted=accepted)

    def _identity(self, shown: str | None, now: float) -> tuple[str, str]:
        """The subject of whoever shows an identity, else a new one, and the identity to keep."""
        if shown:
            try:
                return self._home.verifier.identity(shown, now).subject, shown
            except TicketError:
                pass  # Of an older secret, or lapsed: its bearer is somebody new to us.
        subject = secrets.token_urlsafe(TOKEN_BYTES)
        return subject, self._home.issuer.identity(subject=subject, now=now)

    def _join(
        self,
        room: Room,
        visitor: Visitor,
        peer: int,
        session: str,
        *,
        ticket: str | None,
        identity: str,
        accepted: Accepted | None,
    ) -> Join:
        home = self._home
        resume = home.issuer.resume(room=room.room_id, peer=peer, session=session, now=home.wall())
        servers = home.ice_servers(peer_id=peer, base_url=visitor.base_url, now=home.wall())
        return Join(
            peer_id=peer,
            session=session,
            ticket=None if accepted else ticket,
            resume=resume,
            identity=identity,
            room=room_view(room, visitor.base_url),
            host=peer in room.hosts,
            ice_servers=[ice_server_view(server) for server in servers],
            transports=list(home.link.describe().transports),
            data_url=websocket_url(visitor.base_url, "/ws"),
            signal_url=websocket_url(visitor.base_url, f"{API}/signal"),
            answer=accepted.sdp if accepted else None,
            connection=accepted.connection if accepted else None,
        )
