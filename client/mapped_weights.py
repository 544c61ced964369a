"""Weights without a copy: the daemon names the file, the client maps it."""

from __future__ import annotations

import mmap
import os
import stat
from typing import TYPE_CHECKING

from ..errors import CorruptionError

if TYPE_CHECKING:
    from ..wire.model_body import MappedBlob


class BlobMoved(Exception):
    """The file is gone: the model was removed or replaced after the daemon answered. Ask again."""


class BlobUnreachable(Exception):
    """That path does not lead this process to the daemon's file (another mount namespace, say). Have it streamed."""


def map_blob(blob: MappedBlob) -> memoryview:
    """A read-only view of the file's bytes; it lives as long as somebody holds it, whatever becomes of the file.

    Size and identity of the file are checked, not its bytes. Raises BlobMoved, BlobUnreachable.
    """
    try:
        descriptor = os.open(blob.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise BlobMoved(blob.path) from error
    except OSError as error:
        raise BlobUnreachable(blob.path) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise BlobUnreachable(blob.path)
        if (status.st_dev, status.st_ino, status.st_size) != (blob.device, blob.inode, blob.size):
            raise BlobUnreachable(blob.path)
        if not blob.size:
            return memoryview(b"")
        return memoryview(mmap.mmap(descriptor, blob.size, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise BlobUnreachable(blob.path) from error
    finally:
        os.close(descriptor)


def check_digest(view: memoryview, digest: str) -> None:
    """Raises CorruptionError, naming the digest, where the bytes are not the ones that were stored."""
    from blake3 import blake3

    if blake3(view, max_threads=blake3.AUTO).hexdigest() != digest:
        raise CorruptionError(f"The blob {digest} does not have the bytes that were written.")
