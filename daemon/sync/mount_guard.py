"""Whether the directory is there: a mount that is gone must not be taken for the deletion of everything.

A mount point without its file system is an empty directory. So a pair leaves a file of its own at the top of its
directory (as Syncthing does with ``.stfolder``); where it cannot, an empty directory counts as gone.
"""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import SyncError
from ...storage_backends import durable
from .memory import Memory

MARKER = ".tfjsd-sync"
_TEXT = b"This directory is kept equal with a tfjsd store (tfjsd sync list). The file shows that it is mounted.\n"


def require_directory(root: Path, memory: Memory, *, mark: bool = True) -> None:
    """Raises SyncError; otherwise sees to it (``mark``) that the marker is there."""
    if not root.is_dir() or root.is_symlink():
        raise SyncError(f"{root} is not there", hint="is its file system mounted?")
    present = (root / MARKER).is_file()
    if not present and memory.base and not _holds_something(root):
        raise SyncError(
            f"{root} is empty, and held {len(memory.base)} models",
            hint="is its file system mounted? If they are to go: tfjsd sync approve ID --deletions",
        )
    memory.marked = present or (mark and mark_directory(root))


def _holds_something(root: Path) -> bool:
    with os.scandir(root) as entries:
        return any(True for _ in entries)


def mark_directory(root: Path) -> bool:
    """Leaves the marker; whether it could."""
    try:
        durable.write_file(root / MARKER, _TEXT, mode=0o644)
    except OSError:  # read-only: the directory can still be read, and counts as gone once it is empty
        return False
    return True
