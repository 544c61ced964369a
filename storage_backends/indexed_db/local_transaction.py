"""A transaction on a bucket of this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ...errors import QuotaExceededError, StoreFailedError, TfjsdError
from ..abc import Blob, Buffer, Durability
from ..buckets import Mutation
from .abc import Mode, Put, Query, Reply, Row, Source, TransactionBackend
from .engine_behaviour import behaviour_of
from .index_entries import entries_of_stored
from .layout import Bounds, database_key
from .lock_table import Claim
from .query import within
from .schema import DatabaseSchema, IndexSchema, StoreSchema
from .schema_form import encode_schema
from .store_records import StoreRecords
from .transaction_binaries import TransactionBinaries

if TYPE_CHECKING:
    from .local_connection import LocalConnection

Operation = Callable[..., Any]
READ_FROM_FAILED: Final = "A commit that this transaction may have read from failed."


class _Waiting(NamedTuple):
    """An operation that cannot run yet, and the binaries that it needs."""

    operation: Operation
    arguments: tuple[Any, ...]
    reply: Reply
    staging: Sequence[Future[Blob]]


class LocalTransaction(TransactionBackend):
    """Runs its requests within the calls that place them, once its locks are granted; all in its front end's thread."""

    def __init__(
        self,
        connection: LocalConnection,
        scope: list[str],
        mode: Mode,
        durability: Durability,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._connection = connection
        self._store = connection.store
        self._mode = mode
        self._durability: Durability = durability
        self._failed = failed
        self.schema: DatabaseSchema = connection.schema.copy() if mode == "versionchange" else connection.schema
        self._view = self._store.view()
        self._admits_puts = self._store.admission.decides_at_request
        self._failures = self._store.bucket.failures
        self._records: dict[int, StoreRecords] = {}
        self._waiting: deque[_Waiting] = deque()
        self._binaries = TransactionBinaries(self._store.staging, self._store.bucket.blobs)
        self._is_started = False
        self.is_over = False
        self.on_started: Callable[[], None] | None = None
        self._claim = Claim(self._wanted(scope), self._granted)

    def queue(self) -> bool:
        """Takes its place among the transactions; whether it has started. Else ``on_started`` will run, or already has
        where this is not the front end's thread."""
        if not self._store.locks.request(self._claim):
            return False
        self._is_started = True
        return True

    def _wanted(self, scope: list[str]) -> list[tuple[Hashable, bool]]:
        database = self._connection.schema.name
        if self._mode == "versionchange":
            return [(database, True)]
        exclusive = self._mode == "readwrite"
        return [(database, False), *(((database, store), exclusive) for store in scope)]

    def _granted(self) -> None:
        """In any thread."""
        self._connection.post(self._start)

    def _start(self) -> None:
        if self.is_over:
            return
        self._is_started = True
        if self.on_started is not None:
            self.on_started()
        self._go_on()

    @property
    def is_started(self) -> bool:
        return self._is_started

    # -- Requests --

    def read(self, query: Query, reply: Reply) -> None:
        self._do(reply, self._read, query)

    def _read(self, query: Query) -> list[Row]:
        return self._of(query.source[0]).read(query)

    def value(self, source: Source, bounds: Bounds, reply: Reply) -> None:
        self._do(reply, self._value, source, bounds)

    def _value(self, source: Source, bounds: Bounds) -> bytes | None:
        store, index = source
        records = self._records.get(store) or self._of(store)
        return records.value(index, bounds)

    def stream(self, query: Query, take: Callable[[Row], None], reply: Reply) -> None:
        """Hands the rows out one by one, so that nobody holds them all; replies at their end. ``take`` may wait."""
        self._do(reply, self._stream, query, take)

    def _stream(self, query: Query, take: Callable[[Row], None]) -> None:
        for row in within(query.max_bytes, self._of(query.source[0]).rows(query)):
            take(row)

    def count(self, source: Source, bounds: Bounds, reply: Reply) -> None:
        self._do(reply, self._count, source, bounds)

    def _count(self, source: Source, bounds: Bounds) -> int:
        store, index = source
        return self._of(store).count(index, bounds)

    def put(self, store: int, record: Put, reply: Reply) -> None:
        staging = self._binaries.awaited_by(record.value) if record.value.blobs else ()
        if staging:
            self._do(reply, self._change, self._put_staged, store, record, staging=staging)
        else:
            self._do(reply, self._change, self._put, store, record)

    def delete(self, store: int, bounds: Bounds, reply: Reply) -> None:
        self._do(reply, self._change, self._delete, store, bounds)

    def _delete(self, store: int, bounds: Bounds) -> None:
        self._of(store).delete(bounds)

    def clear(self, store: int, reply: Reply) -> None:
        self._do(reply, self._change, self._clear, store)

    def _clear(self, store: int) -> None:
        self._of(store).clear()

    def create_store(self, store: StoreSchema, reply: Reply) -> None:
        self._do(reply, self._change, self._create_store, store)

    def delete_store(self, store: int, reply: Reply) -> None:
        self._do(reply, self._change, self._delete_store, store)

    def rename_store(self, store: int, name: str, reply: Reply) -> None:
        self._do(reply, self.schema.rename_store, store, name)

    def create_index(self, store: int, index: IndexSchema, reply: Reply) -> None:
        self._do(reply, self._change, self._create_index, store, index)

    def delete_index(self, store: int, index: int, reply: Reply) -> None:
        self._do(reply, self._change, self._delete_index, store, index)

    def rename_index(self, store: int, index: int, name: str, reply: Reply) -> None:
        self._do(reply, self._rename_index, store, index, name)

    def _rename_index(self, store: int, index: int, name: str) -> None:
        self.schema.store(store).rename_index(index, name)

    def _change(self, change: Operation, *arguments: Any) -> Any:
        """Does what changes data: all of it, or nothing where it fails."""
        savepoint = self._view.savepoint()
        try:
            return change(*arguments)
        except BaseException:
            self._view.take_back(savepoint)
            self._records.clear()  # they may know what was taken back
            raise

    def _do(self, reply: Reply, operation: Operation, *arguments: Any, staging: Sequence[Future[Blob]] = ()) -> None:
        """Runs it, once the transaction has started, what came before has run, and its binaries are there."""
        if self._is_started and not self._waiting and (not staging or _all_done(staging)):
            self._run(reply, operation, arguments)
            return
        self._waiting.append(_Waiting(operation, arguments, reply, staging))
        for future in staging:
            future.add_done_callback(lambda _: self._connection.post(self._go_on))

    def _go_on(self) -> None:
        while self._is_started and self._waiting and _all_done(self._waiting[0].staging):
            operation, arguments, reply, _ = self._waiting.popleft()
            self._run(reply, operation, arguments)

    def _run(self, reply: Reply, operation: Operation, arguments: tuple[Any, ...]) -> None:
        if self.is_over:
            return
        try:
            result = operation(*arguments)
        except (TfjsdError, OSError) as problem:
            reply(None, problem)
        else:
            reply(result, None)

    def _of(self, store: int) -> StoreRecords:
        records = self._records.get(store)
        if records is None:
            records = StoreRecords(self._view, self.schema.id, self.schema.store(store))
            self._records[store] = records
        return records

    def _put(self, store: int, record: Put) -> bytes:
        records = self._records.get(store) or self._of(store)
        value, key, exact_key, entries, overwrite = record
        before = self._view.writes.growth
        stored = records.put(key, value, entries, overwrite=overwrite, exact_key=exact_key)
        if self._admits_puts and self._view.writes.growth > before:
            self._store.admission.admit(self._view.writes.growth)
        return stored

    def _put_staged(self, store: int, record: Put) -> bytes:
        return self._put(store, record._replace(value=self._binaries.stored_form(record.value)))

    def _create_store(self, store: StoreSchema) -> None:
        store = StoreSchema(store.id, store.name, store.key_path, store.auto_increment)
        self.schema.stores[store.name] = store
        self.schema.last_id = max(self.schema.last_id, store.id)
        StoreRecords.create(self._view, self.schema.id, store)

    def _delete_store(self, store: int) -> None:
        self._of(store).drop()
        del self._records[store]
        self.schema.remove_store(store)

    def _create_index(self, store: int, index: IndexSchema) -> None:
        index = IndexSchema(index.id, index.name, index.key_path, index.unique, index.multi_entry)
        self.schema.store(store).indexes[index.name] = index
        self.schema.last_id = max(self.schema.last_id, index.id)
        path = self._path_of_lost_keys(store)
        filled = behaviour_of(self._store.browser).as_filled(index, self.schema.store(store))

        def entries_of(value: bytes, key: bytes) -> list[bytes]:
            return entries_of_stored(value, filled, self._store.bucket.blobs.map, (path, key) if path else None)

        self._of(store).add_index(index, entries_of)

    def _path_of_lost_keys(self, store: int) -> str | None:
        """Where generated keys would stand that values which keep no properties have lost, if they count."""
        schema = self.schema.store(store)
        if not schema.auto_increment or not behaviour_of(self._store.browser).indexes_lost_keys:
            return None
        return schema.key_path if isinstance(schema.key_path, str) else None

    def _delete_index(self, store: int, index: int) -> None:
        schema = self.schema.store(store)
        del schema.indexes[schema.index(index).name]
        self._of(store).drop_index(index)

    def stage(self, data: Buffer) -> Blob:
        return self._binaries.stage(data)

    def adopt(self, blob: Blob) -> None:
        """Takes over a blob that somebody else has staged for this transaction, with its pin."""
        self._binaries.adopt(blob)

    # -- The end --

    def commit(self, reply: Reply) -> None:
        self._do(_ignore, self._commit, reply)

    def _commit(self, reply: Reply) -> None:
        if not self._view.writes.writes and self._mode != "versionchange":
            self._finish()
            self._reply_in_order(reply)
            return
        try:
            mutation = self._sequence()
        except TfjsdError as problem:
            self._finish()
            self._binaries.give_up()
            reply(None, problem)
            self._aborted()
            return
        told = self._store.last_commit = Future[None]()
        self._finish()  # who waited for the locks comes after this commit
        mutation.future.add_done_callback(lambda done: self._committed(done, told, reply))

    def _reply_in_order(self, reply: Reply) -> None:
        """A reader is complete once what it may have read is committed, and not before its predecessors are."""
        before = self._store.last_commit
        if before is None:
            reply(None, None)
        else:  # posted, so that it comes after what the predecessor has posted
            before.add_done_callback(lambda done: self._connection.post(lambda: reply(None, done.exception())))

    def _sequence(self) -> Mutation:
        try:
            return self._mutate()
        except QuotaExceededError:
            if not self._store.make_room():
                raise
            return self._mutate()

    def _mutate(self) -> Mutation:
        with self._store.bucket.mutate(self._durability) as mutation:
            if self._store.bucket.failures != self._failures:
                raise StoreFailedError(READ_FROM_FAILED, outcome="unchanged")
            if self._mode == "versionchange":
                self._view.took_id = True  # the database's own
                self._view.writes.put(database_key(self.schema.name), encode_schema(self.schema))
                self._store.replace_schema(mutation, self.schema.name, self.schema)
            self._store.write(mutation, self._view, self.schema.name)
            mutation.on_undo(self._store.abort_live)
        return mutation

    def _committed(self, done: Future[None], told: Future[None], reply: Reply) -> None:
        """In the committing thread. ``told`` is done once the reply is on its way, and forgotten once it is there."""
        self._binaries.give_up()
        problem = done.exception()
        if problem is None:
            self._store.after_commit()
            if self._mode == "versionchange":
                self._connection.schema = self.schema

        def tell() -> None:
            if self._store.last_commit is told:
                self._store.last_commit = None
            reply(None, problem)

        self._connection.post(tell)
        if problem is None:
            told.set_result(None)
        else:
            told.set_exception(problem)
            self._aborted()

    def abort(self) -> None:
        if not self.is_over:
            self._finish()
            self._binaries.give_up()
            self._aborted()

    def _aborted(self) -> None:
        """A connection whose upgrade was aborted is closed."""
        if self._mode == "versionchange":
            self._connection.close()

    def fail(self, problem: BaseException) -> None:
        """Aborts it from this side; in any thread."""
        self._connection.post(lambda: self.lose(problem))

    def lose(self, problem: BaseException) -> None:
        """Aborts it and tells the front end, in its thread."""
        if not self.is_over:
            self.abort()
            self._failed(problem)

    def _finish(self) -> None:
        """Gives the locks back and lets the connection know."""
        self.is_over = True
        self._waiting.clear()
        self._store.live.discard(self)
        self._store.locks.release(self._claim)
        self._connection.transaction_over(self)


def _all_done(futures: Sequence[Future[Blob]]) -> bool:
    return all(future.done() for future in futures)


def _ignore(_result: Any, problem: BaseException | None) -> None:
    if problem is not None:
        raise problem
