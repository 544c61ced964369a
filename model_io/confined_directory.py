"""Files beneath one directory, opened by names that a document supplies.

A ``model.json`` may come from anywhere, and its manifest names files. tfjs-node joins those names to the directory
unchecked (tfjs-node/src/io/file_system.ts, ``path.join(dirName, path)``), as the Python converter does. Here a name can
only reach a regular file at or below the directory, by real directories: every component is opened relative to the one
before it without following symbolic links, so a link swapped in between two steps changes nothing.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from types import TracebackType

from ..errors import InvalidArtifactsError

_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LAST = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_SWAPPED = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENXIO})
MAX_NAME = 4096
"""Longest manifest path that is looked at, in characters."""
MAX_COMPONENT = 255
"""NAME_MAX of every file system in use, in bytes."""


def components(name: str) -> list[str]:
    """The components of a manifest path, ``.`` and empty ones dropped.

    Raises InvalidArtifactsError for a name that is empty, absolute or too long, holds a NUL, a backslash, a lone
    surrogate or a ``..`` component, or names a directory (ends in ``/``).
    """
    reason = _objection(name)
    if reason is not None:
        raise _refused(name, reason)
    return [part for part in name.split("/") if part not in ("", ".")]


def _objection(name: str) -> str | None:
    if len(name) > MAX_NAME:
        return f"is longer than {MAX_NAME} characters"
    if "\0" in name:
        return "holds a NUL character"
    if "\\" in name:
        return "holds a backslash"
    if any("\ud800" <= character <= "\udfff" for character in name):
        return "holds a lone surrogate"
    if name.startswith("/"):
        return "is absolute"
    parts = name.split("/")
    if any(len(part.encode()) > MAX_COMPONENT for part in parts):
        return f"has a component of more than {MAX_COMPONENT} bytes"
    if ".." in parts:
        return "leaves its directory"
    if parts[-1] in ("", "."):
        return "is no file"
    return None


def _shown(name: str) -> str:
    return ascii(name if len(name) <= 200 else name[:200] + "…")


class ConfinedDirectory:
    """An open directory; a context manager. The path itself is the caller's own and may lead through links."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Opens ``path``. Raises OSError as ``os.open`` does."""
        self.path = os.fspath(path)
        self.descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def open(self, name: str) -> int:
        """A descriptor, for reading, of the regular file that the manifest path ``name`` stands for.

        What is no regular file (FIFO, device, socket, directory, symbolic link) is refused without being opened.
        Raises InvalidArtifactsError for a refused name, FileNotFoundError for a missing file, OSError otherwise.
        """
        *steps, last = components(name)
        directory = os.dup(self.descriptor)
        try:
            for step in steps:
                directory = _descend(directory, step, name)
            return _open_regular(directory, last, name)
        except OSError as error:
            if error.errno not in _SWAPPED:
                raise
            raise _refused(name, "was replaced by a link while it was opened") from error
        finally:
            os.close(directory)

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> ConfinedDirectory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _descend(directory: int, step: str, name: str) -> int:
    """Opens a sub-directory and closes its parent."""
    _require(stat.S_ISDIR, directory, step, name, "leads through something that is no directory")
    below = os.open(step, _STEP, dir_fd=directory)
    os.close(directory)
    return below


def _open_regular(directory: int, last: str, name: str) -> int:
    _require(stat.S_ISREG, directory, last, name, "is no regular file")
    descriptor = os.open(last, _LAST, dir_fd=directory)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidArtifactsError(f"The weights manifest names a file that is no regular file: {_shown(name)}.")
    return descriptor


def _require(is_kind: Callable[[int], bool], directory: int, component: str, name: str, otherwise: str) -> None:
    """Looks before it opens: opening a FIFO or a device can block or have effects."""
    mode = os.stat(component, dir_fd=directory, follow_symlinks=False).st_mode
    if not is_kind(mode):
        hint = "Symbolic links are not followed." if stat.S_ISLNK(mode) else None
        raise _refused(name, otherwise, hint=hint)


def _refused(name: str, reason: str, *, hint: str | None = None) -> InvalidArtifactsError:
    return InvalidArtifactsError(f"The weights manifest names a file that {reason}: {_shown(name)}.", hint=hint)
