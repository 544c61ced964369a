"""The one thread of a home that does what falls due: syncs of relaxed commits, closing of idle engines."""

from __future__ import annotations

import logging
import threading
import time
from typing import Protocol

from ..errors import TfjsdError

_log = logging.getLogger(__name__)


class Tidied(Protocol):
    def tidy(self) -> float | None: ...


class Housekeeping:
    """Starts its thread when there is something to watch and sleeps until the next thing falls due."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[Tidied, float] = {}
        self._thread: threading.Thread | None = None
        self._stopped = False

    def watch(self, bucket: Tidied) -> None:
        """Looks after the bucket soon; cheap, and safe while the bucket's mutex is held."""
        with self._changed:
            if self._stopped:
                return
            self._due[bucket] = 0.0
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tfjsd-housekeeping", daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """Ends the thread; idempotent."""
        with self._changed:
            self._stopped = True
            self._due.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (due := self._next()) is not None:
            for bucket in due:
                self._tidy(bucket)

    def _next(self) -> list[Tidied] | None:
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                due = [bucket for bucket, when in self._due.items() if when <= now]
                if due:
                    for bucket in due:
                        del self._due[bucket]
                    return due
                self._changed.wait(min(self._due.values()) - now if self._due else None)
            return None

    def _tidy(self, bucket: Tidied) -> None:
        try:
            rest = bucket.tidy()
        except TfjsdError:
            # The bucket has noted that it failed and tells its next caller.
            _log.exception("Housekeeping met a storage error")
            return
        if rest is not None:
            with self._changed:
                if not self._stopped:
                    self._due.setdefault(bucket, time.monotonic() + rest)
