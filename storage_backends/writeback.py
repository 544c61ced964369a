"""Large files on their way to the disk while they are still being written.

A program that writes 64 MiB and then syncs has the disk wait for the processor, and the processor for the disk. Told in
between, Linux begins with what is there; the sync at the end, which alone promises anything, finds little left to do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

_STEP = 1 << 20
"""Bytes between two hints: enough for large requests to the disk, and little enough for a model of localStorage."""
_WRITE = 2  # SYNC_FILE_RANGE_WRITE


class Writeback:
    """Follows a new file as it is appended to. It neither waits nor promises anything: an error is the sync's to
    report. Where the system cannot be told, nothing happens."""

    __slots__ = ("_begun", "_descriptor", "_size")

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = 0
        self._begun = 0

    def wrote(self, count: int) -> None:
        """So many bytes were appended. https://man7.org/linux/man-pages/man2/sync_file_range.2.html"""
        self._size += count
        if self._size - self._begun >= _STEP and (sync_file_range := _sync_file_range()) is not None:
            sync_file_range(self._descriptor, self._begun, self._size - self._begun, _WRITE)
            self._begun = self._size


@cache
def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    try:
        import ctypes

        function = ctypes.CDLL(None).sync_file_range
    except (ImportError, OSError, AttributeError, MemoryError):  # MemoryError: no memory may be made executable
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    return function
