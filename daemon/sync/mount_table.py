"""What is mounted at and below a directory, as the kernel tells (proc(5), ``/proc/PID/mountinfo``)."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MOUNTS = Path("/proc/self/mountinfo")
_ESCAPE = re.compile(r"\\([0-7]{3})")
"""A blank, a line's end or a backslash in a name; all other bytes of a name stand there as they are."""


class Mount(NamedTuple):
    """One line: two mounts at one place have different numbers."""

    number: str
    place: str
    kind: str


def file_system_of(path: Path, mounts: Path = MOUNTS) -> str | None:
    """The type of the file system that holds ``path``; None where the system does not tell."""
    resolved, best, found = os.path.realpath(path), -1, None
    for mount in _mounts(mounts):
        if _is_at_or_below(resolved, mount.place) and len(mount.place) >= best:
            best, found = len(mount.place), mount.kind
    return found


def mounts_below(path: Path, mounts: Path = MOUNTS) -> frozenset[Mount]:
    """The file systems that are mounted below ``path`` or there; empty where the system does not tell."""
    resolved = os.path.realpath(path)
    return frozenset(mount for mount in _mounts(mounts) if _is_at_or_below(mount.place, resolved))


def _mounts(mounts: Path) -> Iterator[Mount]:
    if sys.platform != "linux" or not mounts.exists():
        return
    for line in filter(None, os.fsdecode(mounts.read_bytes()).split("\n")):
        before, _, after = line.partition(" - ")
        number, place = (before.split(" ")[column] for column in (0, 4))
        yield Mount(number, _ESCAPE.sub(lambda escape: chr(int(escape[1], 8)), place), after.split(" ")[0])


def _is_at_or_below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place.rstrip('/')}/")
