"""Threads for what would block the loop; the short and the long apart, so that no upload delays a small request."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

_SHORT_THREADS = 4
_LONG_THREADS = 4
_APART_THREADS = 2
_A_MOMENT = 0.1


class Workers:
    """Bounded pools; threads start when they are first needed."""

    def __init__(self) -> None:
        self._short = ThreadPoolExecutor(_SHORT_THREADS, thread_name_prefix="tfjsd-short")
        self._long = ThreadPoolExecutor(_LONG_THREADS, thread_name_prefix="tfjsd-long")
        self._apart = ThreadPoolExecutor(_APART_THREADS, thread_name_prefix="tfjsd-apart")

    async def short(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs what takes milliseconds."""
        return await _uninterrupted(self._short.submit(work, *args, **kwargs))

    async def long(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs what takes as long as its data are large."""
        return await _uninterrupted(self._long.submit(work, *args, **kwargs))

    async def apart(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs what takes as long as its client likes, or as the whole home is large."""
        return await _uninterrupted(self._apart.submit(work, *args, **kwargs))

    async def commit(self, work: Callable[P, Future[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``work`` and waits for the commit that it returns. Cancelling the wait cancels neither."""
        return await _committed(self._short, partial(work, *args, **kwargs))

    async def long_commit(self, work: Callable[P, Future[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """``commit`` of what prepares much before it is sequenced."""
        return await _committed(self._long, partial(work, *args, **kwargs))

    @staticmethod
    async def commit_here(work: Callable[P, Future[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """``commit`` of what takes less time than a change of threads."""
        return await _uninterrupted(work(*args, **kwargs))

    def later(self, work: Callable[[], object]) -> None:
        """Runs something a moment from now, once what is going on has been answered."""

        def submit() -> None:
            with contextlib.suppress(RuntimeError):  # closed meanwhile
                self._long.submit(work)

        asyncio.get_running_loop().call_later(_A_MOMENT, submit)

    async def close(self, patience: float) -> None:
        """Takes no more work and waits up to ``patience`` seconds for what runs. The loop goes on meanwhile: a thread
        may be waiting for it to tell that its client has gone."""
        pools, loop, done = (self._short, self._long, self._apart), asyncio.get_running_loop(), asyncio.Event()

        def wait() -> None:
            for pool in pools:
                pool.shutdown(cancel_futures=True)
            with contextlib.suppress(RuntimeError):  # it took too long, and the loop has ended
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=wait, daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await done.wait()


async def _committed(pool: ThreadPoolExecutor, work: Callable[[], Future[T]]) -> T:
    """The loop is woken once, by the commit: woken in between, it would fight the committing thread for the GIL."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            commit = work()
        except BaseException as error:  # noqa: BLE001 (it is the future's to raise)
            outcome.set_exception(error)
        else:
            commit.add_done_callback(partial(_settle, outcome))

    pool.submit(run)
    return await _uninterrupted(outcome)


def _settle(outcome: Future[T], commit: Future[T]) -> None:
    error = commit.exception()
    if error is None:
        outcome.set_result(commit.result())
    else:
        outcome.set_exception(error)


async def _uninterrupted(future: Future[T]) -> T:
    return await asyncio.shield(asyncio.wrap_future(future))
