"""Commands that wait for the relay's answers, by their number (docs/PROTOCOL.md section 3, "Answers")."""

import asyncio
from dataclasses import dataclass, field

from soiree.client.errors import RefusedError, SoireeError
from soiree.wire import messages as m

WHOLE = frozenset({"malformed", "rate"})
"""Reasons for which a group is refused as a whole, by a single answer."""


@dataclass(slots=True)
class _Waiting:
    done: asyncio.Future[list[m.Message]]
    missing: int
    answers: list[m.Message] = field(default_factory=list)


class Answers:
    """Who waits for what. Bounded by the session: what is unanswered was unapplied not long ago, of which there are at most 8192."""

    def __init__(self) -> None:
        self._waiting: dict[int, _Waiting] = {}
        self._failed: SoireeError | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    async def wait(self, number: int, count: int = 1) -> list[m.Message]:
        """The answers to command `number`, a group of `count` messages if that is more than 1, in their order.

        Raises:
            RefusedError: a group was refused as a whole.
            SoireeError: as told to `fail`.
        """
        if self._failed is not None:
            raise self._failed
        waiting = self._waiting[number] = _Waiting(asyncio.get_running_loop().create_future(), count)
        try:
            return await waiting.done
        finally:
            self._waiting.pop(number, None)

    def take(self, number: int, message: m.Message) -> None:
        """An answer came."""
        waiting = self._waiting.get(number)
        if waiting is None or waiting.done.done():
            return
        if isinstance(message, m.Refused) and message.reason in WHOLE and waiting.missing > 1 and not waiting.answers:
            waiting.done.set_exception(RefusedError.of(message))
            return
        waiting.answers.append(message)
        waiting.missing -= 1
        if not waiting.missing:
            waiting.done.set_result(waiting.answers)

    def fail(self, error: SoireeError) -> None:
        """No answer will come any more."""
        self._failed = error
        for waiting in self._waiting.values():
            if not waiting.done.done():
                waiting.done.set_exception(error)
