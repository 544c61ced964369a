"""What engines do differently in IndexedDB, as data. What is the same for all is the specification's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..browsers import Browser
from .key_coding import MAX_DEPTH


@dataclass(frozen=True, slots=True)
class EngineBehaviour:
    """One engine."""

    key_depth: int = MAX_DEPTH
    """Arrays in arrays that a key may have."""
    keeps_negative_zero: bool = True
    """A key -0 reads back as -0."""
    clones_first: bool = True
    """``put`` clones the value before it looks at the key: DataCloneError comes before DataError."""


_ENGINES: Final = {
    "chromium": EngineBehaviour(),
    "firefox": EngineBehaviour(key_depth=64, keeps_negative_zero=False, clones_first=False),
    "webkit": EngineBehaviour(),
}


def behaviour_of(browser: Browser) -> EngineBehaviour:
    return _ENGINES[browser.engine]
