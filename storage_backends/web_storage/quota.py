"""Quota arithmetic of Web Storage: how a string counts, and when each engine refuses a write.

Every rule reproduces what the engine did at, around and above its limit; see ``docs/web-storage.md``.
"""

from __future__ import annotations

from ...errors import QuotaExceededError
from ..browsers import WebStorageRules


def size_in(rules: WebStorageRules, width: int, units: int) -> int:
    """What a string of ``units`` code units counts; ``width`` is 1 where all of them are at most U+00FF, else 2."""
    return units * width if rules.unit == "byte" else units


def is_refused(rules: WebStorageRules, *, total: int, before: int, peak: int, item: int) -> bool:
    """Whether setting an item of size ``item`` (key and value) is over quota.

    It would bring the area from ``before`` to ``total``; ``peak`` is the highest total since the running task began
    (Firefox grants that much again within the task).
    """
    limit = rules.limit
    if limit is None:
        return False
    if rules.refusal == "total":
        return total > limit
    if rules.refusal == "growth-or-item":
        return item > limit or (total > before and total > limit)
    return total > peak and total > limit


def quota_error(rules: WebStorageRules, key: str, needed: int, *, named_property: bool) -> QuotaExceededError:
    """The error as the engine words it; ``needed`` is the total that was asked for."""
    template = rules.set_item_message
    if named_property:
        template = rules.indexed_property_message if _is_array_index(key) else rules.named_property_message
        if not key:  # Chromium leaves an empty name out of its context
            template = template.replace(" '{key}' on ", " on ", 1)
    return QuotaExceededError(
        template.replace("{key}", key),
        limit=rules.limit,
        needed=needed,
        unit=rules.unit,
        interface=rules.quota_interface,
    )


def _is_array_index(key: str) -> bool:
    """https://tc39.es/ecma262/#array-index: the canonical decimal form of an integer up to 2**32 - 2."""
    if not key.isascii() or not key.isdigit() or len(key) > 10:
        return False
    return str(int(key)) == key and int(key) < 2**32 - 1
