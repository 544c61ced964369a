"""One transaction of a client: its messages become calls on the backing store, the replies messages."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, get_args

from ...errors import AbortError, BadRequestError, TfjsdError, UnknownError
from ...storage_backends.abc import Blob
from ...storage_backends.indexed_db.abc import Direction, Put, Query, Row
from ...storage_backends.indexed_db.key_coding import decode_key
from ...storage_backends.indexed_db.local_transaction import LocalTransaction
from ...storage_backends.value_format import read_table
from ...storage_backends.values import Encoded, blobs_of
from ...wire.indexed_db import IDLE_SECONDS, INLINE_VALUE, MAX_EVENT, MAX_WAITING, PART_SIZE, Message, Part
from ...wire.indexed_db_schema import index_from_json, store_from_json
from .scope import Scope

if TYPE_CHECKING:
    from .session import IndexedDBSession


def is_short(message: Message) -> bool:
    """Whether a request takes less time than a change of threads: a put, or the reading of one record."""
    if message.type == "put":
        return "value" not in message.fields
    return message.type == "read" and message.fields.get("limit") == 1 and message.fields.get("skip") == 0


class ServedTransaction:
    """Belongs to the session's thread."""

    def __init__(self, session: IndexedDBSession, number: int, scope: Scope) -> None:
        self._session = session
        self._number = number
        self._scope = scope
        self._backend: LocalTransaction
        self._adopted: set[str] = set()
        self._tokens: list[str] = []
        self._used = time.monotonic()
        self.waiting = 0
        """Bytes of values that wait with the transaction for its start."""

    def begin(self, backend: LocalTransaction) -> None:
        self._backend = backend
        if not backend.is_started:
            backend.on_started = self._started
        self._touch()

    def _started(self) -> None:
        self.waiting = 0
        self._touch()

    def _touch(self) -> None:
        self._used = time.monotonic()

    def take(self, message: Message) -> None:
        """Carries out one request. Raises BadRequestError for what no client of ours sends."""
        self._touch()
        handler = _REQUESTS.get(message.type)
        if handler is None:
            raise BadRequestError(f'There is no message "{message.type}".')
        if not self._backend.is_over:
            self._scope.check(message, self._backend.schema)
            handler(self, message)
        self._touch()

    def check_idle(self, now: float) -> None:
        """Aborts it where nothing was asked of it for too long."""
        if self._session.transit.moving:
            self._used = now
        elif self._backend.is_started and not self._backend.is_over and now - self._used > IDLE_SECONDS:
            hint = f"Nothing was asked of it for {IDLE_SECONDS:.0f} seconds."
            self.fail(AbortError("The transaction was idle for too long.", hint=hint))

    def fail(self, problem: TfjsdError) -> None:
        """Aborts it from this side."""
        self._backend.fail(problem)

    def failed(self, problem: BaseException) -> None:
        """The backing store aborted it."""
        self._over()
        self._session.tell_problem("aborted", {"transaction": self._number}, problem)

    def _over(self) -> None:
        self._session.transactions.pop(self._number, None)
        self._session.transit.withdraw(self._tokens)
        self._session.uploads.end(self._number)

    # -- Requests --

    def _read(self, message: Message) -> None:
        direction = message.text("direction")
        if direction not in get_args(Direction):
            raise BadRequestError(f"{direction!r} is not a direction.")
        bounds = (message.part(0), message.part(1))
        limit, values = message.optional_number("limit"), message.flag("values")
        source = (message.number("store"), message.number("index"))
        rows = _Rows(self, message.number("request"))
        skip, room = message.number("skip"), message.optional_number("maxBytes")
        query = Query(source, bounds, direction, limit, skip, values, room)  # type: ignore[arg-type]
        self._backend.stream(query, rows.take, rows.end)

    def _count(self, message: Message) -> None:
        source = (message.number("store"), message.number("index"))
        self._backend.count(source, (message.part(0), message.part(1)), self._replies(message, _number))

    def _put(self, message: Message) -> None:
        data = self._value_of(message)
        blobs = _blobs_of(data)
        for blob in blobs:
            self._adopt(blob)
        key, exact, entries = message.optional_part(1), message.optional_part(2), _entries(message)
        _check_keys(key, exact)
        if key is not None:  # beside one that is yet to be generated there are placeholders, which are no keys
            _check_keys(*(entry for _, entry in entries))
        room = message.optional_number("room")
        if room is not None and room + _ROOM > len(data):
            raise BadRequestError('"room" is not in the value.')
        if not self._may_wait(len(data)):
            self._backend.fail(UnknownError(f"More than {MAX_WAITING} bytes of values wait for their transactions."))
            return
        record = Put(Encoded(data, blobs, room), key, exact, entries, message.flag("overwrite"))
        self._backend.put(message.number("store"), record, self._replies(message, _part))

    def _value_of(self, message: Message) -> bytes:
        if message.fields.get("value") is None:
            return message.part(0)
        return self._session.uploads.take_value(self._number, message.text("value"))

    def _may_wait(self, size: int) -> bool:
        if self._backend.is_started:
            return True
        self.waiting += size
        return self._session.waiting <= MAX_WAITING

    def _adopt(self, blob: Blob) -> None:
        if blob.digest not in self._adopted:
            self._backend.adopt(self._session.uploads.take_binary(self._number, blob.digest))
            self._adopted.add(blob.digest)

    def _delete(self, message: Message) -> None:
        bounds = (message.part(0), message.part(1))
        self._backend.delete(message.number("store"), bounds, self._replies(message, _nothing))

    def _clear(self, message: Message) -> None:
        self._backend.clear(message.number("store"), self._replies(message, _nothing))

    def _create_store(self, message: Message) -> None:
        self._backend.create_store(store_from_json(message.fields.get("schema")), self._replies(message, _nothing))

    def _delete_store(self, message: Message) -> None:
        self._backend.delete_store(message.number("store"), self._replies(message, _nothing))

    def _rename_store(self, message: Message) -> None:
        self._backend.rename_store(message.number("store"), message.text("name"), self._replies(message, _nothing))

    def _create_index(self, message: Message) -> None:
        index = index_from_json(message.fields.get("schema"))
        self._backend.create_index(message.number("store"), index, self._replies(message, _nothing))

    def _delete_index(self, message: Message) -> None:
        reply = self._replies(message, _nothing)
        self._backend.delete_index(message.number("store"), message.number("index"), reply)

    def _rename_index(self, message: Message) -> None:
        reply = self._replies(message, _nothing)
        self._backend.rename_index(message.number("store"), message.number("index"), message.text("name"), reply)

    def _commit(self, message: Message) -> None:
        reply = self._replies(message, _nothing)

        def committed(result: Any, problem: BaseException | None) -> None:
            self._over()
            reply(result, problem)

        self._backend.commit(committed)

    def _abort(self, _message: Message) -> None:
        self.abort()

    def abort(self) -> None:
        self._over()
        self._backend.abort()

    # -- Replies --

    def _replies(self, message: Message, form: Callable[[Any], _Form]) -> Callable[[Any, BaseException | None], None]:
        request = message.number("request")

        def reply(result: Any, problem: BaseException | None) -> None:
            self._touch()
            if problem is not None:
                self._session.tell_problem("error", {"request": request}, problem)
                return
            fields, parts = form(result)
            self._session.tell(Message("done", {"request": request, **fields}, parts))

        return reply

    def offer(self, value: bytes) -> str:
        token = self._session.transit.offer(value)
        self._tokens.append(token)
        return token

    @property
    def session(self) -> IndexedDBSession:
        return self._session


