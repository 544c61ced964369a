"""Changes that are tried out and taken back: for "would it fit?"."""

from __future__ import annotations

from .commit_queue import CommitQueue, Group, Sequenced


class RehearsalQueue(CommitQueue):
    """Takes the place of a bucket's queue while the bucket's mutex is held: whoever waits for an outcome goes on at
    once, nothing is committed, and no callback of a commit runs."""

    def __init__(self) -> None:
        self.group: Group = []

    def append(self, entry: Sequenced, *, inline: bool) -> bool:
        self.group.append(entry)
        entry.future.set_result(None)
        return False

    @property
    def is_idle(self) -> bool:
        """Nothing takes a short way past this queue."""
        return False

    def has_room(self) -> bool:
        """Always."""
        return True

    def wait_for_room(self) -> None:
        """There is always room; another thread that asks waits for the mutex next."""

    def wait_idle(self) -> None:
        """Nothing is pending; another thread that asks waits for the mutex next."""
