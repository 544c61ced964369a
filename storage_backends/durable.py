"""The only module that writes, syncs, renames or unlinks a file.

Every function here raises plain ``OSError``; ``translated`` turns it into the error tree at the one place where a
caller crosses from files into storage. Nothing here retries a failed fsync: after one, the kernel may have dropped the
dirty pages and reported success would be a lie (https://www.usenix.org/conference/atc20/presentation/rebello).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import QuotaExceededError, StoreFailedError, TfjsdError
from .abc import Buffer
from .writeback import Writeback

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
TEMPORARY_PREFIX = ".tmp-"
_TEMPORARY = re.compile(re.escape(TEMPORARY_PREFIX) + "[0-9a-f]{16}")
_PIECE = 64 * 1024  # larger writes into fresh page cache are slower by half
_NOT_OFFERED = frozenset({errno.ENOTSUP, errno.EINVAL, errno.ENOTTY})  # by this file system, for this kind of file
_FULLFSYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)


def disk_full(where: object, *, needed: int | None = None) -> QuotaExceededError:
    """The error for a disk without space; nothing was changed. ``needed``: bytes that have to be free."""
    space = "some space" if needed is None else f"at least {needed / 1e6:.0f} MB"
    return QuotaExceededError(
        f"The disk is full: {where}", needed=needed, unit="disk", hint=f"Free {space} and try again."
    )


def translate(error: OSError, what: str) -> TfjsdError:
    """The error tree's word for an operating system's error."""
    if error.errno in DISK_FULL:
        return disk_full(error.filename or what)
    return StoreFailedError(f"{what}: {error.strerror or error}", outcome="unchanged")


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Raises QuotaExceededError (unit ``disk``) or StoreFailedError in place of ``OSError``."""
    try:
        yield
    except OSError as error:
        raise translate(error, what) from error


def fsync(descriptor: int) -> None:
    """Puts a file's data and size on stable storage (on macOS past the drive's cache, which fsync does not do)."""
    if _FULLFSYNC is not None:
        try:
            fcntl.fcntl(descriptor, _FULLFSYNC)
        except OSError as error:
            if error.errno not in _NOT_OFFERED:
                raise
        else:
            return
    os.fsync(descriptor)


def fsync_path(path: Path) -> None:
    """Syncs a file or a directory through a descriptor of its own."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path, *, mode: int = 0o700) -> None:
    """Creates a directory and its missing parents; durable on return. One that exists stays as it is."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=mode)
        fsync_path(directory.parent)


def rename(source: Path, target: Path) -> None:
    """Replaces ``target`` atomically; durable after the next sync of its directory."""
    os.rename(source, target)


def link(source: Path, target: Path) -> None:
    """Gives a file a second name, which must be free; durable after the next sync of its directory."""
    os.link(source, target, follow_symlinks=False)


def unlink(path: Path) -> None:
    """Removes a name; one that is gone already is fine."""
    path.unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    """Removes a directory and all below it; one that is gone already is fine. Follows no symbolic link."""
    if path.exists() or path.is_symlink():
        shutil.rmtree(path)


def remove_empty_directory(path: Path) -> bool:
    """Removes a directory that holds nothing; whether it is gone. Durable after the next sync of its parent."""
    try:
        path.rmdir()
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
            raise
        return False
    return True


def truncate(path: Path, size: int) -> None:
    """Cuts a file to ``size`` bytes, durably."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.ftruncate(descriptor, size)
        fsync(descriptor)
    finally:
        os.close(descriptor)


def preallocate(path: Path, size: int) -> None:
    """Creates a file that holds ``size`` bytes of disk space."""
    with StagedFile(path.parent, mode=0o600) as staged:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(staged.descriptor, 0, size)
        else:
            for _ in range(0, size, _PIECE):
                staged.write(bytes(_PIECE))
        staged.sync()
        staged.publish(path)


def free_space(path: Path) -> int:
    """Bytes that an ordinary user may still write on the file system of ``path``."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def _temporary_name() -> str:
    return f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"


class StagedFile:
    """A new file under a temporary name in ``directory``; ``publish`` gives it its own.

    Leaving the ``with`` block unpublished removes it; what a killed process leaves is swept at the next start.
    """

    def __init__(self, directory: Path, *, mode: int = 0o400) -> None:
        self.path = directory / _temporary_name()
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        self.descriptor = os.open(self.path, flags, mode)
        self.size = 0
        self._writeback = Writeback(self.descriptor)
        self._published = False

    def write(self, data: Buffer) -> None:
        """Appends the whole of ``data``, however the system splits it."""
        view = memoryview(data).cast("B")
        while view:
            written = os.write(self.descriptor, view[:_PIECE])
            self.size += written
            view = view[written:]
            self._writeback.wrote(written)

    def sync(self) -> None:
        """Puts what was written on stable storage."""
        fsync(self.descriptor)

    def publish(self, target: Path) -> None:
        """Renames the synced file over ``target``; the name is durable after the next sync of the directory."""
        rename(self.path, target)
        self._published = True
        self.close()

    def close(self) -> None:
        """Frees the descriptor and, unpublished, the file; idempotent."""
        if self.descriptor >= 0:
            descriptor, self.descriptor = self.descriptor, -1
            try:
                os.close(descriptor)
            finally:
                if not self._published:
                    unlink(self.path)

    def __enter__(self) -> StagedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_file(path: Path, data: Buffer, *, mode: int = 0o600) -> None:
    """Replaces a file atomically and durably: the old content or the new one, at any crash."""
    with StagedFile(path.parent, mode=mode) as staged:
        staged.write(data)
        staged.sync()
        staged.publish(path)
    fsync_path(path.parent)


class LinkedFile:
    """A second name for an open file in ``directory``, or a copy where the file system allows no second name.

    ``publish`` and leaving the ``with`` block do what StagedFile's do.
    """

    def __init__(self, directory: Path, descriptor: int) -> None:
        self.path = directory / _temporary_name()
        self._published = False
        try:
            # The source directory is ignored beside an absolute path, but makes CPython call linkat, which follows.
            os.link(f"/proc/self/fd/{descriptor}", self.path, src_dir_fd=descriptor, follow_symlinks=True)
            os.fchmod(descriptor, 0o400)
            fsync(descriptor)
        except FileNotFoundError:  # no /proc
            self._copy(descriptor)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
                raise
            self._copy(descriptor)

    def _copy(self, descriptor: int) -> None:
        with StagedFile(self.path.parent) as staged:
            offset = 0
            while piece := os.pread(descriptor, _PIECE, offset):
                staged.write(piece)
                offset += len(piece)
            staged.sync()
            staged.publish(self.path)

    def publish(self, target: Path) -> None:
        """Renames the synced file over ``target``; the name is durable after the next sync of the directory."""
        rename(self.path, target)
        self._published = True

    def __enter__(self) -> LinkedFile:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._published:
            unlink(self.path)


def sweep(directory: Path, unwanted: Callable[[os.DirEntry[str]], bool] | None = None) -> None:
    """Removes the temporary files that a killed process left in ``directory`` (or what ``unwanted`` names)."""
    if not directory.is_dir():
        return
    with os.scandir(directory) as entries:
        for entry in list(entries):
            if unwanted(entry) if unwanted else _TEMPORARY.fullmatch(entry.name):
                path = directory / entry.name
                if stat.S_ISDIR(entry.stat(follow_symlinks=False).st_mode):
                    remove_tree(path)
                else:
                    unlink(path)
