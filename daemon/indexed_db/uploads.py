"""What a session's client has sent ahead of the requests that refer to it, for each of its transactions."""

from __future__ import annotations

import threading
from typing import Final

from ...errors import BadRequestError, TooLargeError
from ...storage_backends.abc import Blob, BlobStore
from ...storage_backends.indexed_db.write_set import MAX_INLINE_BYTES

_LIMIT: Final = MAX_INLINE_BYTES


class _Staged:
    """What was sent for one transaction and not been taken yet."""

    __slots__ = ("binaries", "values")

    def __init__(self) -> None:
        self.binaries: dict[str, Blob] = {}
        self.values: dict[str, bytes] = {}


class Uploads:
    """Thread-safe. What is not taken goes with its transaction, also what comes when that is over."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._lock = threading.Lock()
        self._staged: dict[int, _Staged] = {}
        self._size = 0
        self._last = 0
        self._is_closed = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be taken."""
        with self._lock:
            return not any(staged.binaries or staged.values for staged in self._staged.values())

    def begin(self, transaction: int) -> None:
        """What comes for the transaction is kept from now on; so was what came before, its messages being slower."""
        with self._lock:
            self._last = max(self._last, transaction)
            if not self._is_closed:
                self._staged.setdefault(transaction, _Staged())

    def end(self, transaction: int) -> None:
        """Gives up what was not taken. Idempotent; the transaction need not have begun."""
        with self._lock:
            self._last = max(self._last, transaction)
            staged = self._staged.pop(transaction, _Staged())
            self._size -= sum(map(len, staged.values.values()))
        self._redeem(staged)

    def close(self) -> None:
        """Gives everything up, and what comes yet."""
        with self._lock:
            self._is_closed = True
            given_up, self._staged = self._staged, {}
            self._size = 0
        for staged in given_up.values():
            self._redeem(staged)

    def _redeem(self, staged: _Staged) -> None:
        for blob in staged.binaries.values():
            self._blobs.redeem(blob)

    def _of(self, transaction: int) -> _Staged | None:
        """None where the transaction is over. Numbers grow: a higher one than was heard of is about to begin."""
        if transaction > self._last and not self._is_closed:
            return self._staged.setdefault(transaction, _Staged())
        return self._staged.get(transaction)

    # -- Binaries --

    def stage_binary(self, transaction: int, blob: Blob) -> None:
        """Takes a staged blob with its pin."""
        with self._lock:
            staged = self._of(transaction)
            if staged is not None and blob.digest not in staged.binaries:
                staged.binaries[blob.digest] = blob
                return
        self._blobs.redeem(blob)

    def take_binary(self, transaction: int, digest: str) -> Blob:
        """The blob, with its pin. Raises BadRequestError where it was not staged."""
        with self._lock:
            staged = self._staged.get(transaction)
            blob = None if staged is None else staged.binaries.pop(digest, None)
        if blob is None:
            raise BadRequestError(f"The binary {digest} was not staged for transaction {transaction}.")
        return blob

    # -- Values --

    def stage_value(self, transaction: int, token: str, value: bytes) -> None:
        """Raises TooLargeError where values of a transaction's limit wait already."""
        with self._lock:
            staged = self._of(transaction)
            if staged is None:
                return
            growth = len(value) - len(staged.values.get(token, b""))
            if self._size + growth > _LIMIT:
                raise TooLargeError(f"Values of more than {_LIMIT} bytes wait to be put.")
            staged.values[token] = value
            self._size += growth

    def take_value(self, transaction: int, token: str) -> bytes:
        """Raises BadRequestError where it was not staged."""
        with self._lock:
            staged = self._staged.get(transaction)
            value = None if staged is None else staged.values.pop(token, None)
            self._size -= 0 if value is None else len(value)
        if value is None:
            raise BadRequestError(f"The value {token} was not staged for transaction {transaction}.")
        return value
