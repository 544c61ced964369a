"""Files that a caller of the same user wrote into the home's ingest directory, taken over without a copy.

The caller could still hold such a file open and change it after it was hashed. A read lease closes that gap: the
kernel refuses it while a writer or a writable mapping is open, and makes a later one wait
(https://man7.org/linux/man-pages/man2/F_SETLEASE.2const.html). Without leases the bytes have to be sent.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import signal
import stat
from pathlib import Path

from ..errors import IngestRefusedError
from . import durable
from .abc import Blob, BlobStore

_NAME = re.compile(r"[0-9a-f]{32}")
_F_SETLEASE: int | None = getattr(fcntl, "F_SETLEASE", None)
_F_GETLEASE: int = getattr(fcntl, "F_GETLEASE", 0)
_F_SETSIG: int = getattr(fcntl, "F_SETSIG", 0)


class Ingest:
    """One ingest directory (mode 0700, of the owner of the home)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def new_name(self) -> tuple[str, Path]:
        """A name that nobody has guessed, and where the caller may create a file of it (``O_EXCL``, mode 0600)."""
        name = secrets.token_hex(16)
        return name, self._directory / name

    def adopt(self, name: str, size: int, blobs: BlobStore) -> Blob:
        """Stages the file's bytes as a blob, pinned as ``stage`` does; the file is gone from the directory afterwards.

        Raises IngestRefusedError, with nothing staged, for a name that was not issued, anything but a regular file of
        this user with one link and ``size`` bytes, a file that someone has open for writing, and a system without
        leases.
        """
        if not _NAME.fullmatch(name):
            raise IngestRefusedError("That is not a name of the ingest directory")
        with durable.translated("Cannot take over a staged file"):
            try:
                descriptor = self._open(name)
            except FileNotFoundError as error:
                raise IngestRefusedError("No such file is staged") from error
            try:
                return self._take(descriptor, size, blobs)
            finally:
                os.close(descriptor)  # drops the lease
                durable.unlink(self._directory / name)

    def _open(self, name: str) -> int:
        directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            # O_NONBLOCK: a FIFO must not keep us waiting.
            return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise IngestRefusedError(f"The staged file cannot be opened: {error.strerror}") from error
        finally:
            os.close(directory)

    def _take(self, descriptor: int, size: int, blobs: BlobStore) -> Blob:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_nlink != 1:
            raise IngestRefusedError("The staged file is not a regular file of this user with one name")
        if status.st_size != size:
            raise IngestRefusedError(f"The staged file has {status.st_size} bytes in place of {size}")
        _lease(descriptor)
        os.fchmod(descriptor, 0o400)  # who asks to write from here on is refused, who asked before broke the lease
        blob = blobs.adopt(descriptor, size)
        if fcntl.fcntl(descriptor, _F_GETLEASE) != fcntl.F_RDLCK:
            blobs.redeem(blob)
            raise IngestRefusedError("The staged file is being opened for writing")
        return blob


def _lease(descriptor: int) -> None:
    if _F_SETLEASE is None:
        raise IngestRefusedError("This system has no file leases")
    # A lease that is broken raises a signal; the default one would end the process.
    fcntl.fcntl(descriptor, _F_SETSIG, signal.SIGURG)
    try:
        fcntl.fcntl(descriptor, _F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        raise IngestRefusedError(f"The staged file is still open for writing: {error.strerror}") from error
