"""Programs in the middle of replacing a model's files one by one, as rsync and cp do: between two files the model is as
large as it should be and rests, and is half of one version and half of another."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from .directory_model import DirectoryModel, FileStamp, is_being_written
from .ignored_names import may_become
from .settling import Settling

PATIENCE = 15
"""Times the settle time that a model rests of which only some weight files have changed."""
_LONGEST_SECONDS = 60.0
_ABANDONED_SECONDS = 600.0
"""A temporary file that nobody has changed for so long is nobody's, where the kernel does not tell who has it open."""
_LOOK_SECONDS = 1.0
"""What ends well ends with an event; this is for a temporary file that just goes, or is left behind."""


class Unrest(NamedTuple):
    """Why a model is not taken yet, and in how many seconds to look again."""

    reason: str
    seconds: float


def unrest_of(
    root: Path, model: DirectoryModel, before: Collection[FileStamp], on_their_way: Collection[str], settling: Settling
) -> Unrest | None:
    """What waits for a model that was read just now and rests by itself; None: nothing. ``before``: its files when it
    was last taken; ``on_their_way``: paths of the files that may be about to become one of its files."""
    if rest := settling.rest(model.changed):
        return Unrest("it is still changing", rest)
    for path in sorted(set(_temporaries(model, on_their_way))):
        if rest := _rest_of_temporary(root / path, settling):
            return Unrest(f"{path} is on its way into it", min(rest, _LOOK_SECONDS))
    if rest := _rest_of_part(model, before, settling):
        return Unrest("only some of its weight files have changed", rest)
    return None


def _temporaries(model: DirectoryModel, on_their_way: Collection[str]) -> Iterator[str]:
    for path in on_their_way:
        place, name = posixpath.split(path)
        targets = (posixpath.split(file.path) for file in model.files)
        if any(place == where and may_become(name, target) for where, target in targets):
            yield path


def _rest_of_temporary(path: Path, settling: Settling) -> float:
    """Seconds until a temporary file is nobody's; 0 where it is, or is gone."""
    try:
        changed, written = path.lstat().st_ctime, _is_open_for_writing(path)
    except FileNotFoundError:
        return 0.0
    if written:
        return _ABANDONED_SECONDS
    seconds = _ABANDONED_SECONDS if written is None else settling.seconds * PATIENCE
    return Settling(seconds, settling.now).rest(changed)


def _is_open_for_writing(path: Path) -> bool | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        return None
    try:
        return is_being_written(descriptor)
    finally:
        os.close(descriptor)


def _rest_of_part(model: DirectoryModel, before: Collection[FileStamp], settling: Settling) -> float:
    """Seconds until a model of several weight files, of which some are as they were and some are not, is meant so: the
    slower the writer was from one file to the next, the later."""
    weights = list(zip(model.files, model.changes, strict=True))[1:]
    changes = sorted(changed for file, changed in weights if file not in before)
    if not settling.seconds or len(changes) in (0, len(weights)):
        return 0.0
    slowest = max((later - earlier for earlier, later in pairwise(changes)), default=0.0)
    seconds = max(settling.seconds * PATIENCE, min(2 * slowest, _LONGEST_SECONDS))
    return Settling(seconds, settling.now).rest(changes[-1])
