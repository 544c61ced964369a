"""In whose words ``IDBKeyRange`` refuses something.

In a browser it is the page's own, here it is everybody's: it speaks as the browser that was simulated last and is not
closed, and as Chromium where there is none.
"""

from __future__ import annotations

import threading
from typing import Final
from weakref import WeakKeyDictionary

from ..browsers import CHROME, Browser
from .dom_exceptions import DOMExceptions

_simulated: Final[WeakKeyDictionary[object, Browser]] = WeakKeyDictionary()
_lock: Final = threading.Lock()


def speak_as(browser: Browser, owner: object) -> None:
    """From here on, until ``owner`` falls silent or is collected, or another one speaks."""
    with _lock:
        _simulated[owner] = browser


def fall_silent(owner: object) -> None:
    """Idempotent."""
    with _lock:
        _simulated.pop(owner, None)


def exceptions() -> DOMExceptions:
    """Those of the browser that speaks now."""
    with _lock:
        speaking = [CHROME, *_simulated.values()][-1]
    return DOMExceptions(lambda: speaking)
