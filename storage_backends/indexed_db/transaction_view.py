"""What the storage operations of one transaction work on."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import CorruptionError
from .layout import NEXT_ID, pack_id, unpack_id
from .write_set import Base, WriteSet


class IdSequence:
    """The ids of a bucket's databases, stores, places and indexes: one sequence, never reused.

    It runs ahead in memory; every batch that uses an id carries how far it has come. Guarded by the bucket's mutex.
    """

    def __init__(self, base: Base) -> None:
        """Raises CorruptionError."""
        stored = base.get(NEXT_ID)
        try:
            self.next = 1 if stored is None else unpack_id(stored)
        except CorruptionError as damage:
            raise CorruptionError(f"the record of IndexedDB's next id is damaged: {damage}") from damage

    def take(self) -> int:
        number = self.next
        self.next += 1
        return number

    def packed(self) -> bytes:
        return pack_id(self.next)


class TransactionView:
    """The pending writes of a transaction and its source of ids."""

    __slots__ = ("_take_id", "left_garbage", "took_id", "writes")

    def __init__(self, base: Base, take_id: Callable[[], int]) -> None:
        self.writes = WriteSet(base)
        self._take_id = take_id
        self.took_id = False
        self.left_garbage = False
        """Whether it writes into the journal."""

    def new_id(self) -> int:
        self.took_id = True
        return self._take_id()

    def savepoint(self) -> tuple[bool, bool]:
        """From here on one request makes its changes, which ``take_back`` undoes should it fail."""
        self.writes.mark()
        return self.took_id, self.left_garbage

    def take_back(self, savepoint: tuple[bool, bool]) -> None:
        """All is pending that was at the last savepoint, and nothing else."""
        self.writes.take_back()
        self.took_id, self.left_garbage = savepoint