class _Rows:
    """The rows of one request, in messages of moderate size; none waits for the last one."""

    def __init__(self, transaction: ServedTransaction, request: int) -> None:
        self._transaction = transaction
        self._session = transaction.session
        self._request = request
        self._clear()

    def _clear(self) -> None:
        self._parts: list[Part] = []
        self._size = 0
        self._tokens: dict[str, list[Any]] = {}
        self._files: dict[str, list[Any]] = {}

    def take(self, row: Row) -> None:
        key, primary, value = row
        number = len(self._parts) // 3
        if value is not None:
            self._add_files(value)
            if len(value) > INLINE_VALUE:
                if self._session.transit.is_full:
                    self._send(last=False)
                    number = 0
                    self._add_files(value)
                self._tokens[str(number)] = [self._transaction.offer(value), len(value)]
                value = None
        self._parts += (key, None if primary == key else primary, value)
        self._size += len(key) + len(primary) + (0 if value is None else len(value))
        if self._size > PART_SIZE:
            self._send(last=False)

    def end(self, _result: Any, problem: BaseException | None) -> None:
        if problem is not None:
            self._session.tell_problem("error", {"request": self._request}, problem)
        else:
            self._send(last=True)

    def _send(self, *, last: bool) -> None:
        fields: dict[str, Any] = {"request": self._request, "last": last}
        if self._tokens:
            fields["tokens"] = self._tokens
        if self._files:
            fields["files"] = self._files
        if self._size > MAX_EVENT - PART_SIZE:
            raise UnknownError(f"A key is too long for a message of {MAX_EVENT} bytes.")
        self._session.tell(Message("rows", fields, self._parts))
        self._clear()

    def _add_files(self, value: bytes) -> None:
        """Where a client of the daemon's own user may map what the value keeps out of line."""
        for blob in blobs_of(value):
            place = self._session.place_of(blob)
            if place is not None:
                self._files[blob.digest] = place


