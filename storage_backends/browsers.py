"""What each browser does, as data: quotas and how they count, refusal rules, error texts, key order.

Measured on Chromium 156, Firefox 153 esr and WebKitGTK 2.50. ``docs/web-storage.md`` has the table. A behaviour that is
an algorithm is named here and implemented by the room that needs it; a browser of one's own is a ``derive`` away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from ..errors import ConfigurationError

MIB = 1 << 20
GIB = 1 << 30

Unit = Literal["utf16", "byte"]
"""How a string counts. ``utf16``: one per UTF-16 code unit. ``byte``: one per code unit where all are at most U+00FF,
else two per code unit, for each string by itself."""

Refusal = Literal["growth", "growth-or-item", "total"]
"""When a write that ends above the limit is refused. ``growth``: only if the total grows past its highest in this task.
``growth-or-item``: if the total grows, or if that one item alone passes the limit. ``total``: always."""

KeyOrderName = Literal["blink", "gecko", "webkit"]


@dataclass(frozen=True, slots=True)
class WebStorageRules:
    """localStorage and sessionStorage of one engine."""

    limit: int | None
    """Quota of one area, over keys and values, in ``unit``; None for no limit."""
    unit: Unit
    refusal: Refusal
    key_order: KeyOrderName
    set_item_message: str
    """What ``setItem`` over the quota says; ``{key}`` stands for the key, raw and whole."""
    named_property_message: str
    """What the assignment ``storage[key] = value`` over the quota says."""
    indexed_property_message: str
    """The same where the key is an array index."""
    quota_interface: str
    """The class that is thrown: ``QuotaExceededError``, or ``DOMException`` of that name."""
    denied_message: str
    """The SecurityError where storage is denied; ``{property}`` stands for ``localStorage`` or ``sessionStorage``."""


@dataclass(frozen=True, slots=True)
class BucketRules:
    """The origin's bucket (IndexedDB) of one engine; ``web_storage.bucket_quota`` does the arithmetic."""

    share: Fraction | None
    """Part of the disk that one origin may use; None: ``cap`` alone."""
    cap: int | None
    """Most bytes of one origin, whatever the disk; None: no such bound."""
    persisted_share: Fraction | None
    """Part of the disk once ``persist()`` was granted; None: as before."""
    pool_share: Fraction | None
    """Part of the disk that all best-effort origins may use before the least recently used ones are evicted."""
    estimate_headroom: int | None
    """``estimate().quota`` is usage plus the disk in whole GiB, rounded up, at most this; None: what is enforced."""
    private_memory_share: Fraction | None
    """In private mode, part of the machine's memory that one origin may use; None: as otherwise."""
    counts_local_storage: bool
    """Usage includes localStorage, and a full bucket refuses localStorage too."""
    persist_granted: bool
    """What ``persist()`` answers where nobody is asked."""
    decision: Literal["request", "commit"]
    """Where a write over the quota fails: its request, or the transaction when it commits."""
    usage_shrinks: bool
    """Deleting gives room back at once; where not, only a restart or deleting databases does."""
    opens_when_full: bool
    """A new database can be opened in a full bucket."""
    record_message: str
    open_message: str
    denied_message: str


@dataclass(frozen=True, slots=True)
class Browser:
    """Whose behaviour a store shows. Immutable and hashable; compare and copy it freely."""

    name: str
    engine: Literal["chromium", "firefox", "webkit"]
    web_storage: WebStorageRules
    bucket: BucketRules

    def derive(self, name: str | None = None, **changes: Any) -> Browser:
        """A browser that differs in ``changes``.

        A change names a field of WebStorageRules or BucketRules, or one of the two shortcuts ``local_storage_quota``
        (in the engine's unit, None: unlimited) and ``bucket_quota`` (bytes, whatever the disk, None: unlimited).
        Raises TypeError for any other name and ValueError for a negative quota.
        """
        storage: dict[str, Any] = {}
        bucket: dict[str, Any] = {}
        for field, value in changes.items():
            if field == "local_storage_quota":
                storage["limit"] = _quota(field, value)
            elif field == "bucket_quota":
                bucket |= _FIXED_BUCKET | {"cap": _quota(field, value)}
            elif field in _STORAGE_FIELDS:
                storage[field] = value
            elif field in _BUCKET_FIELDS:
                bucket[field] = value
            else:
                raise TypeError(f"Browser.derive() has no change named {field!r}")
        return Browser(
            name or f"{self.name}-derived",
            self.engine,
            replace(self.web_storage, **storage),
            replace(self.bucket, **bucket),
        )


