"""Pure core: numbered messages to the sessions of a room, one by one or several as one."""

from collections.abc import Iterator
from contextlib import contextmanager

from relay.bundle import Bundle
from relay.errors import RefusalError
from relay.outputs import Output, Refused, SendControl
from relay.session import Session
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.messages import Message
from soiree.wire.numbered import BacklogError


class Telling:
    """Who is here, and what is to be sent to them.

    Attributes:
        sessions: every session that has not left, by peer.
        present: those of them that have said hello, the longest-present first.
        untold: peers who may have to be told of entities still (`Session.snapshot`).
        missed: peers that have been silent, or are away, until something of them arrives.
        ending: sessions to be ended for a reason that arose while something else was done.
        outputs: what the driver has not fetched.
    """

    def __init__(self) -> None:
        self.sessions: dict[int, Session] = {}
        self.present: dict[int, Session] = {}
        self.missed: set[int] = set()
        self.untold: dict[int, None] = {}
        self.ending: list[Session] = []
        self.outputs: list[Output] = []
        self._bundles: dict[int, Bundle] | None = None
        """Peer → what gathers for it, while something is told together."""

    def tell(self, session: Session, message: type[Message], *fields: object) -> int:
        """Send a numbered message; returns its number. A session whose backlog is full ends soon, and hears nothing more (number 0)."""
        if session.ending is not None:
            return 0
        if self._bundles is not None:
            return self.gather(session, control.encode(message(0, *fields)))
        try:
            data = session.outbox.push(message, *fields)
        except BacklogError:
            self.end(session, "backlog")
            return 0
        if session.attached:
            self.outputs.append(SendControl(session.peer, data))
        return session.outbox.last

    @property
    def gathers(self) -> bool:
        """Whether what is told now is told together."""
        return self._bundles is not None

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is told in this block comes as one to each who hears of it: in a group, or in several where it is too long."""
        if self._bundles is not None:
            yield
            return
        self._bundles = {}
        try:
            yield
        finally:
            bundles, self._bundles = self._bundles, None
            for bundle in bundles.values():
                self._close(bundle)

    def gather(self, session: Session, message: bytes) -> int:
        """Add a message, encoded with number 0, to what is told together; returns the number of its group."""
        bundle = self.bundle(session, len(message), 1)
        bundle.add(message)
        return bundle.number

    def bundle(self, session: Session, size: int, count: int) -> Bundle:
        """The bundle of the session, with room for `count` messages of `size` bytes in all, if one can have that."""
        assert self._bundles is not None
        bundle = self._bundles.get(session.peer)
        if bundle is not None and not bundle.has_room(size, count) and len(bundle):
            self._close(bundle)
            bundle = None
        if bundle is None:
            bundle = self._bundles[session.peer] = Bundle(session)
        return bundle

    def _close(self, bundle: Bundle) -> None:
        session = bundle.session
        if session.ending is not None or not len(bundle):
            return
        try:
            data = bundle.close()
        except BacklogError:
            self.end(session, "backlog")
            return
        if session.attached:
            self.outputs.append(SendControl(session.peer, data))

    def tell_others(self, session: Session, message: type[Message], *fields: object) -> None:
        """Tell everybody present but this one."""
        for other in self.present.values():
            if other is not session:
                self.tell(other, message, *fields)

    def refuse(self, session: Session, re: int, why: RefusalError) -> None:
        self.tell(session, m.Refused, re, why.entity, why.code, why.owner, why.epoch)
        self.outputs.append(Refused(why.code))

    def end(self, session: Session, reason: str) -> None:
        """Have the session end once what is being done is done."""
        if session.ending is None:
            session.ending = reason
            self.ending.append(session)
