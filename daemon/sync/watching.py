"""Learning that something below a directory has changed, and in which directories. What has changed, each pass finds
out by itself. Where events may be lost (a full queue, a directory that was made and filled before it was watched) the
answer is "anywhere", so that this costs time at most."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from .mount_guard import identity_of
from .mount_table import Mount, file_system_of, mounts_below

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

POLL_SECONDS = 2.0
_RETRY_SECONDS = 300.0
_MANY_EVENTS = 1000
_QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")
_REMOTE = frozenset(
    {"9p", "afs", "ceph", "cifs", "drvfs", "gpfs", "lustre", "nfs", "nfs4", "prl_fs", "smb3", "smbfs", "vboxsf"}
    | {"virtiofs", "vmhgfs", "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.vmhgfs-fuse"}
)


class Watch:
    """``mode`` says how changes are noticed, ``reason`` why they have to be looked for.

    ``wake`` is called in another thread, at most once until ``touched`` was called. ``last`` is when the
    last event came (monotonic seconds).
    """

    def __init__(self, root: Path, wake: Callable[[], None]) -> None:
        self.root = root
        self.mode: Literal["events", "polling"] = "events"
        self.reason: str | None = None
        self.last = 0.0
        self._wake = wake
        self._watched: _Watched | None = None
        self._woken = threading.Event()
        self._changes = _Changes()
        self._observer: BaseObserver | None = None
        self._refused: OSError | None = None
        self._started = 0.0

    def start(self) -> None:
        """Watches from now on; where that is impossible, ``mode`` is ``polling``."""
        from .observing import observe  # loads watchdog

        self.stop()
        self._refused, self._started = None, time.monotonic()
        self.mode, self.reason = "events", None
        self._watched = _watched(self.root)
        self._changes.add(None)
        kinds = {file_system_of(self.root), *(mount.kind for mount in self._watched.mounts)}
        if remote := sorted(kind for kind in kinds if kind in _REMOTE):
            self.mode, self.reason = "polling", f"{remote[0]} has no events for what other machines change"
            return
        try:
            self._observer = observe(Path(os.path.realpath(self.root)), self._hear, self._refuse)
        except OSError as error:
            self._refused = error
        self._poll_what_is_refused()

    @property
    def is_outdated(self) -> bool:
        """Whether it has to be started anew, which no event says: the directory was moved, something was mounted or
        unmounted there or below, or what the system refused may be granted now."""
        is_due = self._refused is not None and time.monotonic() - self._started > _RETRY_SECONDS
        return is_due or self._watched != _watched(self.root)

    def _refuse(self, error: OSError) -> None:
        self._refused = error
        self._hear(None)

    def _poll_what_is_refused(self) -> None:
        """A directory that is not watched is as good as none: all are polled, and the watches are given back."""
        if self._refused is not None and self.mode == "events":
            self.stop()
            self.mode, self.reason = "polling", f"{self._refused.strerror} (see tfjsd doctor)"

    def _hear(self, places: Iterable[str] | None) -> None:
        self.last = time.monotonic()
        self._changes.add(places)
        if not self._woken.is_set():
            self._woken.set()
            self._wake()

    def touched(self) -> frozenset[str] | None:
        """The directories (relative paths) in which something has changed since this was last asked, or since the
        start; None: anywhere. The next event wakes again."""
        self._woken.clear()
        self._poll_what_is_refused()
        places = self._changes.taken()
        return None if self.mode == "polling" else places

    def stop(self) -> None:
        """Ends the watching; idempotent."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None


class _Watched(NamedTuple):
    identity: tuple[int, int] | None
    mounts: frozenset[Mount]


def _watched(root: Path) -> _Watched:
    return _Watched(identity_of(root), mounts_below(root))


class _Changes:
    """Where something has changed; added in one thread, taken in another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: set[str] | None = set()
        self._count = 0

    def add(self, places: Iterable[str] | None) -> None:
        """``None``: anywhere."""
        with self._lock:
            self._count += 1
            if places is None or self._count >= _many_events():
                self._places = None
            elif self._places is not None:
                self._places.update(places)

    def taken(self) -> frozenset[str] | None:
        """Those added since this was last asked. None: anywhere."""
        with self._lock:
            places, self._places, self._count = self._places, set(), 0
        return None if places is None else frozenset(places)


@cache
def _many_events() -> int:
    """So many that the kernel's queue may have been full, which watchdog does not tell: what is lost then is followed
    by all that the queue holds."""
    try:
        return min(int(_QUEUE.read_text()) // 4, _MANY_EVENTS)
    except (OSError, ValueError):
        return _MANY_EVENTS
