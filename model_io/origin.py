"""Everything that one origin holds, and all origins of a home."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from typing import Any

from ..storage_backends.abc import Clock
from ..storage_backends.browsers import Browser
from ..storage_backends.home import Home
from ..storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from ..storage_backends.web_storage import bucket_quota
from ..storage_backends.web_storage.bucket_quota import Conditions, enforced_quota
from ..storage_backends.web_storage.storage_area import StorageArea
from ..storage_backends.web_storage.storage_event import StorageEvent
from .event_hub import EventHub, Listener
from .model_management import Models
from .origin_name import checked_origin
from .quirks import NO_QUIRKS, Quirks
from .store import StorageEstimate, StoreEvent

DEFAULT_ORIGIN = "http://localhost"


class Origin:
    """The storage of one origin: its localStorage area, its IndexedDB databases, and the models in both."""

    def __init__(
        self,
        home: Home,
        name: str,
        browser: Browser,
        clock: Clock,
        quirks: Quirks = NO_QUIRKS,
        disk_total: Callable[[], int] | None = None,
    ) -> None:
        """``disk_total`` gives the size of the disk, from which browsers compute the bucket's quota; without it there
        is only their fixed one."""
        self.name = name
        self.browser = browser
        self.bucket = home.bucket(name)
        self.area = StorageArea(self.bucket, browser)
        self._disk_total = disk_total
        self.databases = IndexedDBBackingStore(self.bucket, browser, limit=self._limit)
        if browser.bucket.counts_local_storage:
            self.area.share_quota(self._has_room)
        self.events = EventHub()
        parts = (self.bucket, self.area, self.databases, browser, clock, self.events)
        self.models = Models(*parts) if not quirks else _faulty_models(*parts, quirks)

    def subscribe(self, listener: Listener, *, source: object = None) -> Callable[[], None]:
        """Tells of every model and every storage change of the origin from now on, once it is committed, until the
        returned function is called. The listener runs in the committing thread and must not block. Without the changes
        of localStorage that ``source`` makes, if one is given: a browser tells those to nobody but the others."""

        def hear(event: StorageEvent) -> None:
            data = {"key": event.key, "oldValue": event.old_value, "newValue": event.new_value, "url": event.url}
            listener(StoreEvent("storage", self.name, {**data, "storageArea": event.storage_area}))

        ends = (self.events.subscribe(listener), self.area.subscribe(hear, source=source))

        def unsubscribe() -> None:
            for end in ends:
                end()

        return unsubscribe

    def _quota(self) -> int | None:
        """What the bucket may hold, in bytes, of what counts against its quota."""
        if self._disk_total is None:
            return self.browser.bucket.cap
        return enforced_quota(self.browser, Conditions(self._disk_total()))

    def _limit(self) -> int | None:
        """What the bucket may hold, in bytes, with localStorage."""
        quota = self._quota()
        return quota if quota is None or self.browser.bucket.counts_local_storage else quota + self.area.used()

    def _has_room(self, growth: int) -> bool:
        """Whether localStorage may grow (in Firefox it is part of what the bucket holds)."""
        quota = self._quota()
        return quota is None or self.bucket.bytes_used() + growth <= quota

    def estimate(self, disk_total: int) -> StorageEstimate:
        """What ``navigator.storage.estimate()`` says on a disk of that size: logical bytes (each reference counts) and
        the quota that the browser shows; the disk's size where it has none."""
        in_databases = max(self.bucket.bytes_used() - self.area.units(), 0)
        shown = bucket_quota.estimate(
            self.browser, Conditions(disk_total), indexed_db=in_databases, local_storage=self.area.used()
        )
        return StorageEstimate(
            usage=shown.usage,
            quota=disk_total if shown.quota is None else shown.quota,
            usage_details={"indexedDB": in_databases, "localStorage": self.area.used()},
            local_storage_units=self.area.units(),
            local_storage_quota=self.browser.web_storage.limit,
            models=len(self.models.list_models_text()),
        )


def _faulty_models(*parts: Any) -> Models:
    from .faulty_models import FaultyModels

    return FaultyModels(*parts)


class Origins:
    """The origins of one home, under one browser's rules; thread-safe. ``quirks`` are faults of TensorFlow.js that its
    models are to have."""

    def __init__(self, home: Home, browser: Browser, clock: Clock, quirks: Quirks = NO_QUIRKS) -> None:
        self.home = home
        self.browser = browser
        self.quirks = quirks
        self._clock = clock
        self._known: dict[str, Origin] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Origin:
        """The origin, whether it holds something or not; nothing is created on the disk by asking."""
        with self._lock:
            if name not in self._known:
                self._known[name] = Origin(
                    self.home, checked_origin(name), self.browser, self._clock, self.quirks, self._disk_total
                )
            return self._known[name]

    def close(self) -> None:
        """Aborts what is open in any origin's databases, commits what is pending, and frees the home; nothing is read
        any more. Idempotent."""
        with self._lock:
            known = list(self._known.values())
        for origin in known:
            origin.databases.close()
        try:
            self.home.close()
        finally:
            for origin in known:
                origin.area.close()

    def forget(self) -> None:
        """Lets go of every origin: after a restore, the home has other buckets."""
        with self._lock:
            self._known.clear()

    def estimates(self) -> dict[str, StorageEstimate]:
        """Usage and quota of every origin that holds something."""
        return {name: self.estimate(name) for name in self.home.origins()}

    def estimate(self, name: str) -> StorageEstimate:
        """Usage and quota of one origin."""
        return self.get(name).estimate(self._disk_total())

    def _disk_total(self) -> int:
        return shutil.disk_usage("/" if self.home.path is None else self.home.path).total
