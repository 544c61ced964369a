"""The operations of the operating system that a store can't be faster than."""

from __future__ import annotations

import mmap
import os
import shutil
import time
from pathlib import Path

import numpy as np

# Large writes into a fresh page cache take several times as long on some machines; pieces of this size never do.
PIECE = 1 << 16
LARGE_PIECE = 1 << 22
"""Gives the page cache large pages: a file that is mapped afterwards is read 20 times as fast the first time."""


def write_and_fsync(path: Path, data: bytes | bytearray | memoryview, piece: int = PIECE) -> float:
    """A new file of these bytes on stable storage; seconds. The file is removed afterwards, outside the time."""
    started = time.perf_counter()
    with path.open("xb", buffering=0) as file:
        for at in range(0, len(data), piece):
            file.write(memoryview(data)[at : at + piece])
        os.fsync(file.fileno())
    elapsed = time.perf_counter() - started
    path.unlink()
    return elapsed


def copy_and_fsync(source: Path, target: Path) -> float:
    """``cp`` and an fsync; seconds."""
    started = time.perf_counter()
    shutil.copyfile(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    elapsed = time.perf_counter() - started
    target.unlink()
    return elapsed


def map_file(path: Path) -> np.ndarray:
    """The file as bytes that are read when they are touched."""
    with path.open("rb") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)


def touch(view: np.ndarray) -> int:
    """Reads one byte of every page."""
    return int(view[:: mmap.PAGESIZE].sum(dtype=np.uint64))
