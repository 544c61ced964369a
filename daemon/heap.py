"""Giving memory back that one large request needed.

glibc keeps what was freed: once a large block was freed, later ones of up to that size come from the heap, what lives
above them holds it open, and the end of another thread's heap is never returned (mallopt(3), M_MMAP_THRESHOLD).
"""

from __future__ import annotations

import gc
import sys
from functools import cache
from typing import Any

LARGE = 1 << 20
"""A JSON text that is larger leaves enough behind to be worth a look."""

_M_MMAP_THRESHOLD = -3  # malloc.h


@cache
def keep_large_blocks_apart() -> None:
    """From now on blocks of ``LARGE`` bytes go back to the system as soon as they are freed."""
    library = _c_library()
    if hasattr(library, "mallopt"):  # musl has none, and needs none
        library.mallopt(_M_MMAP_THRESHOLD, LARGE)


def trim() -> None:
    """Returns to the system what many small blocks took."""
    gc.collect()  # a refusal's traceback holds what was refused, in a cycle with its future
    library = _c_library()
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


@cache
def _c_library() -> Any:
    """The C library, loaded when it is first needed; None where its heap is another one."""
    if sys.platform != "linux":
        return None
    import ctypes

    return ctypes.CDLL(None)
