"""Making simulated browsers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ..model_io.origin import DEFAULT_ORIGIN
from ..model_io.quirks import quirks_named
from ..storage_backends.abc import Clock
from ..storage_backends.browsers import Browser, browser_named
from .clock import SimulatedClock
from .profile import DISK_TOTAL, MEMORY_TOTAL, BrowserProfile
from .simulated_browser import SimulatedBrowser
from .tab import Tab

DEFAULT_QUIRKS = "tfjs-4.22"


def simulate_browser(
    browser: str | Browser = "chrome",
    *,
    quota: int | None = None,
    local_storage_quota: int | None = None,
    indexeddb_quota: int | None = None,
    disk_total: int = DISK_TOTAL,
    memory_total: int = MEMORY_TOTAL,
    private: bool = False,
    origin: str = DEFAULT_ORIGIN,
    quirks: str | Iterable[str] | None = DEFAULT_QUIRKS,
    clock: Clock | datetime | str | int | None = None,
    seed: int = 0,
) -> SimulatedBrowser:
    """A browser with one tab at ``origin``, and nothing stored. Close it, or use it in a ``with`` statement.

    ``quota`` is the origin's, in bytes: IndexedDB has so much, and localStorage not more. ``local_storage_quota`` (in
    the engine's unit) and ``indexeddb_quota`` (bytes) set one of the two. ``disk_total`` is what quotas are otherwise
    computed from, ``memory_total`` the same for private windows. ``quirks`` are the faults of TensorFlow.js that its
    models have (``docs/quirks.md``), None for none. ``clock``: a Clock, or when its time stands still: an aware
    datetime, an ISO text, or milliseconds. ``seed`` is the one of ``SimulatedBrowser.random``.

    Raises ValueError for an unknown browser or quirk, or a negative quota.
    """
    rules = browser_named(browser) if isinstance(browser, str) else browser
    if quota is not None:
        limit = rules.web_storage.limit
        rules = rules.derive(
            rules.name, bucket_quota=quota, local_storage_quota=quota if limit is None else min(quota, limit)
        )
    if local_storage_quota is not None:
        rules = rules.derive(rules.name, local_storage_quota=local_storage_quota)
    if indexeddb_quota is not None:
        rules = rules.derive(rules.name, bucket_quota=indexeddb_quota)
    profile = BrowserProfile(
        rules,
        clock=_clock(clock),
        quirks=quirks_named(quirks),
        disk_total=disk_total,
        memory_total=memory_total,
        private=private,
        seed=seed,
    )
    return SimulatedBrowser(profile, Tab(profile), origin, owner=True)


def _clock(clock: Clock | datetime | str | int | None) -> Clock:
    if clock is None:
        return SimulatedClock()
    return SimulatedClock(clock) if isinstance(clock, datetime | str | int) else clock
