"""The blobs that a stored record holds, also where it no longer says so itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ...errors import CorruptionError
from ..abc import Blob
from ..catalogue import REFERENCES, following, reference_key, reference_size, referred_digest, referring_owner
from .record_head import stored_blobs


class Scanned(Protocol):
    """A bucket, or a mutation of it."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, start: bytes, stop: bytes | None) -> Iterator[tuple[bytes, bytes]]: ...


def held_blobs(bucket: Scanned, key: bytes, stored: bytes) -> list[Blob]:
    """As ``stored_blobs``; those of a record that is damaged, or names one that it does not refer to, are looked for
    among all references of the bucket, so that it can be replaced and deleted like any other."""
    try:
        blobs = stored_blobs(key, stored)
    except CorruptionError:
        return list(_referred(bucket, key))
    if all(bucket.get(reference_key(blob.digest, key)) is not None for blob in blobs):
        return blobs
    return list(_referred(bucket, key))


def _referred(bucket: Scanned, owner: bytes) -> Iterator[Blob]:
    for reference, size in bucket.scan(REFERENCES, following(REFERENCES)):
        if referring_owner(reference) == owner:
            yield Blob(referred_digest(reference), reference_size(size))
