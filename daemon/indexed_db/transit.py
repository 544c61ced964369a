"""Bytes that travel beside a session's messages: staged by the client, or waiting to be fetched by it."""

from __future__ import annotations

import threading
from itertools import count
from typing import Final

from ...errors import BadRequestError, NotFoundError, TooLargeError
from ...storage_backends.abc import Blob, BlobStore
from ...storage_backends.indexed_db.write_set import MAX_INLINE_BYTES
from ...wire.limits import MIB
from .outbox import SessionOver

_OFFERED: Final = 8 * MIB


class Transit:
    """Thread-safe. ``moving`` counts transfers under way: they are a sign of life."""

    def __init__(self, blobs: BlobStore, patience: float) -> None:
        """``patience``: seconds that a client may leave what it is offered unfetched."""
        self._blobs = blobs
        self._patience = patience
        self._change = threading.Condition()
        self._binaries: dict[str, Blob] = {}
        self._values: dict[str, bytes] = {}
        self._offered: dict[str, bytes] = {}
        self._offered_size = 0
        self._tokens = count(1)
        self._is_closed = False
        self.moving = 0
        self.moved = 0

    # -- Staged by the client --

    def stage_binary(self, blob: Blob) -> None:
        """Takes a staged blob with its pin."""
        with self._change:
            known = self._binaries.get(blob.digest)
            if self._is_closed or known is not None:
                self._blobs.redeem(blob)
            else:
                self._binaries[blob.digest] = blob

    def take_binary(self, digest: str) -> Blob:
        """The blob, with its pin. Raises BadRequestError where it was not staged."""
        with self._change:
            blob = self._binaries.pop(digest, None)
        if blob is None:
            raise BadRequestError(f"The binary {digest} was not staged for this session.")
        return blob

    def stage_value(self, token: str, value: bytes) -> None:
        """Raises TooLargeError where values of a transaction's limit wait already."""
        with self._change:
            if sum(map(len, self._values.values())) + len(value) > MAX_INLINE_BYTES:
                raise TooLargeError(f"Values of more than {MAX_INLINE_BYTES} bytes wait to be put.")
            if not self._is_closed:
                self._values[token] = value

    def take_value(self, token: str) -> bytes:
        """Raises BadRequestError where it was not staged."""
        with self._change:
            value = self._values.pop(token, None)
        if value is None:
            raise BadRequestError(f"The value {token} was not staged for this session.")
        return value

    # -- To be fetched by the client --

    @property
    def is_full(self) -> bool:
        """Whether ``offer`` would wait."""
        return self._offered_size >= _OFFERED

    def offer(self, value: bytes) -> str:
        """A token to fetch the value with, once. Waits while too much is unfetched. Raises SessionOver."""
        with self._change:
            while self._offered_size >= _OFFERED and not self._is_closed:
                if not self._change.wait(self._patience) and not self.moving:
                    raise SessionOver
            if self._is_closed:
                raise SessionOver
            token = str(next(self._tokens))
            self._offered[token] = value
            self._offered_size += len(value)
            return token

    def fetch(self, token: str) -> bytes:
        """Raises NotFoundError."""
        with self._change:
            value = self._offered.pop(token, None)
            if value is None:
                raise NotFoundError("There is no such value to fetch, or it was fetched already.")
            self._offered_size -= len(value)
            self._change.notify_all()
            return value

    def withdraw(self, tokens: list[str]) -> None:
        """Forgets values that nobody will fetch any more."""
        with self._change:
            for token in tokens:
                self._offered_size -= len(self._offered.pop(token, b""))
            self._change.notify_all()

    def close(self) -> None:
        """Gives everything up; who waits is let go."""
        with self._change:
            self._is_closed = True
            binaries, self._binaries = self._binaries, {}
            self._values.clear()
            self._offered.clear()
            self._change.notify_all()
        for blob in binaries.values():
            self._blobs.redeem(blob)
