"""StorageEvent: what other clients of an origin hear of a change.

https://html.spec.whatwg.org/multipage/webstorage.html#the-storageevent-interface
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StorageEvent:
    """One change, told after it was committed, to everyone but the client that made it.

    Setting an item: ``old_value`` is None if it is new. Removing one: ``new_value`` is None. Clearing: ``key`` and both
    values are None. What changes nothing (the same value again, a missing key, an empty area) has no event.
    ``url`` is the document or program that made the change, ``storage_area`` is ``localStorage`` or ``sessionStorage``.
    """

    key: str | None
    old_value: str | None
    new_value: str | None
    url: str
    storage_area: str


StorageListener = Callable[[StorageEvent], None]
