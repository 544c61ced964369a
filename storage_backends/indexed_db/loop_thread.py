"""The thread of an event loop, and how one learns of the loop's end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import suppress
from typing import Any

from .abc import FrontThread


class LoopThread(FrontThread):
    """Equal to another one of the same loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def post(self, function: Callable[[], None]) -> bool:
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:  # the loop is closed
            return False
        return True

    @property
    def is_gone(self) -> bool:
        return self._loop.is_closed()

    def when_over(self, function: Callable[[], None]) -> Callable[[], None]:
        """At the end of ``asyncio.run``, say; a loop that is closed without a word tells nobody."""
        return _LoopEnd(function).cancel

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LoopThread) and other._loop is self._loop

    def __hash__(self) -> int:
        return id(self._loop)


class _LoopEnd:
    """Calls a function when the loop that runs now shuts down: asyncio tells that to asynchronous generators only."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended: Callable[[], None] | None = ended
        self._generator = self._wait()
        _step(self._generator.__anext__())

    async def _wait(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            ended, self._ended = self._ended, None
            if ended is not None:
                ended()

    def cancel(self) -> None:
        if self._ended is not None:
            self._ended = None
            _step(self._generator.aclose())


def _step(step: Coroutine[Any, Any, None]) -> None:
    """Nothing in the generator waits: each step ends at once."""
    with suppress(StopIteration):
        step.send(None)
