"""IDBDatabase. https://w3c.github.io/IndexedDB/#database-interface"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from .abc import ConnectionBackend, ConnectionEvents, TransactionBackend
from .activity import AFTER_SETTLEMENT, ActivityWindow
from .dom_exceptions import DOMExceptions
from .engine_behaviour import EngineBehaviour, behaviour_of
from .firefox_order import place_of_store
from .idb_object_store import IDBObjectStore
from .idb_transaction import IDBTransaction
from .idb_version_change_event import IDBVersionChangeEvent, Listener, Tasks, call
from .key_path import is_valid_key_path
from .schema import DatabaseSchema, KeyPath, StoreSchema, sorted_names
from .web_idl import dom_string

if TYPE_CHECKING:
    from types import TracebackType

    from ..abc import Durability

_INTERFACE: Final = "IDBDatabase"
_DURABILITIES: Final = ("default", "strict", "relaxed")


class IDBDatabase:
    """A connection to a database, of the loop that opened it. ``close`` it, or use it in a ``with`` block."""

    def __init__(
        self,
        connection: ConnectionBackend,
        says: DOMExceptions,
        loop: asyncio.AbstractEventLoop,
        versionchange: Listener | None,
        tasks: Tasks,
    ) -> None:
        self._connection = connection
        self.says = says
        self.behaviour: EngineBehaviour = behaviour_of(says.browser)
        self.loop = loop
        self.schema: DatabaseSchema = connection.schema.copy()
        self.opened = self.schema
        """As it was before its upgrade."""
        self._versionchange = versionchange
        self._tasks = tasks
        self._close_pending = False
        self._is_listening = False
        self.upgrade: IDBTransaction | None = None
        connection.events = _Events(self)
        self._finalizer = weakref.finalize(self, _close_soon, loop, connection)
        self._finalizer.atexit = False  # who waits for this one has ended as well

    # -- Attributes --

    @property
    def name(self) -> str:
        return self.schema.name

    @property
    def version(self) -> int:
        return self.schema.version

    @property
    def object_store_names(self) -> list[str]:
        return sorted_names(self.schema.stores)

    @property
    def is_closing(self) -> bool:
        """Whether ``close`` was called, or the connection was lost."""
        return self._close_pending

    # -- Methods --

    def transaction(
        self,
        stores: str | Iterable[str],
        mode: Literal["readonly", "readwrite"] = "readonly",
        *,
        durability: Literal["default", "strict", "relaxed"] = "default",
    ) -> IDBTransaction:
        """Begins a transaction on stores. It starts once the earlier ones that it overlaps with are through.

        ``strict`` (and ``default``): complete means durable. ``relaxed``: a power loss may take up to the last second.
        Raises InvalidStateError, NotFoundError, InvalidAccessError, TypeError.
        https://w3c.github.io/IndexedDB/#dom-idbdatabase-transaction
        """
        says = self.says
        names = (stores,) if isinstance(stores, str) else stores
        scope = sorted_names({dom_string(name, "a store's name") for name in names})
        self._check_options(mode, durability)
        if self.upgrade is not None and not self.upgrade.is_settled:
            raise says.error("upgrading", "transaction", _INTERFACE)
        if self._close_pending:
            raise says.error("closing", "transaction", _INTERFACE)
        for name in scope:
            if name not in self.schema.stores:
                raise says.error("unknown-store", "transaction", _INTERFACE, name=name)
        if not scope:
            raise says.error("empty-scope", "transaction", _INTERFACE)
        if mode not in ("readonly", "readwrite"):
            raise says.type_error("mode-versionchange", "transaction", _INTERFACE)
        as_stored: Durability = "relaxed" if durability == "relaxed" else "strict"
        return IDBTransaction(
            self,
            scope,
            mode,
            durability,
            lambda tx: self._connection.transaction(scope, mode, as_stored, tx.fail),
        )

    def create_object_store(self, name: str, key_path: KeyPath = None, auto_increment: bool = False) -> IDBObjectStore:
        """Makes a store, in an upgrade. Raises InvalidStateError, TransactionInactiveError, SyntaxError (DOM),
        ConstraintError, InvalidAccessError. https://w3c.github.io/IndexedDB/#dom-idbdatabase-createobjectstore
        """
        method, name = "createObjectStore", dom_string(name, "a store's name")
        tx = self._upgrading(method)
        if key_path is not None and not is_valid_key_path(key_path):
            raise self.says.error("bad-key-path", method, _INTERFACE)
        if name in self.schema.stores:
            place = place_of_store(name, self.schema, self.opened)
            raise self.says.error("store-exists", method, _INTERFACE, name=name, place=place)
        path = list(key_path) if isinstance(key_path, list | tuple) else key_path
        if auto_increment and (path == "" or isinstance(path, list)):
            raise self.says.error("generator-path", method, _INTERFACE)
        schema = StoreSchema(self.schema.new_id(), name, path, bool(auto_increment))
        self.schema.stores[name] = schema
        handle = tx.store_handle(schema)
        handle.is_new = True
        tx.undo.append(lambda: handle.mark_deleted(True))
        tx.change(lambda reply: tx.backend.create_store(schema, reply))
        return handle

    def delete_object_store(self, name: str) -> None:
        """Deletes a store, in an upgrade. Raises InvalidStateError, TransactionInactiveError, NotFoundError.

        https://w3c.github.io/IndexedDB/#dom-idbdatabase-deleteobjectstore
        """
        name = dom_string(name, "a store's name")
        tx = self._upgrading("deleteObjectStore")
        schema = self.schema.stores.pop(name, None)
        if schema is None:
            raise self.says.error("store-not-found", "deleteObjectStore", _INTERFACE)
        handle = tx.forget_store(name)
        if handle is not None:
            handle.mark_deleted(True)
            tx.undo.append(lambda: handle.mark_deleted(False))
        tx.change(lambda reply: tx.backend.delete_store(schema.id, reply))

    def close(self) -> None:
        """No transaction begins after this; those that live go on to their end. Idempotent.

        https://w3c.github.io/IndexedDB/#dom-idbdatabase-close
        """
        self._close_pending = True
        if self._finalizer.detach() is not None:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _problem: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    # -- For the front end --

    def open_blob(self, blob: Any) -> memoryview:
        return self._connection.open_blob(blob)

    def begin_upgrade(self, backend: TransactionBackend, old_version: int) -> IDBTransaction:
        """The version-change transaction. https://w3c.github.io/IndexedDB/#upgrade-a-database"""
        before = self.opened = self.schema.copy()
        before.version = old_version
        tx = IDBTransaction(self, self.object_store_names, "versionchange", "default", lambda _: backend)
        self.upgrade = tx
        tx.undo.append(lambda: setattr(self, "schema", before))
        return tx

    def version_changes(self, old: int, new: int | None) -> None:
        """Fires ``versionchange``, unless the connection is closing."""
        if not self._close_pending and self._versionchange is not None:
            event = IDBVersionChangeEvent("versionchange", old, new, self)
            self._is_listening = call(self._versionchange, event, self._tasks)

    def when_heard(self, heard: Callable[[], None]) -> None:
        """An asynchronous listener has as many turns to close the connection as code that waits for a request has."""
        if self._is_listening:
            self._is_listening = False
            ActivityWindow(self.loop, heard, _nothing).open(AFTER_SETTLEMENT)
        else:
            heard()

    def lost(self, problem: BaseException) -> None:
        self._close_pending = True

    def _upgrading(self, method: str) -> IDBTransaction:
        tx = self.upgrade
        if tx is None or tx.is_settled:
            raise self.says.error("not-upgrading", method, _INTERFACE)
        if not tx.is_active:
            reason = "finished" if tx.is_finished else "inactive"
            raise self.says.error(reason, method, _INTERFACE)
        return tx

    def _check_options(self, mode: str, durability: str) -> None:
        if mode not in ("readonly", "readwrite", "versionchange"):
            shown = "null" if mode is None else mode
            raise self.says.type_error("mode", "transaction", _INTERFACE, value=shown)
        if durability not in _DURABILITIES:
            raise self.says.type_error("durability", "transaction", _INTERFACE, value=durability)

    def __repr__(self) -> str:
        return f"<IDBDatabase {self.name!r} version {self.version}{' closing' if self._close_pending else ''}>"


def _nothing() -> None: ...


def _close_soon(loop: asyncio.AbstractEventLoop, connection: ConnectionBackend) -> None:
    """Nobody has the connection any more. The collector says so in any thread and amid anything, so that nothing may be
    locked or changed here; of a loop that is closed the backing store finds out itself."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(connection.close)


class _Events(ConnectionEvents):
    """Does not keep the connection's object alive."""

    def __init__(self, database: IDBDatabase) -> None:
        self._database = weakref.ref(database)

    def version_change(self, old_version: int, new_version: int | None) -> None:
        database = self._database()
        if database is not None:
            database.version_changes(old_version, new_version)

    def when_heard(self, heard: Callable[[], None]) -> None:
        database = self._database()
        if database is None:
            heard()
        else:
            database.when_heard(heard)

    def lost(self, problem: BaseException) -> None:
        database = self._database()
        if database is not None:
            database.lost(problem)
