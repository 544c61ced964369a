"""How much an origin's bucket may hold in each browser: quota, estimate, persistence, eviction, denial.

https://storage.spec.whatwg.org/ leaves the numbers to the browsers; these are measured (``docs/web-storage.md``), and
computed from what is passed in: nothing here looks at this machine's disk, memory or clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from ...errors import QuotaExceededError, SecurityError
from ..browsers import GIB, Browser

StorageAPI = Literal["localStorage", "sessionStorage", "indexedDB"]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a browser bases an origin's quota on, in bytes."""

    disk_total: int
    memory_total: int = 8 * GIB
    private: bool = False
    persisted: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """``navigator.storage.estimate()``: bytes; quota None where there is no limit.

    ``quota`` is what the page is shown, ``enforced`` what a write meets: in Chrome they are not the same.
    """

    usage: int
    quota: int | None
    enforced: int | None
    usage_details: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OriginUse:
    """What eviction knows of an origin: ``last_used`` in milliseconds since the epoch."""

    origin: str
    usage: int
    last_used: int
    persisted: bool = False


def enforced_quota(browser: Browser, conditions: Conditions) -> int | None:
    """The bytes that an origin's bucket may hold, or None for no limit."""
    rules = browser.bucket
    if conditions.private and rules.private_memory_share is not None:
        return int(rules.private_memory_share * conditions.memory_total)
    if conditions.persisted and rules.persisted_share is not None:
        return int(rules.persisted_share * conditions.disk_total)
    if rules.share is None:
        return rules.cap
    part = int(rules.share * conditions.disk_total)
    return part if rules.cap is None else min(part, rules.cap)


def counted_usage(browser: Browser, *, indexed_db: int, local_storage: int) -> int:
    """The bytes that count against the quota; ``local_storage`` is what the area counts, in its own unit."""
    return indexed_db + (local_storage if browser.bucket.counts_local_storage else 0)


def estimate(browser: Browser, conditions: Conditions, *, indexed_db: int, local_storage: int) -> Estimate:
    """What the page is told. Only Chrome has usage details, and hides the disk's size behind a round number."""
    usage = counted_usage(browser, indexed_db=indexed_db, local_storage=local_storage)
    enforced = enforced_quota(browser, conditions)
    headroom = browser.bucket.estimate_headroom
    quota = enforced
    if headroom is not None:
        whole_gib = -(-conditions.disk_total // GIB) * GIB
        quota = usage + min(headroom, whole_gib)
    shows_details = browser.engine == "chromium" and indexed_db > 0
    return Estimate(usage, quota, enforced, {"indexedDB": indexed_db} if shows_details else {})


class UsageMeter:
    """An origin's usage as its browser counts it in one session: in WebKit it never shrinks until a restart."""

    def __init__(self, browser: Browser) -> None:
        self._shrinks = browser.bucket.usage_shrinks
        self._highest = 0

    def count(self, usage: int) -> int:
        """What counts now that ``usage`` bytes are held."""
        self._highest = usage if self._shrinks else max(self._highest, usage)
        return self._highest

    @contextmanager
    def remembered(self) -> Iterator[None]:
        """What is counted in the block is forgotten after it."""
        highest = self._highest
        try:
            yield
        finally:
            self._highest = highest

    def restart(self) -> None:
        """The browser was restarted, or the origin's databases were deleted."""
        self._highest = 0


def check_growth(browser: Browser, conditions: Conditions, *, usage: int, growth: int) -> None:
    """Raises QuotaExceededError, in the engine's words for a write to IndexedDB, if the bucket cannot grow so much.

    ``usage`` is the counted usage before. Whether the request or the commit fails is ``browser.bucket.decision``.
    """
    limit = enforced_quota(browser, conditions)
    if limit is not None and growth > 0 and usage + growth > limit:
        raise _over(browser, browser.bucket.record_message, limit, usage + growth)


def check_open(browser: Browser, conditions: Conditions, *, usage: int) -> None:
    """Raises QuotaExceededError where the browser opens no new database in a full bucket."""
    limit = enforced_quota(browser, conditions)
    if limit is not None and usage >= limit and not browser.bucket.opens_when_full:
        raise _over(browser, browser.bucket.open_message, limit, usage)


def persist(browser: Browser, *, answer: bool | None = None) -> bool:
    """What ``navigator.storage.persist()`` resolves with; ``answer`` is the user's or a policy's, if there is one."""
    return browser.bucket.persist_granted if answer is None else answer


def origins_to_evict(browser: Browser, disk_total: int, uses: Iterable[OriginUse]) -> list[str]:
    """The origins that the browser would evict now: least recently used first, until the rest fits its pool.

    Persisted origins count and stay. Empty where the browser has no pool, as ``unlimited``.
    """
    if browser.bucket.pool_share is None:
        return []
    known = list(uses)
    over = sum(use.usage for use in known) - int(browser.bucket.pool_share * disk_total)
    evicted: list[str] = []
    for use in sorted(known, key=lambda use: (use.last_used, use.origin)):
        if over <= 0:
            break
        if not use.persisted and use.usage:
            evicted.append(use.origin)
            over -= use.usage
    return evicted


def denied_error(browser: Browser, api: StorageAPI) -> SecurityError:
    """What using a storage throws that the user or a policy denies."""
    if api == "indexedDB":
        return SecurityError(browser.bucket.denied_message)
    return SecurityError(browser.web_storage.denied_message.replace("{property}", api))


def _over(browser: Browser, message: str, limit: int, needed: int) -> QuotaExceededError:
    interface = browser.web_storage.quota_interface
    return QuotaExceededError(message, limit=limit, needed=needed, unit="disk", interface=interface)
