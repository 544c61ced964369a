"""Threads for work that comes in bursts: they start as it comes, and end when there has been none for a while."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Final, TypeVar

T = TypeVar("T")

IDLE_SECONDS: Final = 5.0
"""How long a thread waits for more before it ends."""


class PassingThreads:
    """Carries work out in the order in which it came, in ``most`` threads at a time. Thread-safe."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._changed = threading.Condition()
        self._work: deque[Callable[[], None]] = deque()
        self._threads: set[threading.Thread] = set()
        self._idle = 0
        self._is_closed = False

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """What the work gives, or raises.

        Once this is closed, and where not even one thread can be started, the calling thread carries it out.
        """
        future: Future[T] = Future()
        with self._changed:
            if not self._is_closed and self._has_thread_for_more():
                self._work.append(lambda: carry_out(work, future))
                self._changed.notify()
                return future
        carry_out(work, future)
        return future

    def _has_thread_for_more(self) -> bool:
        """Whether a thread will come to one more piece of work; one is started for it where the others are busy."""
        if len(self._work) >= self._idle and len(self._threads) < self._most:
            with suppress(RuntimeError):  # the system gives no more threads: those that there are do it all
                self._start()
        return bool(self._threads)

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        thread.start()
        self._threads.add(thread)

    def close(self) -> None:
        """Returns once all work is done and the threads have ended. Idempotent."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            threads = list(self._threads)
        for thread in threads:
            thread.join()

    def _run(self) -> None:
        while (work := self._next()) is not None:
            work()

    def _next(self) -> Callable[[], None] | None:
        """The next work; None, and the thread is none of these any more, where there is none for too long."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._work or self._is_closed, IDLE_SECONDS)
            self._idle -= 1
            if self._work:
                return self._work.popleft()
            self._threads.discard(threading.current_thread())
            return None


def carry_out(work: Callable[[], T], future: Future[T]) -> None:
    """The future has the result, or the exception, when this returns."""
    try:
        result = work()
    except Exception as problem:  # noqa: BLE001 (it is the future's to raise)
        future.set_exception(problem)
    else:
        future.set_result(result)
