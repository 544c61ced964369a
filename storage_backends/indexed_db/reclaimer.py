"""Gives the room of dead prefixes back: chunk after chunk in the background, each chunk one relaxed batch.

After each chunk it rests for as long as that took: who uses the store meanwhile has at least half of the time. What is
dead is in the journal (``layout``); the journal's entry goes with the last chunk, so a crash only means that the rest
is done after the next start.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from ...errors import TfjsdError
from ..buckets import Bucket, Mutation
from .held_blobs import held_blobs
from .layout import JOURNAL, METADATA, end_of

_log = logging.getLogger(__name__)
_CHUNK: Final = 500
_CHUNK_BYTES: Final = 1 << 20
_END_OF_JOURNAL = METADATA + b"\x04"


class Reclaimer:
    """At most one thread for a bucket, only while there is something to do."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._mutex = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_wanted = False
        self._stopped = threading.Event()

    def wake(self) -> None:
        """There may be dead prefixes."""
        with self._mutex:
            self._is_wanted = True
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="tfjsd-reclaim", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Ends after the chunk at work; what is left stays in the journal."""
        with self._mutex:
            self._stopped.set()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def reclaim_all(self) -> bool:
        """Does it all, here and now; whether there was anything to do."""
        found = False
        while self.reclaim():
            found = True
        return found

    def reclaim(self) -> int:
        """Does one chunk; the number of records that went. 0: nothing is dead."""
        with self._bucket.mutate("relaxed") as mutation:
            found = next(iter(self._bucket.scan(JOURNAL, _END_OF_JOURNAL)), None)
            if found is None:
                return 0
            prefix = found[0][len(JOURNAL) :]
            gone, is_last = self._delete_some(mutation, prefix)
            if is_last:
                mutation.delete(found[0])
        mutation.future.result()
        return gone + 1

    def _delete_some(self, mutation: Mutation, prefix: bytes) -> tuple[int, bool]:
        """Deletes a chunk of what is under a prefix: how many records, and whether these are the last."""
        gone: dict[bytes, bytes] = {}
        size = 0
        is_last = True
        for key, record in self._bucket.scan(prefix, end_of(prefix)):
            if len(gone) == _CHUNK or size > _CHUNK_BYTES:
                is_last = False
                break
            gone[key] = record
            size += len(key) + len(record)
            for blob in held_blobs(self._bucket, key, record):
                mutation.release(blob.digest, key)
        mutation.write_all(dict.fromkeys(gone), gone)
        return len(gone), is_last

    def _run(self) -> None:
        while self._goes_on():
            try:
                self._reclaim_with_rests()
            except TfjsdError as error:  # the journal keeps what is left for the next start
                if not self._stopped.is_set():
                    _log.warning(
                        "%s: deleted records of IndexedDB were not all reclaimed: %s", self._bucket.origin, error
                    )

    def _goes_on(self) -> bool:
        """Whether the thread was woken since it last looked; it is over otherwise."""
        with self._mutex:
            is_wanted, self._is_wanted = self._is_wanted and not self._stopped.is_set(), False
            if not is_wanted:
                self._thread = None
            return is_wanted

    def _reclaim_with_rests(self) -> None:
        began = time.monotonic()
        while not self._stopped.is_set() and self.reclaim():
            self._stopped.wait(time.monotonic() - began)
            began = time.monotonic()
