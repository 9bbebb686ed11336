"""Pure core: who may come in: tokens to sessions, each ticket once (docs/PROTOCOL.md section 3 and 9).

Time is Unix seconds, since tokens carry it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from soiree.link import LinkError
from soiree.ticket import LEEWAY_S, Resume, Ticket, TicketError, TicketVerifier

MAX_USED_TICKETS = 100_000
"""Tickets remembered as used, until they expire; more joins than that within a ticket's life are refused `busy`."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a token allows."""

    room_id: str
    peer: int
    session_id: str
    ticket: Ticket | None
    """The ticket that opens the session, None when it is there already."""


class Admission:
    """Reads tickets and resume tokens, and remembers which tickets were used."""

    def __init__(self, verifier: TicketVerifier) -> None:
        self._verifier = verifier
        self._used: dict[str, float] = {}
        """jti → when it expires, in the order of use."""

    def admit(self, token: str, now: float, session_of: Callable[[str, int], str | None]) -> Admitted:
        """What `token` allows; a ticket is used up by this.

        Args:
            token: a ticket or a resume token.
            now: Unix seconds.
            session_of: gives the id of the session that a peer (room id, peer id) has now.

        Raises:
            LinkError: "unauthorized", "session-gone" or "busy".
        """
        try:
            claims = self._verifier.session_token(token, now)
        except TicketError as error:
            raise LinkError("unauthorized", error.message) from error
        if isinstance(claims, Resume):
            if session_of(claims.room, claims.peer) != claims.session:
                raise LinkError("session-gone", "This session has ended. Join again.")
            return Admitted(claims.room, claims.peer, claims.session, None)
        self._use(claims, now)
        return Admitted(claims.room, claims.peer, claims.session, claims)

    def _use(self, ticket: Ticket, now: float) -> None:
        self._forget_expired(now)
        if ticket.jti in self._used:
            raise LinkError("unauthorized", "This ticket was used before. Join again, or resume.")
        if len(self._used) >= MAX_USED_TICKETS:
            raise LinkError("busy", "Too many people are joining right now. Try again in a minute.")
        self._used[ticket.jti] = ticket.exp + LEEWAY_S

    def _forget_expired(self, now: float) -> None:
        # In order of use, which is nearly that of expiry; one that outlives its successors only delays their forgetting.
        for jti in list(self._used):
            if self._used[jti] >= now:
                break
            del self._used[jti]
