"""A mutex that knows whether the calling thread holds it."""

from __future__ import annotations

import threading


class HeldMutex:
    """``with`` takes the lock; may be entered again inside. A class, since it is entered at each call of a bucket."""

    __slots__ = ("_depth", "_lock", "_owner")

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._owner: int | None = None
        self._depth = 0

    @property
    def is_mine(self) -> bool:
        """Whether the calling thread is inside a ``with`` of this object."""
        return self._owner == threading.get_ident()

    def __enter__(self) -> None:
        self._lock.acquire()
        self._owner = threading.get_ident()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = None
        self._lock.release()
