"""Telling callers what became of their mutations."""

from __future__ import annotations

import logging

from ..errors import QuotaExceededError, StoreFailedError, TfjsdError
from .commit_queue import Group

_log = logging.getLogger(__name__)


def announce(group: Group, error: TfjsdError | None) -> None:
    """Tells callers what became of their mutations; without locks."""
    for index, entry in enumerate(group):
        if error is not None:
            entry.future.set_exception(error if index == 0 else _not_tried(error))
            continue
        for callback in entry.committed:
            try:
                callback()
            except Exception:  # noqa: BLE001 (the outermost frame of a thread; the commit stands)
                _log.exception("A listener of a commit failed")
        entry.future.set_result(None)


def _not_tried(error: TfjsdError) -> TfjsdError:
    """What a mutation is told that was sequenced after one that failed with ``error``."""
    if isinstance(error, QuotaExceededError):
        return error
    return StoreFailedError(f"An earlier write failed, this one was not tried: {error}", outcome="unchanged")
