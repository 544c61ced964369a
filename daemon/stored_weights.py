"""A stored model held open for as long as its bytes are being sent."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import TracebackType

from ..model_io.origin import Origin
from ..model_io.stored_model import StoredModel
from ..storage_backends.abc import Blob, BlobStore
from ..wire.model_body import MappedBlob, ModelHeader

Check = Callable[[BlobStore, Blob], None]
"""Makes sure that a blob is what it was, or raises CorruptionError."""

_RECENT = 60.0


class OpenModel:
    """Texts, info, and weights as a buffer or a descriptor; removal of the model takes nothing away from it.

    ``blob`` is there in place of weights where the client may map them.
    """

    def __init__(
        self,
        model: StoredModel,
        info: str,
        weights: memoryview | int | None,
        etag: str,
        blob: MappedBlob | None = None,
    ) -> None:
        self.header = ModelHeader(model.texts, model.weight_bytes, info=info, blob=blob)
        self.size = model.weight_bytes or 0
        self.weights = weights
        self.etag = etag

    def __enter__(self) -> OpenModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self.weights, int):
            os.close(self.weights)


def open_model(origin: Origin, url: str, check: Check, *, mapped: bool = False) -> OpenModel:
    """The model at ``url``. Weights that are to be sent are checked against their digest: what leaves was saved so.
    Weights that are ``mapped`` are not read at all.

    Raises ModelNotFoundError, InvalidArtifactsError, CorruptionError naming a blob that is damaged.
    """
    blobs = origin.bucket.blobs
    with origin.models.opened(url) as (info, model):
        if not isinstance(model.weights, Blob):
            return OpenModel(model, info, model.weights, _etag(model.weights))
        blob = model.weights
        place = _mapped_blob(blobs, blob) if mapped else None
        held = None if place is not None else _held(blobs, blob, check)
        return OpenModel(model, info, held, f'"{blob.digest}"', place)


def _held(blobs: BlobStore, blob: Blob, check: Check) -> memoryview | int:
    check(blobs, blob)
    path = blobs.path(blob)
    try:
        return blobs.map(blob) if path is None else os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        verify(blobs, blob)  # which names it
        raise


class RecentlyVerified:
    """Which blobs were read whole a moment ago: a client that asks for one range after the other has the whole read
    once, not each time. Thread-safe enough: at worst a blob is read once more."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], float] = {}

    def check(self, blobs: BlobStore, blob: Blob) -> None:
        """Verifies a blob unless this very file was verified within the last minute. Raises CorruptionError."""
        path, now = blobs.path(blob), time.monotonic()
        try:
            status = None if path is None else path.stat()
        except FileNotFoundError:
            status = None  # verify names it
        identity = (blob.digest, 0, 0) if status is None else (blob.digest, status.st_ino, status.st_mtime_ns)
        if now - self._known.get(identity, -_RECENT) >= _RECENT:
            blobs.verify(blob)
            self._known = {known: when for known, when in self._known.items() if now - when < _RECENT}
            self._known[identity] = now


def verify(blobs: BlobStore, blob: Blob) -> None:
    """Reads the whole blob. Raises CorruptionError."""
    blobs.verify(blob)


def trust(_blobs: BlobStore, _blob: Blob) -> None:
    """For answers without a body."""


def is_in_place(blob: MappedBlob) -> bool:
    """Whether the file that a client was told of is still that file."""
    try:
        status = os.stat(blob.path, follow_symlinks=False)
    except OSError:  # met again, and reported, where the model is opened
        return False
    return (status.st_dev, status.st_ino, status.st_size) == (blob.device, blob.inode, blob.size)


def _mapped_blob(blobs: BlobStore, blob: Blob) -> MappedBlob | None:
    """Where a client may map the blob, or None where it lies in no file (any more)."""
    path = blobs.path(blob)
    if path is None:
        return None
    try:
        status = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return MappedBlob(os.fspath(path), status.st_dev, status.st_ino, status.st_size, blob.digest)


def _etag(weights: memoryview | None) -> str:
    from blake3 import blake3

    return f'"{blake3(weights or b"").hexdigest()}"'
