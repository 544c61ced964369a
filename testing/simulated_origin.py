"""An origin of a simulated browser, and all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..model_io.event_hub import EventHub
from ..model_io.faulty_models import FaultyModels
from ..model_io.model_management import Models
from ..model_io.origin import Origin, Origins
from ..model_io.origin_name import checked_origin
from ..model_io.store import StorageEstimate
from ..storage_backends.indexed_db.key_range_words import fall_silent
from ..storage_backends.web_storage.bucket_quota import UsageMeter, counted_usage, enforced_quota, estimate
from .simulated_area import SimulatedArea
from .simulated_databases import Rehearsal, SimulatedDatabases

if TYPE_CHECKING:
    from .profile import BrowserProfile


class SimulatedOrigin(Origin):
    """As ``Origin``, with the bucket quota that its browser computes, and with faults on request."""

    area: SimulatedArea
    databases: SimulatedDatabases

    def __init__(self, profile: BrowserProfile, name: str) -> None:
        browser, clock = profile.browser, profile.clock
        self.name = name
        self.browser = browser
        self.bucket = profile.home.bucket(name)
        self._profile = profile
        self._meter = UsageMeter(browser)
        self.area = SimulatedArea(self.bucket, browser, clock, profile.faults, self.has_room)
        self.area.leaked = profile.leaked.get(name, 0)
        self.databases = SimulatedDatabases(self.bucket, browser, profile.faults, self._limit, self._meter.restart)
        self.events = EventHub()
        parts = (self.bucket, self.area, self.databases, browser, clock, self.events)
        self.plain_models = Models(*parts)
        self.models = FaultyModels(*parts, profile.quirks) if profile.quirks else self.plain_models

    def usage(self) -> int:
        """What counts against the bucket's quota, in bytes."""
        return self._meter.count(self._present_usage())

    def quota(self) -> int | None:
        """What the bucket may hold, in bytes; None for no limit."""
        return enforced_quota(self.browser, self._profile.conditions(self.name))

    @contextmanager
    def rehearsal(self, room: int = 0) -> Iterator[Rehearsal]:
        """What the block does is done as ever, and then taken back; in it IndexedDB may hold ``room`` bytes more."""
        with (
            self.bucket.rehearsal(),
            self._meter.remembered(),
            self.area.rehearsal(),
            self.databases.rehearsal(room) as rehearsal,
        ):
            yield rehearsal

    def estimate(self, disk_total: int) -> StorageEstimate:
        indexed_db = self.bucket.bytes_used() - self.area.stored_bytes()
        found = estimate(
            self.browser, self._profile.conditions(self.name), indexed_db=indexed_db, local_storage=self.area.used()
        )
        return StorageEstimate(
            usage=max(self.usage(), found.usage),
            quota=disk_total if found.quota is None else found.quota,
            usage_details=found.usage_details,
            local_storage_units=self.area.units(),
            local_storage_quota=self.browser.web_storage.limit,
            models=len(self.plain_models.list_models_text()),
        )

    def now(self) -> int:
        """The browser's time, in milliseconds since 1970."""
        return self._profile.clock.now()

    def has_room(self, growth: int) -> bool:
        """Whether localStorage may grow, as far as the bucket is concerned (in Firefox it is part of that)."""
        quota = self.quota() if self.browser.bucket.counts_local_storage else None
        if quota is None or self.bucket.bytes_used() + growth <= quota:  # records are larger than what counts
            return True
        return self.usage() + growth <= quota

    def _limit(self) -> int | None:
        """The most that the bucket's records may come to, for a write that is about to add some."""
        quota, counted = self.quota(), self._present_usage()
        self._meter.count(counted)  # before it can shrink
        return None if quota is None else quota + self.bucket.bytes_used() - counted

    def _present_usage(self) -> int:
        """What the records of now count, whatever there was before."""
        indexed_db = self.bucket.bytes_used() - self.area.stored_bytes()
        return counted_usage(self.browser, indexed_db=indexed_db, local_storage=self.area.used())


class SimulatedOrigins(Origins):
    """The origins of a simulated browser's profile; rebuilt when the browser restarts."""

    def __init__(self, profile: BrowserProfile) -> None:
        super().__init__(profile.home, profile.browser, profile.clock, profile.quirks)
        self._profile = profile

    def get(self, name: str) -> SimulatedOrigin:
        with self._lock:
            known = self._known.get(name)
            if not isinstance(known, SimulatedOrigin):
                known = self._known[name] = SimulatedOrigin(self._profile, checked_origin(name))
            return known

    def close(self) -> None:
        fall_silent(self._profile)
        super().close()

    def reopen(self, name: str) -> None:
        """The origin is to be opened anew."""
        with self._lock:
            self._known.pop(name, None)

    def opened(self) -> list[SimulatedOrigin]:
        """The origins that were asked for since the browser's start, and those that hold something."""
        return [self.get(name) for name in sorted({*self._known, *self.home.origins()})]

    def _disk_total(self) -> int:
        return self._profile.disk_total
