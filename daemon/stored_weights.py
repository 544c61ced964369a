"""A stored model held open for as long as its bytes are being sent."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from types import TracebackType

from ..model_io.origin import Origin
from ..storage_backends.abc import Blob, BlobStore
from ..wire.model_body import MappedBlob


class OpenModel:
    """Texts, info, and weights as a buffer or a descriptor; removal of the model takes nothing away from it."""

    def __init__(
        self, texts: Mapping[str, str], info: str, weights: memoryview | int | None, size: int | None, etag: str
    ) -> None:
        self.texts = texts
        self.info = info
        self.weights = weights
        self.size = size
        self.etag = etag

    def __enter__(self) -> OpenModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self.weights, int):
            os.close(self.weights)


def open_model(origin: Origin, url: str) -> OpenModel:
    """The model at ``url``, its blob checked against its digest: what is sent is what was saved.

    Raises ModelNotFoundError, InvalidArtifactsError, CorruptionError naming a blob that is damaged.
    """
    blobs = origin.bucket.blobs
    with origin.bucket.locked():  # no removal falls between reading the record and pinning its blob
        model, info = origin.models.open(url), origin.models.info(url).to_json()
        blob = model.weights if isinstance(model.weights, Blob) else None
        if blob is not None:
            blobs.pin(blob.digest)
    if blob is None:
        weights = model.weights if isinstance(model.weights, memoryview) else None
        return OpenModel(model.texts, info, weights, model.weight_bytes, _etag(weights))
    with contextlib.ExitStack() as stack:
        stack.callback(blobs.unpin, blob.digest)
        blobs.verify(blob)
        path = blobs.path(blob)
        held: memoryview | int
        held = blobs.map(blob) if path is None else os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        return OpenModel(model.texts, info, held, blob.size, f'"{blob.digest}"')


def mapped_blob(blobs: BlobStore, blob: Blob) -> MappedBlob | None:
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
