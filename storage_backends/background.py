"""Work that nobody waits for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor

from ..errors import TfjsdError

_log = logging.getLogger(__name__)


class Background:
    """Runs tasks in a pool. A storage error is logged: tasks only reclaim space, and a later one does the rest."""

    def __init__(self, pool: Executor, origin: str) -> None:
        self._pool = pool
        self._origin = origin

    def __call__(self, task: Callable[[], None]) -> None:
        self._pool.submit(self._run, task)

    def _run(self, task: Callable[[], None]) -> None:
        try:
            task()
        except TfjsdError as error:
            _log.warning("%s: space was not reclaimed: %s", self._origin, error)
