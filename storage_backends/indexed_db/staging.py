"""Large binaries on their way out of line, beside the thread that puts them: hashing and syncing take their time."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from ..abc import Blob, BlobStore, Buffer

_THREADS: Final = 2
_ROOM: Final = 256 << 20


def stand_in(size: int) -> Blob:
    """What a value refers to until its binary has been hashed."""
    return Blob(secrets.token_hex(32), size)


class Staging:
    """Stages in threads of its own, which live while it is open. Thread-safe."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._mutex = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None
        self._is_closed = False
        self._held = 0

    def begin(self, data: Buffer) -> Future[Blob]:
        """Stages the bytes as they are now; the blob comes pinned.

        Copies are kept of what waits, 256 MiB at most: what comes when they are full is staged before this returns.
        """
        size = memoryview(data).nbytes
        with self._mutex:
            executor = self._executor_for(size)
            if executor is not None:
                self._held += size
        if executor is None:
            return self._staged_here(data)
        return executor.submit(self._stage, data if isinstance(data, bytes) else bytes(data))

    def close(self) -> None:
        """Returns once nothing is being staged any more. Idempotent."""
        with self._mutex:
            self._is_closed = True
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown()

    def _executor_for(self, size: int) -> ThreadPoolExecutor | None:
        if self._is_closed or (self._held and self._held + size > _ROOM):
            return None
        if self._executor is None:
            self._executor = ThreadPoolExecutor(_THREADS, "tfjsd-staging")
        return self._executor

    def _stage(self, data: bytes) -> Blob:
        try:
            return self._blobs.stage(data)
        finally:
            with self._mutex:
                self._held -= len(data)

    def _staged_here(self, data: Buffer) -> Future[Blob]:
        future: Future[Blob] = Future()
        try:
            future.set_result(self._blobs.stage(data))
        except Exception as problem:  # noqa: BLE001 (it is the future's to raise)
            future.set_exception(problem)
        return future
