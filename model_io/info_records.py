"""The records of ``model_info_store`` in memory: a list of ten thousand is read once, and then what has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..storage_backends.buckets import Bucket
from ..storage_backends.indexed_db.direct_transaction import BackingTransaction
from ..storage_backends.indexed_db.key_coding import decode_key
from .listed_info import ListedInfo

Read = Callable[[Callable[[BackingTransaction], None]], object]
"""Runs work on the state of now, unless there is no such database."""
Decode = Callable[[bytes], ListedInfo | None]
"""What a record is in the list; None for what is no model's."""


class InfoRecords:
    """One store's records that are models', decoded; for use under the bucket's mutex."""

    def __init__(self, bucket: Bucket, store: str, read: Read, decode: Decode) -> None:
        self._bucket = bucket
        self._store = store
        self._read = read
        self._decode = decode
        self._generation = -1
        self._prefix = b""
        self._known: dict[bytes, ListedInfo] = {}
        """By encoded key, in its order."""

    def current(self) -> Sequence[ListedInfo]:
        """Those of now, in key order. Raises what ``decode`` raises, for as long as that record is there."""
        if self._generation != self._bucket.generation:
            known, self._known = self._known, {}
            before, self._generation = self._generation, -1
            self._read(lambda transaction: self._follow(transaction, known, self._bucket.changed_since(before)))
            self._generation = self._bucket.generation
        return list(self._known.values())

    def _follow(
        self, transaction: BackingTransaction, known: dict[bytes, ListedInfo], changed: set[bytes] | None
    ) -> None:
        before, self._prefix = self._prefix, transaction.key_prefix(self._store)
        changes = None if changed is None or before != self._prefix else self._changes(transaction, changed)
        if changes is None:
            records = transaction.records(self._store)
            self._known = {key: info for key, data in records if (info := self._decode(data)) is not None}
            return
        for key, info in changes.items():
            if info is None:
                known.pop(key, None)
        is_new = any(info is not None and key not in known for key, info in changes.items())
        known.update((key, info) for key, info in changes.items() if info is not None)
        self._known = dict(sorted(known.items())) if is_new else known

    def _changes(self, transaction: BackingTransaction, changed: set[bytes]) -> dict[bytes, ListedInfo | None] | None:
        """The changed records of this store (None: no model's, or gone); None where a key is none of tfjs's: two forms
        of a number may be the same key."""
        changes: dict[bytes, ListedInfo | None] = {}
        for key in changed:
            if key.startswith(self._prefix):
                path = decode_key(encoded := key[len(self._prefix) :])
                if not isinstance(path, str):
                    return None
                data = transaction.get(self._store, path)
                changes[encoded] = None if data is None else self._decode(data)
        return changes
