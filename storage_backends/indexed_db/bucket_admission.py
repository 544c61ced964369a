"""Whether a bucket may grow by what a transaction adds, as the browser decides it."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import QuotaExceededError
from ..browsers import Browser
from ..buckets import Bucket


class BucketAdmission:
    """The quota of one bucket. ``limit`` gives the bytes it may hold, None for no limit; asked for each time."""

    def __init__(self, bucket: Bucket, browser: Browser, limit: Callable[[], int | None] | None = None) -> None:
        self._bucket = bucket
        self._browser = browser
        self._limit = limit or (lambda: browser.bucket.cap)
        self.decides_at_request = browser.bucket.decision == "request"

    def admit(self, growth: int) -> None:
        """Raises QuotaExceededError, in the browser's words, where ``growth`` bytes more pass the quota."""
        if growth <= 0:
            return
        limit = self._limit()
        if limit is None:
            return
        needed = self._bucket.bytes_used() + growth
        if needed > limit:
            self._refuse(self._browser.bucket.record_message, limit, needed)

    def admit_database(self) -> None:
        """Raises QuotaExceededError where a new database cannot be opened in a full bucket."""
        limit = self._limit()
        if limit is not None and not self._browser.bucket.opens_when_full and self._bucket.bytes_used() >= limit:
            self._refuse(self._browser.bucket.open_message, limit, limit + 1)

    def _refuse(self, message: str, limit: int, needed: int) -> None:
        interface = self._browser.web_storage.quota_interface
        raise QuotaExceededError(message, limit=limit, needed=needed, unit="disk", interface=interface)
