"""Large binaries on their way out of line, beside the thread that puts them: hashing and syncing take their time."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import Future
from typing import Final

from ..abc import Blob, BlobStore, Buffer
from .passing_threads import PassingThreads, carry_out

_THREADS: Final = 2
_ROOM: Final = 256 << 20


def stand_in(size: int) -> Blob:
    """What a value refers to until its binary has been hashed."""
    return Blob(secrets.token_hex(32), size)


class Staging:
    """Stages in threads of its own. Thread-safe."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._mutex = threading.Lock()
        self._threads = PassingThreads(_THREADS, "tfjsd-staging")
        self._held = 0

    def begin(self, data: Buffer) -> Future[Blob]:
        """Stages the bytes as they are now; the blob comes pinned.

        Copies are kept of what waits, 256 MiB at most: what comes when they are full is staged before this returns.
        """
        size = memoryview(data).nbytes
        with self._mutex:
            has_room = not self._held or self._held + size <= _ROOM
            self._held += size if has_room else 0
        if not has_room:
            return self._staged_here(data)
        kept = data if isinstance(data, bytes) else bytes(data)
        return self._threads.submit(lambda: self._stage(kept))

    def close(self) -> None:
        """Returns once nothing is being staged any more. Idempotent."""
        self._threads.close()

    def _stage(self, data: bytes) -> Blob:
        try:
            return self._blobs.stage(data)
        finally:
            with self._mutex:
                self._held -= len(data)

    def _staged_here(self, data: Buffer) -> Future[Blob]:
        future: Future[Blob] = Future()
        carry_out(lambda: self._blobs.stage(data), future)
        return future
