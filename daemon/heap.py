"""Giving memory back that one large request needed."""

from __future__ import annotations

import gc
import sys

LARGE = 1 << 20
"""A JSON text that is larger leaves enough behind to be worth a look."""


def trim() -> None:
    """Returns free memory to the system. glibc keeps it otherwise: once a large block was freed, later ones of up to
    that size come from the heap, and what lives above them holds it open (mallopt(3), M_MMAP_THRESHOLD)."""
    gc.collect()  # a refusal's traceback holds what was refused, in a cycle with its future
    if sys.platform != "linux":
        return
    import ctypes

    release = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none, and needs none
    if release is not None:
        release(0)
