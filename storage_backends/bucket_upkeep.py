"""What falls due in a bucket after its use: the sync of relaxed commits, a compaction, the closing of its engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from ..errors import QuotaExceededError
from .background import Background
from .engine_slot import EngineSlot
from .overlay import Overlay
from .reclaimer import Reclaimer
from .reserve import Reserve

RELAXED_SYNC_SECONDS = 0.8
IDLE_SECONDS = 60.0
SWEEP_SECONDS = 1.0
COMPACTED_BYTES = 8 << 20
"""LevelDB keeps the space of deleted records: so much, and a quarter of what is there, is worth a compaction."""


class Upkeep:
    """``wake`` has the home's housekeeping call ``tidy``. Every method but ``tidy`` is called under the mutex."""

    def __init__(
        self,
        slot: EngineSlot,
        overlay: Overlay,
        reclaimer: Reclaimer,
        reserve: Reserve,
        in_background: Background,
        *,
        wake: Callable[[], None],
        is_in_use: Callable[[], bool],
    ) -> None:
        self._slot = slot
        self._overlay = overlay
        self._reclaimer = reclaimer
        self._reserve = reserve
        self._in_background = in_background
        self._wake = wake
        self._is_in_use = is_in_use
        self.used_at = time.monotonic()
        self.relaxed_since: float | None = None
        self.garbage = 0  # bytes of values overwritten or deleted since the last compaction
        self._is_short_of_space = False
        self._swept_at = 0.0
        self._is_watched = False

    def note_commit(self) -> None:
        """After a commit: sees to it that relaxed ones are synced in time, garbage is compacted, and an engine that is
        used no more is closed."""
        due = not self._is_watched or self.garbage >= COMPACTED_BYTES
        if self._slot.relaxed_outstanding and self.relaxed_since is None:
            self.relaxed_since, due = time.monotonic(), True
        elif not self._slot.relaxed_outstanding:
            self.relaxed_since = None
        if due:
            self._is_watched = True
            self._wake()

    def note_opening(self) -> None:
        """The engine is open and is to be closed when it is idle."""
        self._wake()

    def require_space(self) -> None:
        """Raises QuotaExceededError where the disk is full. It may be full of what compactions have left that failed,
        which LevelDB removes only when it is opened again: ``tidy`` sees to that."""
        try:
            self._reserve.ensure()
        except QuotaExceededError:
            self._is_short_of_space = True
            self._wake()
            raise

    def tidy(self) -> float | None:
        """Syncs relaxed commits that are due and closes an idle engine; seconds until the next call, None if never."""
        with self._slot.mutex:
            if not self._slot.is_open:
                self._is_watched = False
                return None
            relaxed_since = self.relaxed_since
        if relaxed_since is not None:
            if (rest := relaxed_since + RELAXED_SYNC_SECONDS - time.monotonic()) > 0:
                return rest
            self.sync_relaxed()
        self._compact_if_due()
        return self.close_idle()

    def sync_relaxed(self) -> None:
        """Makes the relaxed commits durable; without the mutex."""
        with self._slot.io:
            self.relaxed_since = None
            self._slot.sync()
        self._reclaimer.schedule()

    def _compact_if_due(self) -> None:
        with self._slot.mutex:
            engine = self._slot.engine
            totals = self._overlay.totals(self._slot.catalogue)
            if engine is None or self.garbage < max(COMPACTED_BYTES, totals.bytes_used // 4):
                return
            self.garbage = 0
        self._in_background(partial(engine.compact, b"", b"\xff" * 16))

    def close_idle(self) -> float | None:
        """Closes the engine if nobody has used it for long, else says how many seconds are left; without the mutex."""
        if self._slot.is_in_memory:
            return None
        if (rest := self._seconds_to_close()) > 0:
            return rest
        with self._slot.io, self._slot.mutex:
            rest = self._seconds_to_close()
            if rest > 0 or self._is_in_use():
                return max(rest, 1.0)
            self._is_short_of_space, self._swept_at = False, time.monotonic()
            self.close_engine()
            self._is_watched = False
            return None

    def _seconds_to_close(self) -> float:
        """Until the engine is closed; the next access opens it again."""
        if self._is_short_of_space and self._slot.can_be_reopened:
            return self._swept_at + SWEEP_SECONDS - time.monotonic()
        return self.used_at + IDLE_SECONDS - time.monotonic()

    def close_engine(self) -> None:
        """Syncs and closes; under the I/O lock, too."""
        gone = self._reclaimer.take_gone()
        try:
            self._slot.sync()
            self._slot.forget_journal(gone)
        finally:
            self._slot.close()