_Form = tuple[dict[str, Any], list[Part]]
_ROOM: Final = 8
"""Bytes of a generated key in a value: a double."""


def _nothing(_result: Any) -> _Form:
    return {}, []


def _number(result: Any) -> _Form:
    return {"result": result}, []


def _part(result: Any) -> _Form:
    return {}, [result]


def _blobs_of(data: bytes) -> tuple[Blob, ...]:
    """Raises BadRequestError where the bytes do not begin as a value does."""
    try:
        return tuple(read_table(data)[0])
    except TfjsdError as problem:
        raise BadRequestError("This is not a value.") from problem


def _check_keys(*keys: bytes | None) -> None:
    try:
        for key in keys:
            if key is not None:
                decode_key(key)
    except TfjsdError as problem:
        raise BadRequestError("This is not a key.") from problem


def _entries(message: Message) -> list[tuple[int, bytes]]:
    """``entries`` counts the keys for each index; the keys are the parts after the third."""
    place, found = 3, []
    for index, keys in message.pairs("entries"):
        found += [(index, message.part(place + offset)) for offset in range(keys)]
        place += keys
    return found


_REQUESTS: Final[dict[str, Callable[[ServedTransaction, Message], None]]] = {
    "read": ServedTransaction._read,
    "count": ServedTransaction._count,
    "put": ServedTransaction._put,
    "delete": ServedTransaction._delete,
    "clear": ServedTransaction._clear,
    "createStore": ServedTransaction._create_store,
    "deleteStore": ServedTransaction._delete_store,
    "renameStore": ServedTransaction._rename_store,
    "createIndex": ServedTransaction._create_index,
    "deleteIndex": ServedTransaction._delete_index,
    "renameIndex": ServedTransaction._rename_index,
    "commit": ServedTransaction._commit,
    "abort": ServedTransaction._abort,
}


def place_of(path: os.PathLike[str] | None) -> list[Any] | None:
    """Path, device, inode and size of a file; None where there is none (any more)."""
    if path is None:
        return None
    try:
        status = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return [os.fspath(path), status.st_dev, status.st_ino, status.st_size]
