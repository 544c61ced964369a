"""Whether the directory is there: a mount that is gone must not be taken for the deletion of everything.

A mount point without its file system is a directory that is empty, or holds something else. So a pair leaves a file of
its own at the top of its directory (as Syncthing does with ``.stfolder``). It remembers that it did, and in which
directory: programs that mirror into it (``rsync --delete``) remove the file. Where it cannot, an empty directory counts
as gone. Below the directory it remembers which places were file systems of their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Set
from pathlib import Path

from ...errors import SyncError
from ...storage_backends import durable
from .memory import Memory
from .planning import State, Unready, Version

MARKER = ".tfjsd-sync"
_TEXT = b"This directory is kept equal with a tfjsd store (tfjsd sync list). The file shows that it is mounted.\n"
_HINT = "is its file system mounted? If it is, and what is missing is to go: tfjsd sync approve ID --deletions"
_ADVICE = "if what is missing is to go: tfjsd sync approve ID --deletions"


class MountGuard:
    """For one pass; ``confirm`` belongs after the look at the directory: it may be mounted over meanwhile."""

    def __init__(self, root: Path, memory: Memory, *, mark: bool = True) -> None:
        """Raises SyncError where the directory is not there; otherwise sees to it (``mark``) that the marker is."""
        self._root = root
        self._identity = identity_of(root)
        if self._identity is None:
            raise SyncError(f"{root} is not there", hint="is its file system mounted?")
        present = (root / MARKER).is_file()
        if not present and memory.base and not _holds_something(root):
            raise SyncError(f"{root} is empty, and held {len(memory.base)} models", hint=_HINT)
        if not present and memory.base and memory.marked and memory.root != self._identity:
            raise SyncError(f"{root} lacks the file {MARKER} that was there", hint=_HINT)
        memory.marked = present or (mark and _mark(root))
        memory.root = self._identity

    def confirm(self, mounts: Mapping[str, int]) -> None:
        """Raises SyncError where it is another directory now, or one of the ``mounts`` below it (with their devices)
        is not what was looked at."""
        if identity_of(self._root) != self._identity:
            raise SyncError(f"{self._root} became another directory while it was looked at")
        for place, device in mounts.items():
            if (now := identity_of(self._root / place)) is None or now[0] != device:
                raise SyncError(f"{self._root / place} was mounted or unmounted while it was looked at")


def accept_directory(root: Path, memory: Memory) -> None:
    """The directory, as it is mounted now, is the right one from now on."""
    memory.marked = _mark(root)
    memory.mounts = None


def identity_of(root: Path) -> tuple[int, int] | None:
    """Device and inode of a directory, which a mount that comes or goes changes; None where there is none."""
    try:
        status = os.stat(f"{root}/")
    except OSError:
        return None
    return status.st_dev, status.st_ino


def hold_remounted(memory: Memory, mounted: Set[str], directory: dict[str, State], models: Iterable[str]) -> None:
    """Problems in the ``directory`` are, of these ``models``, those below a place that was a file system of its own and
    is not among those that are ``mounted`` now, and those that were there before one was mounted over them. So it
    stays until the mounts are as they were, or no model is known there."""
    before = mounted if memory.mounts is None else memory.mounts
    gone, come, covering = before - mounted, mounted - before, set[str]()
    for model in models:
        state = directory.get(model)
        if (place := _place_of(model, gone)) is not None:
            directory[model] = Unready(f"the file system that was mounted at {place} is gone; {_ADVICE}", problem=True)
        elif model in memory.base and not isinstance(state, Version) and (place := _place_of(model, come)) is not None:
            covering.add(place)
            if state is None:
                directory[model] = Unready(f"a file system was mounted over {place}; {_ADVICE}", problem=True)
    memory.mounts = {place for place in gone if any(_place_of(model, {place}) for model in memory.base)}
    memory.mounts |= mounted - covering


def _place_of(model: str, places: Iterable[str]) -> str | None:
    return next((place for place in places if f"{model}/".startswith(f"{place}/")), None)


def _holds_something(root: Path) -> bool:
    with os.scandir(root) as entries:
        return any(True for _ in entries)


def _mark(root: Path) -> bool:
    """Leaves the marker; whether it could."""
    try:
        durable.write_file(root / MARKER, _TEXT, mode=0o644)
    except OSError:  # read-only: the directory can still be read, and counts as gone once it is empty
        return False
    return True
