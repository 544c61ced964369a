"""What one request does to an origin's localStorage: an operation, a list of them, or an atomic list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from itertools import groupby
from typing import Any

from ..errors import QuotaExceededError, TfjsdError
from ..storage_backends.abc import INLINE_LIMIT, Durability
from ..storage_backends.buckets import Bucket
from ..storage_backends.web_storage.operations import Clear, Operation, RemoveItem, SetItem
from ..storage_backends.web_storage.storage_area import StorageArea
from ..wire.error_body import error_to_json
from ..wire.json_text import dump_json
from ..wire.schemas import LocalStorageOperation

READS = frozenset({"getItem", "key", "length", "keys", "items"})

SMALL_VALUE = 16 * 1024
"""Characters that take less time than a change of threads."""

_FEW_KEYS = 256
_TOGETHER = 1000
"""Operations of a list that are one mutation: the bucket's mutex is held for all of them."""


class StorageSession:
    """A client's view: its own changes at once, those of others once they are committed."""

    def __init__(self, area: StorageArea, bucket: Bucket, durability: Durability, author: object | None = None) -> None:
        """``author`` is the client; without one these changes are nobody else's."""
        self._area = area
        self._author = author or self
        self._bucket = bucket
        self._durability = durability

    def read(self, operation: LocalStorageOperation) -> Any:
        """The result of an operation that changes nothing."""
        match operation.op:
            case "getItem":
                return self._area.get_item(operation.key or "", source=self._author)
            case "key":
                return self._area.key(operation.index or 0, source=self._author)
            case "length":
                return self._area.length(source=self._author)
            case "items":
                return self._area.items(source=self._author)
            case "keys":
                return self._area.keys(source=self._author)
        raise AssertionError(f"{operation.op} reads nothing")

    def is_small(self, operation: LocalStorageOperation) -> bool:
        """Whether reading takes less time than a change of threads."""
        if operation.op == "getItem":
            return self._area.value_units(operation.key or "") <= SMALL_VALUE
        return operation.op == "length" or self._area.length(source=self._author) <= _FEW_KEYS

    def read_text(self, operation: LocalStorageOperation) -> str:
        """The whole answer to one reading operation."""
        return dump_json({"result": self.read(operation)})

    def write(self, operation: LocalStorageOperation) -> Future[None]:
        """Carries out an operation that changes something. Raises QuotaExceededError."""
        return self._area.submit([_change(operation)], self._durability, source=self._author)

    def atomically(self, operations: Sequence[LocalStorageOperation]) -> Future[list[object]]:
        """Does all or nothing. Raises QuotaExceededError."""
        changes = self._area.prepare([_change(operation) for operation in operations if operation.op not in READS])
        waiting, results = iter(changes), list[object]()
        try:
            with self._bucket.mutate(self._durability) as mutation:
                for reads, group in _runs(operations):
                    if reads:
                        results += map(self.read, group)
                    else:
                        together = [next(waiting) for _ in group]
                        self._area.apply(mutation, together, source=self._author)
                        results += [None] * len(together)
        except BaseException:
            self._area.discard(changes)
            raise
        return _followed(mutation.future, results)

    # -- A list of operations that stand each by itself ----------------------------------------------------------------

    def one_by_one(self, operations: Sequence[LocalStorageOperation]) -> list[object]:
        """Does each, in order; the result of one that fails is ``{"error": …}``. Waits for the commits, which the
        operations share."""
        parts = [part for group in _groups(operations) for part in self._performed(group)]
        return [result for part in parts for result in part.settled()]

    def _performed(self, operations: Sequence[LocalStorageOperation]) -> list[_Part]:
        if len(operations) == 1 or all(operation.op in READS for operation in operations):
            return [self._alone(operation) for operation in operations]
        try:
            return [self._together(operations)]
        except TfjsdError:  # nothing has happened: each has its own error
            return [self._alone(operation) for operation in operations]

    def _together(self, operations: Sequence[LocalStorageOperation]) -> _Part:
        part = _Part()
        with self._bucket.mutate(self._durability) as mutation:
            for reads, group in _runs(operations):
                if reads:
                    part.results += map(self._reading, group)
                    continue
                refused: list[QuotaExceededError | None] = []
                self._area.apply(mutation, list(map(_change, group)), source=self._author, refused=refused)
                for error in refused:
                    part.add(error)
        part.committed = mutation.future
        return part

    def _alone(self, operation: LocalStorageOperation) -> _Part:
        part = _Part()
        if operation.op in READS:
            part.results.append(self._reading(operation))
            return part
        try:
            part.committed = self.write(operation)
            part.add(None)
        except TfjsdError as error:
            part.add(error)
        return part

    def _reading(self, operation: LocalStorageOperation) -> object:
        try:
            return self.read(operation)
        except TfjsdError as error:
            return _reported(error)


class _Part:
    """Operations of a list that share a commit."""

    __slots__ = ("_written", "committed", "results")

    def __init__(self) -> None:
        self.results: list[object] = []
        self.committed: Future[None] | None = None
        self._written: list[int] = []  # the results that depend on the commit

    def add(self, error: TfjsdError | None) -> None:
        """One more write, refused or sequenced."""
        if error is None:
            self._written.append(len(self.results))
        self.results.append(None if error is None else _reported(error))

    def settled(self) -> list[object]:
        """The results, once the commit is over."""
        try:
            if self.committed is not None:
                self.committed.result()
        except TfjsdError as error:
            for number in self._written:
                self.results[number] = _reported(error)
        return self.results


def _groups(operations: Sequence[LocalStorageOperation]) -> Iterator[Sequence[LocalStorageOperation]]:
    """What may share a mutation: writes that have to stage a blob first stand alone."""
    for alone, group in groupby(operations, _is_large):
        found = list(group)
        size = 1 if alone else _TOGETHER
        for start in range(0, len(found), size):
            yield found[start : start + size]


def _is_large(operation: LocalStorageOperation) -> bool:
    return operation.value is not None and len(operation.value) * 2 > INLINE_LIMIT


def _runs(
    operations: Sequence[LocalStorageOperation],
) -> Iterator[tuple[bool, Iterator[LocalStorageOperation]]]:
    """The operations in turn, those that read and those that write."""
    return groupby(operations, lambda operation: operation.op in READS)


def _change(operation: LocalStorageOperation) -> Operation:
    match operation.op:
        case "setItem":
            return SetItem(operation.key or "", operation.value or "", operation.named_property)
        case "removeItem":
            return RemoveItem(operation.key or "")
        case "clear":
            return Clear()
    raise AssertionError(f"{operation.op} changes nothing")


def _reported(error: TfjsdError) -> dict[str, object]:
    return {"error": error_to_json(error)}


def _followed(source: Future[None], results: list[object]) -> Future[list[object]]:
    """What fails or succeeds as ``source`` does, then with the results."""
    done: Future[list[object]] = Future()

    def pass_on(source: Future[None]) -> None:
        error = source.exception()
        if error is None:
            done.set_result(results)
        else:
            done.set_exception(error)

    source.add_done_callback(pass_on)
    return done
