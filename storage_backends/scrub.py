"""Reads stored blobs again, slowly and in the background: damage shows before somebody needs the bytes."""

from __future__ import annotations

import logging
import threading

from ..errors import CorruptionError, TfjsdError
from .abc import Blob
from .buckets import Bucket
from .home import Home

BYTES_PER_SECOND = 4 << 20
FIRST_AFTER_SECONDS = 600.0
REST_SECONDS = 24 * 3600.0

_log = logging.getLogger(__name__)


class Scrub:
    """Goes through all blobs of a home, rests, and begins anew. ``damaged`` holds what the last pass found."""

    def __init__(
        self,
        home: Home,
        *,
        bytes_per_second: float = BYTES_PER_SECOND,
        first_after: float = FIRST_AFTER_SECONDS,
        rest: float = REST_SECONDS,
    ) -> None:
        self.damaged: list[tuple[str, str]] = []  # origin and digest
        self.passes = 0
        self._home = home
        self._bytes_per_second = bytes_per_second
        self._first_after = first_after
        self._rest = rest
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tfjsd-scrub", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends it within a chunk; idempotent, and before the home is closed."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        pause = self._first_after
        while not self._stopped.wait(pause):
            found: list[tuple[str, str]] = []
            for origin in self._home.all_origins():
                self._scrub_bucket(self._home.bucket(origin), found)
            self.damaged, pause = found, self._rest
            self.passes += 1

    def _scrub_bucket(self, bucket: Bucket, found: list[tuple[str, str]]) -> None:
        try:
            for digest, size in bucket.blobs.digests():
                if self._stopped.is_set():
                    return
                if bucket.is_needed(digest) and not self._is_sound(bucket, Blob(digest, size)):
                    found.append((bucket.origin, digest))
        except TfjsdError as error:  # the next one to use the bucket hears of it
            _log.warning("%s: the scrub met an error: %s", bucket.origin, error)

    def _is_sound(self, bucket: Bucket, blob: Blob) -> bool:
        try:
            for piece in bucket.blobs.read(blob):
                if self._stopped.wait(len(piece) / self._bytes_per_second):
                    return True
        except CorruptionError as error:
            if not bucket.is_needed(blob.digest):
                return True  # removed meanwhile
            _log.error("%s: %s; save it again, or restore a backup", bucket.origin, error)
            return False
        return True
