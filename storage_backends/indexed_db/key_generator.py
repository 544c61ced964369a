"""Key generators. https://w3c.github.io/IndexedDB/#key-generator-construct"""

from __future__ import annotations

import math
from typing import Any, Final

FIRST: Final = 1
MAXIMUM: Final = 1 << 53
"""2^53: the last number that is generated."""


def next_after(current: int, key: Any) -> int:
    """The generator's next number once a record was stored with an explicit key.

    https://w3c.github.io/IndexedDB/#possibly-update-the-key-generator
    """
    if isinstance(key, bool) or not isinstance(key, int | float):
        return current
    number = math.floor(min(key, MAXIMUM)) if key != -math.inf else -1
    return max(current, number + 1)


def is_exhausted(current: int) -> bool:
    return current > MAXIMUM
