"""A transaction's writes become one mutation of the bucket. https://w3c.github.io/IndexedDB/#commit-a-transaction"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from ..abc import Blob
from .layout import NEXT_ID
from .transaction_view import IdSequence, TransactionView


class Changes(Protocol):
    """A mutation of a bucket."""

    def put(self, key: bytes, value: bytes) -> None: ...
    def write_all(self, writes: Mapping[bytes, bytes | None], before: Mapping[bytes, bytes | None]) -> None: ...
    def refer(self, blob: Blob, owner: bytes) -> None: ...
    def release(self, digest: str, owner: bytes) -> None: ...


Admit = Callable[[int], None]
"""Takes the bytes by which the bucket would grow; raises QuotaExceededError."""


def write_to(changes: Changes, view: TransactionView, ids: IdSequence, admit: Admit) -> list[Blob]:
    """Puts the pending writes into the mutation; gives the blobs that it now refers to.

    A blob's owner is the key of its record. Raises what ``admit`` raises.
    """
    referred: list[Blob] = []
    writes = view.writes
    changes.write_all(writes.writes, writes.before)
    for key in writes.old_blobs.keys() | writes.blobs.keys():
        before = {blob.digest for blob in writes.old_blobs.get(key, ())}
        after = {blob.digest: blob for blob in writes.blobs.get(key, ())}
        for digest, blob in after.items():
            if digest not in before:
                changes.refer(blob, key)
                referred.append(blob)
        for digest in before - after.keys():
            changes.release(digest, key)
    if view.took_id:
        changes.put(NEXT_ID, ids.packed())
    admit(writes.growth)
    return referred
