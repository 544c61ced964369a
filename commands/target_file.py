"""A file that a command writes: there when it is whole, or not at all."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..storage_backends.durable import StagedFile


class Writable(Protocol):
    """As far as a command writes."""

    def write(self, data: bytes | memoryview, /) -> object: ...


@contextmanager
def target_file(name: str) -> Iterator[Writable]:
    """Takes the place of ``name``, readable by its owner only, once the block has ended without an exception.

    A symbolic link keeps pointing to it; a device or a named pipe is written to.

    Raises:
        OSError: it cannot be written; what was there is as it was.
    """
    from ..storage_backends.durable import fsync_path

    target = Path(os.path.realpath(name))
    if target.exists() and not target.is_file():
        with target.open("wb") as file:
            yield file
        return
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    with _staged(target.parent, name) as staged:
        yield _Named(staged, name)
        with _naming(name):
            staged.sync()
            staged.publish(target)
            fsync_path(target.parent)


def _staged(directory: Path, name: str) -> StagedFile:
    from ..storage_backends.durable import StagedFile

    with _naming(name):
        return StagedFile(directory, mode=0o600)


class _Named:
    """A staged file whose errors name the file that the user has named, not the one that is there meanwhile."""

    def __init__(self, file: StagedFile, name: str) -> None:
        self._file = file
        self._name = name

    def write(self, data: bytes | memoryview, /) -> None:
        with _naming(self._name):
            self._file.write(data)


@contextmanager
def _naming(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from error
