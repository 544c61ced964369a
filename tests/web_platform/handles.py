"""Python's objects by number: Node holds the numbers, and gets the same one for the same object."""

from __future__ import annotations

from typing import Any, Final

from tfjsd.errors import DOMError
from tfjsd.storage_backends.indexed_db.idb_cursor import IDBCursor, IDBCursorWithValue
from tfjsd.storage_backends.indexed_db.idb_database import IDBDatabase
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.storage_backends.indexed_db.idb_index import IDBIndex
from tfjsd.storage_backends.indexed_db.idb_key_range import IDBKeyRange
from tfjsd.storage_backends.indexed_db.idb_object_store import IDBObjectStore
from tfjsd.storage_backends.indexed_db.idb_open_db_request import IDBOpenDBRequest
from tfjsd.storage_backends.indexed_db.idb_request import IDBRequest
from tfjsd.storage_backends.indexed_db.idb_transaction import IDBTransaction

from .wire_reader import from_wire
from .wire_writer import to_wire

_INTERFACES: Final = (
    IDBFactory,
    IDBDatabase,
    IDBTransaction,
    IDBObjectStore,
    IDBIndex,
    IDBCursorWithValue,
    IDBCursor,
    IDBKeyRange,
    IDBOpenDBRequest,
    IDBRequest,
)


class Handles:
    """Keeps every object that Node has seen."""

    def __init__(self) -> None:
        self._objects: list[Any] = []
        self._numbers: dict[int, int] = {}

    def __getitem__(self, number: int) -> Any:
        return self._objects[number]

    def number(self, thing: Any) -> int:
        if id(thing) not in self._numbers:
            self._numbers[id(thing)] = len(self._objects)
            self._objects.append(thing)
        return self._numbers[id(thing)]

    def to_wire(self, thing: Any) -> Any:
        """For Node: an object's number and interface, or a value."""
        for interface in _INTERFACES:
            if isinstance(thing, interface):
                return {"h": self.number(thing), "c": interface.__name__}
        if isinstance(thing, BaseException):
            name, message = name_and_message(thing)
            return {"h": self.number(thing), "c": "error", "name": name, "message": message}
        return {"v": to_wire(thing)}

    def from_wire(self, argument: Any) -> Any:
        """An argument of a call."""
        if not isinstance(argument, dict):
            return argument
        if "h" in argument:
            return self._objects[argument["h"]]
        if "options" in argument:
            return {name: self.from_wire(value) for name, value in argument["options"].items()}
        return from_wire(argument["key"] if "key" in argument else argument["value"])


def name_and_message(problem: BaseException) -> tuple[str, str]:
    if isinstance(problem, DOMError):
        return problem.name, problem.message
    return type(problem).__name__, str(problem)
