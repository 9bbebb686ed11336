"""Blocking calls beside the event loop, a thread for each."""

import asyncio
import threading
from collections.abc import Callable


async def in_own_thread(call: Callable[[], None]) -> None:
    """Run a blocking call on a thread that lives just as long: closing takes 12 s when the peer has vanished, and may delay nobody."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(error: Exception | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error: Exception | None = None
        try:
            call()
        except Exception as caught:  # noqa: BLE001 (handed to whoever awaits)
            error = caught
        try:
            loop.call_soon_threadsafe(tell, error)
        except RuntimeError:  # the loop was closed before a vanished peer let go
            return

    threading.Thread(target=run, name="soiree-rtc").start()
    await done
