"""A file that a command writes: there when it is whole, or not at all."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    from ..storage_backends.durable import StagedFile, fsync_path

    target = Path(os.path.realpath(name))
    if target.exists() and not target.is_file():
        with target.open("wb") as file:
            yield file
        return
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    with StagedFile(target.parent, mode=0o600) as staged:
        yield staged
        staged.sync()
        staged.publish(target)
        fsync_path(target.parent)
