"""Learning which models of a store have changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from ...model_io.indexed_db import DATABASE_NAME
from ...model_io.origin import Origin, Origins
from ...model_io.store import StoreEvent
from ...wire.sync_pair import SyncPair

_LOCAL_STORAGE = "tensorflowjs_models/"


class StoreWatch:
    """``wake`` is called in a committing thread, after each change below the pair's prefix."""

    def __init__(self, origins: Origins, pair: SyncPair, wake: Callable[[], None]) -> None:
        self._origins = origins
        self._pair = pair
        self._wake = wake
        self._touched: deque[str] = deque()
        self._watched: Origin | None = None
        self._ends: list[Callable[[], None]] = []

    def origin(self) -> Origin:
        """The origin, watched from now on; after a restore it is another object."""
        origin = self._origins.get(self._pair.origin)
        if self._watched is not origin:
            self.stop()
            # Programs that keep to TensorFlow.js's own layout save models with IndexedDB itself: no event says which.
            self._ends = [origin.subscribe(self._hear), origin.databases.subscribe(DATABASE_NAME, self._hear_database)]
            self._watched = origin
        return origin

    @property
    def is_displaced(self) -> bool:
        """Whether the origin is another object than the one that is watched."""
        return self._watched is not self._origins.get(self._pair.origin)

    def touched(self) -> set[str]:
        """The models in which something has changed since this was last asked."""
        return {self._touched.popleft() for _ in range(len(self._touched))}

    def put_back(self, models: Iterable[str]) -> None:
        """They were not looked at."""
        self._touched.extend(models)

    def stop(self) -> None:
        """Ends the watching; idempotent."""
        while self._ends:
            self._ends.pop()()

    def _hear(self, event: StoreEvent) -> None:
        key = event.data.get("key")
        if event.type == "model":
            self._touch(str(event.data["url"]))
        elif event.type == "storage" and key is None:  # all of it was cleared
            if self._pair.prefix.startswith("localstorage://"):
                self._wake()
        elif event.type == "storage" and str(key).startswith(_LOCAL_STORAGE):
            self._touch(f"localstorage://{str(key).removeprefix(_LOCAL_STORAGE).rpartition('/')[0]}")

    def _hear_database(self) -> None:
        if self._pair.prefix.startswith("indexeddb://"):
            self._wake()

    def _touch(self, url: str) -> None:
        if url.startswith(self._pair.prefix):
            self._touched.append(url.removeprefix(self._pair.prefix))
            self._wake()
