"""Threads for what would block the loop; the short and the long apart, so that no upload delays a small request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

_SHORT_THREADS = 4
_LONG_THREADS = 4


class Workers:
    """Two bounded pools; threads start when they are first needed."""

    def __init__(self) -> None:
        self._short = ThreadPoolExecutor(_SHORT_THREADS, thread_name_prefix="tfjsd-short")
        self._long = ThreadPoolExecutor(_LONG_THREADS, thread_name_prefix="tfjsd-long")

    async def short(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs what takes milliseconds."""
        return await _uninterrupted(self._short.submit(work, *args, **kwargs))

    async def long(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs what takes as long as its data are large."""
        return await _uninterrupted(self._long.submit(work, *args, **kwargs))

    async def commit(self, work: Callable[P, Future[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``work`` and waits for the commit that it returns. Cancelling the wait cancels neither."""
        return await _uninterrupted(await self.short(work, *args, **kwargs))

    async def long_commit(self, work: Callable[P, Future[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """``commit`` of what prepares much before it is sequenced."""
        return await _uninterrupted(await self.long(work, *args, **kwargs))

    def close(self) -> None:
        """Waits for what runs."""
        self._short.shutdown()
        self._long.shutdown()


async def _uninterrupted(future: Future[T]) -> T:
    return await asyncio.shield(asyncio.wrap_future(future))
