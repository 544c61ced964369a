"""What one subscriber of ``/v1/events`` has not been sent yet."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping

from ..model_io.origin import Origin
from ..model_io.store import StoreEvent
from ..wire.events import Event


class Subscription:
    """A bounded queue from the threads that commit to the loop; ``lost`` once the subscriber was too slow."""

    def __init__(self, backlog: int, backlog_size: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Event] = asyncio.Queue(backlog)
        self._room = backlog_size
        self._number = 0
        self.lost = False

    async def next(self) -> Event:
        """The next event; waits for it."""
        event = await self._queue.get()
        self._room += _size(event.data)
        return event

    @contextlib.contextmanager
    def of(self, origin: Origin, author: object = None) -> Iterator[None]:
        """Takes the origin's events for the block, but for the storage events of ``author``'s own changes."""
        unsubscribe = origin.subscribe(self._take, source=author)
        try:
            yield
        finally:
            unsubscribe()

    def _take(self, event: StoreEvent) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it the subscriber
            self._loop.call_soon_threadsafe(self._put, event)

    def _put(self, event: StoreEvent) -> None:
        self._number += 1
        data = {"origin": event.origin, **event.data}
        self.lost = self.lost or self._queue.full() or _size(data) > self._room
        if not self.lost:
            self._room -= _size(data)
            self._queue.put_nowait(Event(event.type, data, self._number))


def _size(data: Mapping[str, object]) -> int:
    return sum(len(value) for value in data.values() if isinstance(value, str))
