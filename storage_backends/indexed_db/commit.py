"""A transaction's writes become one mutation of the bucket. https://w3c.github.io/IndexedDB/#commit-a-transaction"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..abc import Blob
from ..values import blobs_of
from .layout import NEXT_ID, RECORDS
from .record_head import value_of
from .transaction_view import IdSequence, TransactionView


class Changes(Protocol):
    """A mutation of a bucket."""

    def get(self, key: bytes) -> bytes | None: ...
    def put(self, key: bytes, value: bytes) -> None: ...
    def delete(self, key: bytes) -> None: ...
    def refer(self, blob: Blob, owner: bytes) -> None: ...
    def release(self, digest: str, owner: bytes) -> None: ...


_INDEX = slice(9, 13)
_NO_INDEX = b"\x00\x00\x00\x00"

Admit = Callable[[int], None]
"""Takes the bytes by which the bucket would grow; raises QuotaExceededError."""


def write_to(changes: Changes, view: TransactionView, ids: IdSequence, admit: Admit) -> list[Blob]:
    """Puts the pending writes into the mutation; gives the blobs that it now refers to.

    A blob's owner is the key of its record. Raises what ``admit`` raises.
    """
    referred: list[Blob] = []
    growth = 0
    writes = view.writes
    for key, value in writes.writes.items():
        old = changes.get(key)
        if value is not None:
            growth += len(key) + len(value)
            changes.put(key, value)
        elif old is not None:
            changes.delete(key)
        else:
            continue
        growth -= 0 if old is None else len(key) + len(old)
        if key[:1] == RECORDS and key[_INDEX] == _NO_INDEX:
            growth += _change_references(changes, key, old, writes.blobs.get(key, ()), referred)
    if view.took_id:
        changes.put(NEXT_ID, ids.packed())
    admit(growth)
    return referred


def _change_references(
    changes: Changes, key: bytes, old: bytes | None, blobs: tuple[Blob, ...], referred: list[Blob]
) -> int:
    """Gives the bytes that the record's blobs grow by."""
    before = {blob.digest: blob for blob in stored_blobs(old)} if old else {}
    if not before and not blobs:
        return 0
    after = {blob.digest: blob for blob in blobs}
    for digest, blob in after.items():
        if digest not in before:
            changes.refer(blob, key)
            referred.append(blob)
    for digest in before:
        if digest not in after:
            changes.release(digest, key)
    return sum(blob.size for blob in after.values()) - sum(blob.size for blob in before.values())


def stored_blobs(record: bytes) -> list[Blob]:
    """The blobs of a stored record."""
    value = value_of(record)
    return blobs_of(value) if value else []