_STORAGE_FIELDS = frozenset(WebStorageRules.__slots__) - frozenset(BucketRules.__slots__)
_BUCKET_FIELDS = frozenset(BucketRules.__slots__) - frozenset(WebStorageRules.__slots__)
_FIXED_BUCKET: dict[str, Any] = {
    "share": None,
    "persisted_share": None,
    "estimate_headroom": None,
    "private_memory_share": None,
}


def _quota(field: str, value: int | None) -> int | None:
    if value is not None and value < 0:
        raise ValueError(f"{field} is negative: {value}")
    return value


_FIVE_MIB = 5 * MIB
_INSECURE = "The operation is insecure."
_CHROME_OVER = "Setting the value of '{key}' exceeded the quota."

CHROME = Browser(
    "chrome",
    "chromium",
    WebStorageRules(
        limit=_FIVE_MIB,
        unit="utf16",
        refusal="growth-or-item",
        key_order="blink",
        set_item_message=f"Failed to execute 'setItem' on 'Storage': {_CHROME_OVER}",
        named_property_message=f"Failed to set a named property '{{key}}' on 'Storage': {_CHROME_OVER}",
        indexed_property_message=f"Failed to set an indexed property [{{key}}] on 'Storage': {_CHROME_OVER}",
        quota_interface="QuotaExceededError",
        denied_message="Failed to read the '{property}' property from 'Window': Access is denied for this document.",
    ),
    BucketRules(
        share=Fraction(3, 5),
        cap=None,
        persisted_share=None,
        pool_share=Fraction(4, 5),
        estimate_headroom=10 * GIB,
        # A third of 15 to 20 % of memory, drawn at start; this is the recorded draw.
        private_memory_share=Fraction(1_298_118_761, 24_684_084 * 1024),
        counts_local_storage=False,
        persist_granted=False,
        decision="commit",
        usage_shrinks=True,
        opens_when_full=True,
        record_message="",
        open_message="",
        denied_message="Failed to execute 'open' on 'IDBFactory': access to the Indexed Database API is denied in "
        "this context.",
    ),
)

FIREFOX = Browser(
    "firefox",
    "firefox",
    WebStorageRules(
        limit=_FIVE_MIB,
        unit="utf16",
        refusal="growth",
        key_order="gecko",
        set_item_message="The quota has been exceeded.",
        named_property_message="The quota has been exceeded.",
        indexed_property_message="The quota has been exceeded.",
        quota_interface="DOMException",
        denied_message=_INSECURE,
    ),
    BucketRules(
        share=Fraction(1, 10),
        cap=10 * GIB,
        persisted_share=Fraction(1, 2),
        pool_share=Fraction(1, 2),
        estimate_headroom=None,
        private_memory_share=None,
        counts_local_storage=True,
        persist_granted=True,
        decision="request",
        usage_shrinks=True,
        opens_when_full=True,
        record_message="The current transaction exceeded its quota limitations.",
        open_message="",
        denied_message=_INSECURE,
    ),
)

SAFARI = Browser(
    "safari",
    "webkit",
    WebStorageRules(
        limit=_FIVE_MIB,
        unit="byte",
        refusal="total",
        key_order="webkit",
        set_item_message="The quota has been exceeded.",
        named_property_message="The quota has been exceeded.",
        indexed_property_message="The quota has been exceeded.",
        quota_interface="DOMException",
        denied_message=_INSECURE,
    ),
    BucketRules(
        share=None,
        cap=1000 * MIB,
        persisted_share=None,
        pool_share=None,
        estimate_headroom=None,
        private_memory_share=None,
        counts_local_storage=False,
        persist_granted=False,
        decision="request",
        usage_shrinks=False,
        opens_when_full=False,
        record_message="Failed to PutOrAdd in database because not enough space for domain",
        open_message="Failed to OpenBackingStore in database because not enough space for domain",
        denied_message=_INSECURE,
    ),
)

UNLIMITED = CHROME.derive("unlimited", local_storage_quota=None, bucket_quota=None, pool_share=None)

_BY_NAME = {browser.name: browser for browser in (CHROME, FIREFOX, SAFARI, UNLIMITED)}

BROWSER_NAMES = tuple(_BY_NAME)


def browser_named(name: str) -> Browser:
    """The browser of that name. Raises ConfigurationError (a ValueError) that lists the names there are."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise ConfigurationError(f"no browser named {name!r}: there are {', '.join(BROWSER_NAMES)}") from None
