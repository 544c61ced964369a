"""Storage that the user or a policy denies."""

from __future__ import annotations

import threading
from typing import Literal, get_args

from ..storage_backends.browsers import Browser
from ..storage_backends.web_storage.bucket_quota import StorageAPI, denied_error

Deniable = Literal["localstorage", "indexeddb", "downloads"]
DENIABLE: tuple[Deniable, ...] = get_args(Deniable)

_API: dict[str, StorageAPI] = {"localstorage": "localStorage", "indexeddb": "indexedDB"}


class Access:
    """What may still be used, and how often; thread-safe. sessionStorage is denied together with localStorage."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._lock = threading.Lock()
        self._left: dict[str, int] = {}

    def deny(self, what: Deniable, after: int = 0) -> None:
        """Denies a storage, or downloads, once it was used ``after`` times more.

        Raises ValueError for another word or a negative number.
        """
        if what not in DENIABLE:
            raise ValueError(f"cannot deny {what!r}: there are {', '.join(DENIABLE)}")
        if after < 0:
            raise ValueError(f"after is negative: {after}")
        with self._lock:
            self._left[what] = after

    def allow(self, what: Deniable) -> None:
        """Takes a denial back."""
        with self._lock:
            self._left.pop(what, None)

    def is_allowed(self, what: Deniable) -> bool:
        """Counts a use; whether it may take place."""
        with self._lock:
            left = self._left.get(what)
            if left is None:
                return True
            self._left[what] = max(left - 1, 0)
            return left > 0

    def refuse_denied(self, what: Deniable) -> None:
        """Raises SecurityError where a use would; counts none."""
        if self._left.get(what) == 0:
            raise denied_error(self._browser, _API[what])

    def check(self, what: Deniable, api: StorageAPI | None = None) -> None:
        """Counts a use; raises SecurityError in the browser's words where it is denied."""
        if not self.is_allowed(what):
            raise denied_error(self._browser, api or _API[what])
