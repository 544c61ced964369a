"""One piece of work of ``IndexedDBBackingStore.transact``: from its claim to its outcome."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from ...errors import NotFoundError
from ..abc import Blob, Durability
from ..buckets import Mutation
from .direct_transaction import BackingTransaction
from .layout import database_key
from .lock_table import Claim
from .schema import DatabaseSchema
from .schema_form import encode_schema

if TYPE_CHECKING:
    from .backing_store import IndexedDBBackingStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DirectWork(Generic[T]):
    """What ``transact`` was asked to do."""

    database: str
    scope: frozenset[str]
    mode: Literal["readonly", "readwrite"]
    run: Callable[[BackingTransaction], T]
    durability: Durability
    create: Callable[[BackingTransaction], None] | None


class DirectJob(Generic[T]):
    """Claims the stores, runs the work when they are free, releases them once the batch has its place in the order."""

    def __init__(self, store: IndexedDBBackingStore, work: DirectWork[T]) -> None:
        self.future: Future[T] = Future()
        self._store = store
        self._work = work
        self._staged: list[Blob] = []
        self._claim = Claim((), self._granted)

    def start(self, *, exclusive: bool = False) -> None:
        """The outcome may be there when this returns."""
        work = self._work
        wanted: list[tuple[Hashable, bool]] = [(work.database, exclusive)]
        if not exclusive:
            wanted += [((work.database, name), work.mode == "readwrite") for name in sorted(work.scope)]
        self._claim = Claim(wanted, self._granted)
        self._exclusive = exclusive
        if self._store.locks.request(self._claim):
            self._granted()

    def start_at_once(self) -> None:
        """Without claiming anything: in a rehearsal, which nobody may have to wait for."""
        self._exclusive = True
        self._granted()

    def _granted(self) -> None:
        if not self._exclusive and self._work.create is not None and self._is_missing():
            self._store.locks.release(self._claim)
            self.start(exclusive=True)
            return
        try:
            if self._work.mode == "readonly" and not (self._exclusive and self._is_missing()):
                self.future.set_result(self._read())
            else:
                self._change()
        except BaseException as problem:  # noqa: BLE001 (it is the future's to raise)
            self._give_up_staged()
            self.future.set_exception(problem)
        finally:
            self._store.locks.release(self._claim)

    def _is_missing(self) -> bool:
        with self._store.bucket.locked():
            return self._store.catalogue.get(self._work.database) is None

    def _read(self) -> T:
        with self._store.bucket.locked():
            schema = self._store.catalogue.get(self._work.database)
            if schema is None:
                raise NotFoundError(f"There is no database {self._work.database!r}.")
            view = self._store.view()
            return self._work.run(BackingTransaction(view, schema, "readonly", None, self._work.scope, self._staged))

    def _change(self) -> None:
        with self._store.bucket.mutate(self._work.durability) as mutation:
            result = self._in(mutation)
        mutation.future.add_done_callback(lambda done: self._settled(done, result))

    def _in(self, mutation: Mutation) -> T:
        store, work = self._store, self._work
        schema, is_new = store.catalogue.get(work.database), False
        view = store.view()
        if schema is None:
            if work.create is None:
                raise NotFoundError(f"There is no database {work.database!r}.")
            schema, is_new = DatabaseSchema(view.new_id(), work.database, 1), True
            work.create(BackingTransaction(view, schema, "versionchange", mutation, work.scope, self._staged))
        result = work.run(BackingTransaction(view, schema, work.mode, mutation, work.scope, self._staged))
        if is_new:
            view.writes.put(database_key(work.database), encode_schema(schema))
            store.replace_schema(mutation, work.database, schema)
        store.write(mutation, view, work.database)
        return result

    def _settled(self, done: Future[None], result: T) -> None:
        self._give_up_staged()
        problem = done.exception()
        if problem is not None:
            self.future.set_exception(problem)
            return
        self._store.after_commit()
        self.future.set_result(result)

    def _give_up_staged(self) -> None:
        for blob in self._staged:
            self._store.bucket.blobs.redeem(blob)
