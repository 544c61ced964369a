"""How the page that ``tfjsd open`` shows gets in: a code that works once, for a minute, exchanged for a token.

The code is what travels through the desktop's programs; the page's token stays in the page and ends with the daemon.
"""

from __future__ import annotations

import hashlib
import time

from ..errors import UnauthorizedError
from ..wire.token_file import new_token

CODE_SECONDS = 60.0
_MOST_CODES = 16
_MOST_PAGES = 64


class PageAccess:
    """Codes that wait to be used, and the pages that used one; belongs to the event loop. Secrets are kept as digests:
    looking one up tells nothing about another by its duration."""

    def __init__(self) -> None:
        self._codes: dict[bytes, float] = {}
        self._pages: dict[bytes, None] = {}

    def issue(self) -> str:
        """A fresh code."""
        while len(self._codes) >= _MOST_CODES:
            del self._codes[next(iter(self._codes))]
        code = new_token()
        self._codes[_digest(code)] = time.monotonic() + CODE_SECONDS
        return code

    def redeem(self, code: str) -> str:
        """The page's token. Raises UnauthorizedError for a code that is unknown, used, or too old."""
        if self._codes.pop(_digest(code), 0.0) < time.monotonic():
            raise UnauthorizedError("This code has been used, or is too old.", hint="tfjsd open")
        while len(self._pages) >= _MOST_PAGES:
            del self._pages[next(iter(self._pages))]
        token = new_token()
        self._pages[_digest(token)] = None
        return token

    def admits(self, token: str) -> bool:
        return _digest(token) in self._pages

    def forget_all(self) -> None:
        """The owner has rotated the token: pages have to be opened again."""
        self._codes.clear()
        self._pages.clear()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
