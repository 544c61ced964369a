"""A transaction at the daemon."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

from ...errors import BadRequestError, OutcomeUnknownError, TfjsdError, UnknownError
from ...storage_backends.abc import Blob, Buffer
from ...storage_backends.indexed_db.abc import Put, Query, Reply, Source, TransactionBackend
from ...storage_backends.indexed_db.layout import Bounds
from ...storage_backends.indexed_db.schema import IndexSchema, StoreSchema
from ...storage_backends.indexed_db.schema_form import index_to_form, store_to_form
from ...storage_backends.indexed_db.staging import stand_in
from ...storage_backends.values import Encoded
from ...wire.indexed_db import INLINE_VALUE, Message, Part
from . import transfers
from .row_arrival import RowArrival, Views
from .transfers import Transfer

if TYPE_CHECKING:
    from .remote_connection import RemoteConnection
    from .remote_session import RemoteSession


Prepare = Callable[[Message], Coroutine[Any, Any, Message]]
"""Gives the message that can be sent, once what it refers to has been."""


class Arrival(Protocol):
    """Takes what comes for one request."""

    def fetches(self, message: Message) -> list[Transfer]:
        """What has to be fetched before the message is delivered."""

    def deliver(self, message: Message | None, problem: BaseException | None) -> None: ...


class RemoteTransaction(TransactionBackend):
    """Sends its requests in order; what is large goes ahead of the message that refers to it."""

    def __init__(self, session: RemoteSession, connection: RemoteConnection, number: int) -> None:
        self.number = number
        self.on_failed: Callable[[BaseException], None] | None = None
        self.views: Views = WeakValueDictionary()
        """Binaries of values that came and somebody has, by digest."""
        self._session = session
        self._connection = connection
        self._requests: set[int] = set()
        self._outgoing: deque[tuple[Message, Prepare | None]] = deque()
        self._arrivals: deque[tuple[list[Transfer], Callable[[], None]]] = deque()
        self._staged: dict[str, bytes] = {}
        self._sent: set[str] = set()
        self._is_over = False
        self._commit_is_sent = False
        connection.live.add(self)
        session.transactions[number] = self

    # -- Requests --

    def read(self, query: Query, reply: Reply) -> None:
        store, index = query.source
        fields: dict[str, Any] = {"store": store, "index": index, "direction": query.direction}
        if query.limit is not None:
            fields["limit"] = query.limit
        if query.max_bytes is not None:
            fields["maxBytes"] = query.max_bytes
        rows = RowArrival(self._session, self.views, reply)
        self._ask("read", {**fields, "skip": query.skip, "values": query.values}, query.bounds, rows)

    def count(self, source: Source, bounds: Bounds, reply: Reply) -> None:
        self._ask("count", {"store": source[0], "index": source[1]}, bounds, _Done(reply, _number))

    def put(self, store: int, record: Put, reply: Reply) -> None:
        value = record.value
        fields: dict[str, Any] = {
            "store": store,
            "overwrite": record.overwrite,
            "entries": list(Counter(index for index, _ in record.entries).items()),
        }
        if value.room is not None:
            fields["room"] = value.room
        keys = [key for _, key in record.entries]
        parts = [value.data, record.key, record.exact_key, *keys]
        prepare = None
        if value.blobs or len(value.data) > INLINE_VALUE:
            prepare = partial(self._upload, value, [self._staged.pop(blob.digest) for blob in value.blobs])
        self._ask("put", fields, parts, _Done(reply, _key), prepare)

    def delete(self, store: int, bounds: Bounds, reply: Reply) -> None:
        self._ask("delete", {"store": store}, bounds, _Done(reply, _nothing))

    def clear(self, store: int, reply: Reply) -> None:
        self._ask("clear", {"store": store}, (), _Done(reply, _nothing))

    def create_store(self, store: StoreSchema, reply: Reply) -> None:
        made = StoreSchema(store.id, store.name, store.key_path, store.auto_increment)
        self._ask("createStore", {"schema": store_to_form(made)}, (), _Done(reply, _nothing))

    def delete_store(self, store: int, reply: Reply) -> None:
        self._ask("deleteStore", {"store": store}, (), _Done(reply, _nothing))

    def rename_store(self, store: int, name: str, reply: Reply) -> None:
        self._ask("renameStore", {"store": store, "name": name}, (), _Done(reply, _nothing))

    def create_index(self, store: int, index: IndexSchema, reply: Reply) -> None:
        self._ask("createIndex", {"store": store, "schema": index_to_form(index)}, (), _Done(reply, _nothing))

    def delete_index(self, store: int, index: int, reply: Reply) -> None:
        self._ask("deleteIndex", {"store": store, "index": index}, (), _Done(reply, _nothing))

    def rename_index(self, store: int, index: int, name: str, reply: Reply) -> None:
        self._ask("renameIndex", {"store": store, "index": index, "name": name}, (), _Done(reply, _nothing))

    def stage(self, data: Buffer) -> Blob:
        """Keeps the bytes as they are now; they are hashed and leave with the value that refers to them."""
        kept = data if isinstance(data, bytes) else bytes(data)
        blob = stand_in(len(kept))
        self._staged[blob.digest] = kept
        return blob

    async def _upload(self, value: Encoded, binaries: Sequence[bytes], message: Message) -> Message:
        """Sends what is too large for the message ahead of it; gives the message that refers to that."""
        if binaries:
            value = value.with_blobs([await self._upload_binary(data) for data in binaries])
        inline: Part = value.data
        fields = message.fields
        if len(value.data) > INLINE_VALUE:
            token = str(next(self._session.numbers))
            await transfers.stage_value(self._session, self.number, token, value.data)
            inline, fields = None, {**fields, "value": token}
        return Message(message.type, fields, [inline, *message.parts[1:]])

    async def _upload_binary(self, data: bytes) -> Blob:
        blob = Blob(await self._session.loop.run_in_executor(None, _digest_of, data), len(data))
        if blob.digest not in self._sent:
            await transfers.stage_binary(self._session, self.number, blob.digest, data)
            self._sent.add(blob.digest)
        return blob

    # -- The end --

    def commit(self, reply: Reply) -> None:
        def committed(result: Any, problem: BaseException | None) -> None:
            self._finish()
            reply(result, problem)

        self._commit_is_sent = True
        self._ask("commit", {}, (), _Done(committed, _nothing))

    def abort(self) -> None:
        if not self._is_over:
            self._finish()
            self._session.send(Message("abort", {"transaction": self.number}))

    def lost(self, problem: BaseException) -> None:
        """The session is over. What was not committed is aborted; of a commit without a reply nobody knows."""
        if self._commit_is_sent:
            unknown = OutcomeUnknownError("The connection was lost during the commit: it is whole, or did not happen.")
            unknown.__cause__ = problem
            problem = unknown
        self.failed(problem)

    def failed(self, problem: BaseException) -> None:
        """The daemon aborted it."""
        on_failed = self.on_failed
        if not self._is_over:
            self._finish()
            if on_failed is not None:
                on_failed(problem)

    def _finish(self) -> None:
        self._is_over = True
        self.on_failed = None
        self._outgoing.clear()
        self._arrivals.clear()
        self._staged.clear()
        for request in self._requests:
            self._session.forget(request)
        self._connection.live.discard(self)
        self._session.transactions.pop(self.number, None)
        self._session.settle_down()

    # -- Out --

    def _ask(
        self,
        kind: str,
        fields: dict[str, Any],
        parts: Sequence[Part],
        arrival: Arrival,
        prepare: Prepare | None = None,
    ) -> None:
        if self._is_over:
            return
        request = self._session.expect(lambda message, problem: self._answered(request, arrival, message, problem))
        self._requests.add(request)
        message = Message(kind, {"transaction": self.number, "request": request, **fields}, parts)
        if prepare is not None or self._outgoing:
            self._outgoing.append((message, prepare))
            if len(self._outgoing) == 1:
                self._session.spawn(self._send_all())
        else:
            self._send(message)

    def _send(self, message: Message) -> None:
        try:
            self._session.send(message)
        except BadRequestError as problem:
            self._session.loop.call_soon(self._give_up, UnknownError(problem.message))

    async def _send_all(self) -> None:
        """Sends what waits for uploads, and what waits behind it."""
        try:
            while self._outgoing:
                message, prepare = self._outgoing[0]
                if prepare is not None:
                    message = await prepare(message)
                if self._outgoing:
                    self._outgoing.popleft()
                    self._send(message)
        except (TfjsdError, OSError) as problem:
            self._give_up(problem)

    def _give_up(self, problem: BaseException) -> None:
        if not self._is_over:
            self._session.send(Message("abort", {"transaction": self.number}))
            self.failed(problem)

    # -- In --

    def _answered(self, request: int, arrival: Arrival, message: Message | None, problem: BaseException | None) -> bool:
        """What has come waits for what came before it, which may still have to be fetched."""
        is_last = message is None or message.type != "rows" or message.flag("last")
        if is_last:
            self._requests.discard(request)
        fetches = [] if message is None else arrival.fetches(message)
        if fetches or self._arrivals:
            self._arrivals.append((fetches, lambda: arrival.deliver(message, problem)))
            if len(self._arrivals) == 1:
                self._session.spawn(self._deliver_all())
        else:
            arrival.deliver(message, problem)
        return is_last

    async def _deliver_all(self) -> None:
        """Delivers what has to be fetched, and what waits behind it."""
        try:
            while self._arrivals:
                fetches, deliver = self._arrivals[0]
                for fetch in fetches:
                    await fetch()
                if self._arrivals:
                    self._arrivals.popleft()
                    deliver()
        except (TfjsdError, OSError) as problem:
            self._give_up(problem)


class _Done:
    """The one answer of a request that reads no rows."""

    def __init__(self, reply: Reply, form: Callable[[Message], Any]) -> None:
        self._reply = reply
        self._form = form

    def fetches(self, _message: Message) -> list[Transfer]:
        return []

    def deliver(self, message: Message | None, problem: BaseException | None) -> None:
        self._reply(None if message is None else self._form(message), problem)


def _digest_of(data: bytes) -> str:
    from blake3 import blake3

    return blake3(data, max_threads=blake3.AUTO).hexdigest()


def _nothing(_message: Message) -> None:
    return None


def _number(message: Message) -> int:
    return message.number("result")


def _key(message: Message) -> bytes:
    return message.part(0)
