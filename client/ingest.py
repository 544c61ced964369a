"""Handing large weights over as a file that the daemon takes into its store, hashed but not copied."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..storage_backends.writeback import Writeback
from .effects import Call, Operation
from .messages import Progress, Request

if TYPE_CHECKING:
    from .session import Session

SMALLEST = 1 << 20
"""Smaller weights travel with the request: one round trip less counts for more."""
_WRITE = 1 << 22
"""Small writes fill the page cache with small pages: who maps the file takes 16 times as long to touch them all."""
_SLICE = 1 << 23
"""Written between two looks at whether the caller was cancelled."""


class IngestFile:
    """A file in the daemon's ingest directory, under the name that the daemon issued."""

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self._path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        self._writeback = Writeback(self._descriptor)

    def write(self, view: memoryview) -> None:
        at = 0
        while at < len(view):
            written = os.write(self._descriptor, view[at : at + _WRITE])
            self._writeback.wrote(written)
            at += written

    def close(self) -> None:
        """The daemon takes a file only when nobody can write to it any more."""
        if self._descriptor != -1:
            os.close(self._descriptor)
            self._descriptor = -1

    def discard(self) -> None:
        """Removes what the daemon has not taken."""
        self.close()
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            return


def stage(session: Session, pieces: list[memoryview], on_progress: Progress | None) -> Operation[IngestFile | None]:
    """The weights as a complete, closed file; None where the daemon, or its directory, does not take one from here."""
    response = yield from session.answer(Request("POST", "/v1/ingest", reads=True))
    if response.status != 201:
        return None
    issued = json.loads(bytes(response.body))
    try:
        file = IngestFile(issued["name"], issued["path"])
    except OSError:
        return None
    done, total = 0, sum(map(len, pieces))
    try:
        for piece in _slices(pieces):
            yield Call(file.write, (piece,), brief=True)
            done += len(piece)
            if on_progress is not None:
                on_progress(done, total)
        file.close()
    except OSError:
        file.discard()
        return None
    except BaseException:
        file.discard()
        raise
    return file


def _slices(pieces: list[memoryview]) -> Iterator[memoryview]:
    for piece in pieces:
        for start in range(0, len(piece), _SLICE):
            yield piece[start : start + _SLICE]
