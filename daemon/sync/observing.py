"""watchdog, told to say when it cannot watch a directory.

Its own observer passes over a directory below the root that the kernel refuses to watch, as it does past inotify's
limit, at the start and whenever one appears: what changes there is never heard of (watchdog 7.1.0,
observers/inotify.py, ``InotifyWatchGroup._add_callback``).
"""

from __future__ import annotations

import errno
import os
import posixpath
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from watchdog import events
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from .ignored_names import is_passing

Hear = Callable[[Iterable[str] | None], None]
Refuse = Callable[[OSError], None]

_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})  # since it was listed
_CHANGES: list[type[events.FileSystemEvent]] = [
    events.FileCreatedEvent,
    events.FileModifiedEvent,
    events.FileClosedEvent,
    events.FileMovedEvent,
    events.FileDeletedEvent,
    events.DirCreatedEvent,
    events.DirMovedEvent,
    events.DirDeletedEvent,
]

if sys.platform == "linux":
    from watchdog.observers.inotify import InotifyEmitter
    from watchdog.observers.inotify_c import CallbackId, InotifyFD, Mask, WatchCallback, WatchDescriptor

    class _Inotify(InotifyFD):
        """Calls ``refuse`` for each directory that it is not let to watch."""

        def __init__(self, refuse: Refuse) -> None:
            super().__init__()
            self._refuse = refuse

        def add_callback(self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId) -> WatchDescriptor:
            try:
                return super().add_callback(path, mask, callback, id_)
            except OSError as error:
                if error.errno not in _GONE:
                    self._refuse(error)
                raise

    class _InotifyObserver(BaseObserver):
        """watchdog's, on another ``InotifyFD``."""

        def __init__(self, refuse: Refuse) -> None:
            self._inotify = _Inotify(refuse)
            self._inotify.start()
            super().__init__(InotifyEmitter, inotify_fd=self._inotify)

        def on_thread_stop(self) -> None:
            super().on_thread_stop()
            self._inotify.stop()
            self._inotify.join()


def observe(root: Path, hear: Hear, refuse: Refuse) -> BaseObserver:
    """A running observer of ``root``, which is no symbolic link, and of all below. ``hear`` gets the directories
    (relative paths) where something has changed, None for anywhere; ``refuse`` gets what kept a directory below from
    being watched. Both are called in other threads, ``refuse`` in this one, too.

    Raises OSError where the root cannot be watched.
    """
    observer = _InotifyObserver(refuse) if sys.platform == "linux" else Observer()
    observer.daemon = True
    try:
        observer.schedule(_Handler(root, hear), str(root), recursive=True, event_filter=_CHANGES)
        observer.start()
    except OSError:
        observer.stop()
        raise
    return observer


class _Handler(events.FileSystemEventHandler):
    def __init__(self, root: Path, hear: Hear) -> None:
        self._root = root
        self._hear = hear

    def dispatch(self, event: events.FileSystemEvent) -> None:
        """Called in watchdog's thread for each event."""
        paths = [os.path.relpath(os.fsdecode(path), self._root) for path in (event.src_path, event.dest_path) if path]
        told = [path for path in paths if path == "." or not any(map(is_passing, path.split("/")))]
        if told:
            self._hear(None if event.is_directory else map(posixpath.dirname, told))
