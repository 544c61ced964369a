"""Writes that fail when a test says so."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

from ..errors import QuotaExceededError, UnknownError

WrittenMedium = Literal["localstorage", "indexeddb"]
Reason = Literal["quota", "disk", "io"]


@dataclass(slots=True)
class _Planned:
    medium: WrittenMedium | None
    first: int
    times: int
    error: Reason | Exception


class Faults:
    """Which of the coming writes fail; thread-safe.

    A write is one ``set_item`` (a model in ``localstorage://`` takes five) or one IndexedDB transaction that
    changes something. What fails changes nothing, but for what TensorFlow.js then breaks by itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []
        self.writes = {"localstorage": 0, "indexeddb": 0}
        """How many writes each medium has seen, failed ones included."""

    def fail_nth_write(
        self,
        n: int = 1,
        *,
        medium: WrittenMedium | None = None,
        error: Reason | Exception = "quota",
        times: int = 1,
    ) -> None:
        """Makes the ``n``-th write from now on fail, and the ``times - 1`` after it; in one medium, or in both.

        ``quota``: as if there were no room, in the browser's words; ``disk``: the disk is full; ``io``: it is broken;
        or an exception of one's own. Raises ValueError where ``n`` or ``times`` is less than 1.
        """
        if n < 1 or times < 1:
            raise ValueError("writes are counted from 1")
        with self._lock:
            seen = sum(self.writes.values()) if medium is None else self.writes[medium]
            self._planned.append(_Planned(medium, seen + n, times, error))

    def clear(self) -> None:
        """Nothing fails any more."""
        with self._lock:
            self._planned.clear()

    def check(self, medium: WrittenMedium, over_quota: Exception) -> None:
        """Counts a write; raises where it is to fail, ``over_quota`` where it is to be refused for want of room."""
        with self._lock:
            self.writes[medium] += 1
            total = sum(self.writes.values())
            for planned in self._planned:
                number = total if planned.medium is None else self.writes[medium]
                if planned.medium in (None, medium) and planned.first <= number < planned.first + planned.times:
                    raise _error(planned.error, over_quota)


def _error(reason: Reason | Exception, over_quota: Exception) -> Exception:
    if isinstance(reason, Exception):
        return reason
    if reason == "quota":
        return over_quota
    if reason == "disk":
        return QuotaExceededError("No space left on device", unit="disk")
    return UnknownError("Internal error committing transaction.")
