"""A clock that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class SimulatedClock:
    """``Date.now()`` of a simulated browser: stands still until it is moved. It is a ``storage_backends.abc.Clock``."""

    def __init__(self, start: datetime | str | int = EPOCH) -> None:
        """Starts at an aware datetime, an ISO 8601 text, or milliseconds since 1970."""
        self._now = _milliseconds(start)

    def now(self) -> int:
        """Milliseconds since 1970."""
        return self._now

    @property
    def time(self) -> datetime:
        """The instant as an aware datetime."""
        return datetime.fromtimestamp(self._now / 1000, UTC)

    def set(self, moment: datetime | str | int) -> None:
        """Moves to an instant, backwards too, as a user's clock may. Raises ValueError for a naive datetime."""
        self._now = _milliseconds(moment)

    def advance(self, seconds: float | timedelta = 0.0, **units: float) -> None:
        """Lets time pass: ``advance(5.5)``, ``advance(days=8)``. Raises ValueError for a negative duration."""
        passed = (seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds)) + timedelta(**units)
        if passed < timedelta(0):
            raise ValueError("time does not go backwards by itself: use set()")
        self._now += round(passed / timedelta(milliseconds=1))

    def __repr__(self) -> str:
        return f"<SimulatedClock {self.time.isoformat()}>"


def _milliseconds(moment: datetime | str | int) -> int:
    if isinstance(moment, int):
        return moment
    instant = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    if instant.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return round((instant - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
