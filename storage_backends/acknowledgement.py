"""Telling callers what became of their mutations."""

from __future__ import annotations

import copy
import logging

from ..errors import QuotaExceededError, StoreFailedError, TfjsdError
from .commit_queue import Group

_log = logging.getLogger(__name__)


def announce(group: Group, tried: int, error: TfjsdError | None) -> None:
    """Tells callers; without locks. If it failed, the first ``tried`` share one fate, the others came to nothing."""
    for index, entry in enumerate(group):
        if error is not None:
            entry.future.set_exception(_own(error) if index < tried else _not_tried(error))
            continue
        for callback in entry.committed:
            try:
                callback()
            except Exception:  # noqa: BLE001 (the outermost frame of a thread; the commit stands)
                _log.exception("A listener of a commit failed")
        entry.future.set_result(None)


def _own(error: TfjsdError) -> TfjsdError:
    """Each caller raises an exception of its own: tracebacks of several threads do not mix."""
    mine = copy.copy(error)
    mine.__cause__ = error.__cause__
    return mine


def _not_tried(error: TfjsdError) -> TfjsdError:
    """What a mutation is told that was sequenced after one that failed with ``error``."""
    if isinstance(error, QuotaExceededError):
        return _own(error)
    return StoreFailedError(f"An earlier write failed, this one was not tried: {error}", outcome="unchanged")
