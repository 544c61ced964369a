"""The thread in which everything of one session happens, one thing after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue

from ...storage_backends.indexed_db.abc import FrontThread

Task = Callable[[], None]


class SessionThread(FrontThread):
    """Takes functions from any thread and runs them in order; ``failed`` gets what one of them raises."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._unfinished = 0
        self._turn = threading.Lock()
        """Held while one of them runs."""
        self._is_ended = False
        self.over: Future[None] = Future()
        """Done once the last function has returned."""
        self._thread = threading.Thread(target=self._run, name="tfjsd-indexeddb", daemon=True)
        self._thread.start()

    def post(self, task: Task) -> bool:
        """Runs ``task`` soon. False: the session has ended, and it will not run."""
        with self._lock:
            if self._is_ended:
                return False
            self._unfinished += 1
            self._tasks.put(task)
            return True

    def run_here(self, task: Task) -> bool:
        """Runs ``task`` in the calling thread, which saves two changes of threads. False, and it does not run, where
        something waits or runs, or the session has ended."""
        with self._lock:
            if self._is_ended or self._unfinished:
                return False
            self._unfinished += 1
            self._turn.acquire()  # free, as nothing is unfinished; what is posted from now on waits for it
        self._finish(task)
        return True

    def end(self, last: Task) -> None:
        """Takes nothing more; ``last`` runs after all that was posted before. Idempotent."""
        with self._lock:
            if self._is_ended:
                return
            self._is_ended = True
            self._unfinished += 1
            self._tasks.put(last)
            self._tasks.put(None)

    @property
    def is_gone(self) -> bool:
        return self.over.done()

    def when_over(self, function: Task) -> Task:
        self.over.add_done_callback(lambda _: function())
        return lambda: None

    @property
    def backlog(self) -> int:
        """About how many functions wait."""
        return self._tasks.qsize()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._turn.acquire()
            self._finish(task)
        self.over.set_result(None)

    def _finish(self, task: Task) -> None:
        """Runs it, and gives the turn back."""
        try:
            task()
        except Exception as problem:  # noqa: BLE001 (the outermost frame of a message)
            self._failed(problem)
        finally:
            self._turn.release()
            with self._lock:
                self._unfinished -= 1
