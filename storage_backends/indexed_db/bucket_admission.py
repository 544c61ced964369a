"""Whether a bucket may grow by what a transaction adds, as the browser decides it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...errors import QuotaExceededError
from ..browsers import Browser
from ..buckets import Bucket
from ..web_storage.bucket_quota import UsageMeter

Limit = Callable[[], int | None]


class BucketAdmission:
    """The quota of one bucket. ``limit`` gives the bytes it may hold, None for no limit; asked for each time."""

    def __init__(self, bucket: Bucket, browser: Browser, limit: Limit | None = None) -> None:
        self._bucket = bucket
        self._browser = browser
        self._limit = limit or (lambda: browser.bucket.cap)
        self._meter = UsageMeter(browser)
        self.decides_at_request = browser.bucket.decision == "request"

    def admit(self, growth: int) -> None:
        """Raises QuotaExceededError, in the browser's words, where ``growth`` bytes more pass the quota."""
        needed = self._meter.count(self._bucket.bytes_used()) + growth  # of what is about to shrink too
        limit = self._limit()
        if limit is None or growth <= 0:
            return
        if needed > limit:
            self._refuse(self._browser.bucket.record_message, limit, needed)

    def admit_database(self) -> None:
        """Raises QuotaExceededError where a new database cannot be opened in a full bucket."""
        limit = self._limit()
        if limit is None or self._browser.bucket.opens_when_full:
            return
        usage = self._meter.count(self._bucket.bytes_used())
        if usage >= limit:
            self._refuse(self._browser.bucket.open_message, limit, usage)

    def database_deleted(self) -> None:
        """In WebKit, only this (and a restart) gives room back."""
        self._meter.restart()

    @contextmanager
    def remembered(self) -> Iterator[None]:
        """After the block the usage counts as before it: for what is only tried out."""
        with self._meter.remembered():
            yield

    def _refuse(self, message: str, limit: int, needed: int) -> None:
        interface = self._browser.web_storage.quota_interface
        hint = f"the origin would hold {needed:,} bytes, and may hold {limit:,}: remove something from it first"
        raise QuotaExceededError(message, limit=limit, needed=needed, unit="disk", interface=interface, hint=hint)
