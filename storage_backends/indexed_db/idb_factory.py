"""IDBFactory. https://w3c.github.io/IndexedDB/#factory-interface"""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple

from ..browsers import Browser
from .abc import BackingStore, DatabaseList
from .dom_exceptions import DOMExceptions
from .idb_database import IDBDatabase
from .idb_key_range import compare_values
from .idb_open_db_request import IDBOpenDBRequest, OpenCourse, Upgrade
from .idb_request import IDBRequest
from .idb_version_change_event import Listener, Tasks
from .key_coding import InvalidKeyError
from .loop_thread import LoopThread
from .web_idl import UNSIGNED_LONG_LONG, dom_string, unsigned

_INTERFACE: Final = "IDBFactory"


class IDBDatabaseInfo(NamedTuple):
    """https://w3c.github.io/IndexedDB/#dictdef-idbdatabaseinfo"""

    name: str
    version: int


class IDBFactory:
    """Opens the databases of an origin. What it opens belongs to the event loop that runs at the time."""

    def __init__(self, backing_store: BackingStore, browser: Browser | None = None) -> None:
        self._store = backing_store
        self._says = DOMExceptions(lambda: browser or backing_store.browser)
        self._tasks: Tasks = set()

    def open(
        self,
        name: str,
        version: int | None = None,
        *,
        upgrade: Upgrade | None = None,
        blocked: Listener | None = None,
        versionchange: Listener | None = None,
    ) -> IDBRequest[IDBDatabase]:
        """Opens a database, making it if need be; without ``version`` as it is, or as version 1.

        ``upgrade(db, tx, old_version, new_version)`` runs where the database is older than ``version``: only it may
        create and delete stores and indexes. It may be a coroutine function: the upgrade commits when that returns.
        What it raises takes the upgrade back; the request then fails with AbortError, with that as its cause.

        ``versionchange(event)`` runs when another connection wants to upgrade or delete the database: close this one.
        ``blocked(event)`` runs when others stay open. Raises TypeError; the request may fail with VersionError,
        AbortError, UnknownError, QuotaExceededError. https://w3c.github.io/IndexedDB/#dom-idbfactory-open
        """
        name, wanted = dom_string(name, "a database's name"), None
        if version is not None:
            wanted = unsigned(version, UNSIGNED_LONG_LONG, self._says, "open", _INTERFACE, 2)
            if not wanted:
                raise self._says.type_error("version-zero", "open", _INTERFACE)
        request, course, thread = self._course(upgrade, blocked, versionchange)
        self._store.open(name, wanted, course, thread)
        return request

    def delete_database(self, name: str, *, blocked: Listener | None = None) -> IDBOpenDBRequest:
        """Deletes a database, if it exists, once its connections are closed; they get ``versionchange`` events.

        The request's ``old_version`` is the version that was deleted.
        https://w3c.github.io/IndexedDB/#dom-idbfactory-deletedatabase
        """
        name = dom_string(name, "a database's name")
        request, course, thread = self._course(None, blocked, None)
        self._store.delete_database(name, course, thread)
        return request

    def databases(self) -> IDBRequest[list[IDBDatabaseInfo]]:
        """Name and version of each database. https://w3c.github.io/IndexedDB/#dom-idbfactory-databases"""
        loop = asyncio.get_running_loop()
        request: IDBRequest[list[IDBDatabaseInfo]] = IDBRequest(None, None, loop)

        def reply(found: DatabaseList, problem: BaseException | None) -> None:
            infos = [] if problem is not None else [IDBDatabaseInfo(*pair) for pair in found]
            loop.call_soon(request.settle, infos, None if problem is None else self._says.of_factory(problem))

        self._store.databases(LoopThread(loop), reply)
        return request

    def cmp(self, first: Any, second: Any) -> int:
        """-1, 0 or 1, as the first key is less than, equal to or greater than the second. Raises DataError.

        https://w3c.github.io/IndexedDB/#dom-idbfactory-cmp
        """
        try:
            return compare_values(first, second)
        except InvalidKeyError as problem:
            raise self._says.error("invalid-key", "cmp", _INTERFACE, hint=str(problem)) from None

    def _course(
        self, upgrade: Upgrade | None, blocked: Listener | None, versionchange: Listener | None
    ) -> tuple[IDBOpenDBRequest, OpenCourse, LoopThread]:
        loop = asyncio.get_running_loop()
        request = IDBOpenDBRequest(loop)
        listeners = (upgrade, blocked, versionchange)
        return request, OpenCourse(request, self._says, loop, listeners, self._tasks), LoopThread(loop)
