"""Values that wait to be fetched by a session's client, and what moves beside its messages."""

from __future__ import annotations

import threading
from itertools import count
from typing import Final

from ...errors import NotFoundError
from ...wire.limits import MIB
from .outbox import SessionOver

_OFFERED: Final = 8 * MIB


class Transit:
    """Thread-safe. ``moving`` counts transfers under way: they are a sign of life."""

    def __init__(self, patience: float) -> None:
        """``patience``: seconds that a client may leave what it is offered unfetched."""
        self._patience = patience
        self._change = threading.Condition()
        self._offered: dict[str, bytes] = {}
        self._offered_size = 0
        self._tokens = count(1)
        self._is_closed = False
        self.moving = 0
        self.moved = 0

    @property
    def is_full(self) -> bool:
        """Whether ``offer`` would wait."""
        return self._offered_size >= _OFFERED

    def offer(self, value: bytes) -> str:
        """A token to fetch the value with, once. Waits while too much is unfetched. Raises SessionOver."""
        with self._change:
            while self._offered_size >= _OFFERED and not self._is_closed:
                if not self._change.wait(self._patience) and not self.moving:
                    raise SessionOver
            if self._is_closed:
                raise SessionOver
            token = str(next(self._tokens))
            self._offered[token] = value
            self._offered_size += len(value)
            return token

    def fetch(self, token: str) -> bytes:
        """Raises NotFoundError."""
        with self._change:
            value = self._offered.pop(token, None)
            if value is None:
                raise NotFoundError("There is no such value to fetch, or it was fetched already.")
            self._offered_size -= len(value)
            self._change.notify_all()
            return value

    def withdraw(self, tokens: list[str]) -> None:
        """Forgets values that nobody will fetch any more."""
        with self._change:
            for token in tokens:
                self._offered_size -= len(self._offered.pop(token, b""))
            self._change.notify_all()

    def close(self) -> None:
        """Gives everything up; who waits is let go."""
        with self._change:
            self._is_closed = True
            self._offered.clear()
            self._change.notify_all()
