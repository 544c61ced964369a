"""What a front end asks of a backing store: in this process, or behind a connection.

The front end decides (states, exceptions, when a transaction commits); the backing store gets requests, commit and
abort. A request's reply comes once, in the order of the requests, in the front end's thread: within the call that
asked, or later through its ``FrontThread``. Keys and values travel in their stored form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from ..abc import Blob, Buffer, Durability
from ..browsers import Browser
from ..values import Encoded
from .layout import Bounds
from .query import Direction, Query, Row, Source
from .schema import DatabaseSchema, IndexSchema, KeyPath, StoreSchema

Mode = Literal["readonly", "readwrite", "versionchange"]

Reply = Callable[[Any, BaseException | None], None]
"""Takes the result, or None and what went wrong."""

DatabaseList = list[tuple[str, int]]


class FrontThread(ABC):
    """The thread of a front end: an event loop's, say. Two of the same thread are equal."""

    @abstractmethod
    def post(self, function: Callable[[], None]) -> bool:
        """Runs a function soon in the thread; thread-safe. False: the thread is gone."""

    @property
    @abstractmethod
    def is_gone(self) -> bool:
        """Whether nothing will ever run in the thread again."""

    @abstractmethod
    def when_over(self, function: Callable[[], None]) -> Callable[[], None]:
        """Runs a function in the thread, which is this one, at its end. Gives what takes that back, in the thread."""


class Put(NamedTuple):
    """A record to store. Without a key the generator makes one. ``entries`` are its exact keys, each with its index."""

    value: Encoded
    key: bytes | None
    exact_key: bytes | None
    entries: list[tuple[int, bytes]]
    overwrite: bool = True


class TransactionBackend(ABC):
    """One transaction; requests wait until it may start and are carried out in order."""

    @abstractmethod
    def read(self, query: Query, reply: Reply) -> None:
        """Replies with rows (``query.Row``)."""

    def value(self, source: Source, bounds: Bounds, reply: Reply) -> None:
        """Replies with the stored value of the first record in a range; None where there is none."""
        query = Query(source, bounds, limit=1, values=True)
        self.read(query, lambda rows, problem: reply(rows[0][2] if rows else None, problem))

    @abstractmethod
    def count(self, source: Source, bounds: Bounds, reply: Reply) -> None: ...

    @abstractmethod
    def put(self, store: int, record: Put, reply: Reply) -> None:
        """Replies with the exact key."""

    @abstractmethod
    def delete(self, store: int, bounds: Bounds, reply: Reply) -> None: ...

    @abstractmethod
    def clear(self, store: int, reply: Reply) -> None: ...

    @abstractmethod
    def create_store(self, store: StoreSchema, reply: Reply) -> None: ...

    @abstractmethod
    def delete_store(self, store: int, reply: Reply) -> None: ...

    @abstractmethod
    def rename_store(self, store: int, name: str, reply: Reply) -> None: ...

    @abstractmethod
    def create_index(self, store: int, index: IndexSchema, reply: Reply) -> None:
        """Fills the index from what the store has; replies with ConstraintViolation where that cannot be unique."""

    @abstractmethod
    def delete_index(self, store: int, index: int, reply: Reply) -> None: ...

    @abstractmethod
    def rename_index(self, store: int, index: int, name: str, reply: Reply) -> None: ...

    @abstractmethod
    def commit(self, reply: Reply) -> None:
        """Replies once it is committed (``strict``: durable), or with why it was not; nothing happened then."""

    @abstractmethod
    def abort(self) -> None:
        """Takes everything back. No reply comes after this; idempotent."""

    @abstractmethod
    def stage(self, data: Buffer) -> Blob:
        """Puts a large binary aside as it is now, for a value of this transaction, and gives what stands for it there.

        That it cannot be kept is the failure of the ``put``.
        """


class ConnectionEvents(ABC):
    """What happens to an open connection; called in the front end's thread."""

    @abstractmethod
    def version_change(self, old_version: int, new_version: int | None) -> None:
        """Another one wants to upgrade or delete the database."""

    def when_heard(self, heard: Callable[[], None]) -> None:
        """Runs ``heard`` once the listeners of the last ``version_change`` have run: at once, if they are here."""
        heard()

    @abstractmethod
    def lost(self, problem: BaseException) -> None:
        """The connection is gone; its transactions are aborted."""


class ConnectionBackend(ABC):
    """An open connection. ``schema`` is the database as it was when the connection opened."""

    schema: DatabaseSchema
    events: ConnectionEvents | None

    @abstractmethod
    def transaction(
        self, scope: list[str], mode: Mode, durability: Durability, failed: Callable[[BaseException], None]
    ) -> TransactionBackend:
        """Queues a transaction; ``failed`` says that it was aborted from this side."""

    @abstractmethod
    def close(self) -> None:
        """No transaction begins after this; the connection is closed once the live ones are through. Idempotent."""

    @abstractmethod
    def upgrade_over(self) -> None:
        """The open request has its outcome; those that wait for it may go on."""

    @abstractmethod
    def open_blob(self, blob: Blob) -> memoryview:
        """The bytes that a value keeps out of line."""


class OpenEvents(ABC):
    """The course of an open or delete request; called in the front end's thread."""

    @abstractmethod
    def blocked(self, old_version: int, new_version: int | None) -> None: ...

    @abstractmethod
    def upgrade_needed(
        self, connection: ConnectionBackend, transaction: TransactionBackend, old_version: int, new_version: int
    ) -> Callable[[BaseException], None]:
        """The version-change transaction runs; gives what to call should it be aborted from this side."""

    @abstractmethod
    def opened(self, connection: ConnectionBackend) -> None: ...

    @abstractmethod
    def deleted(self, old_version: int) -> None: ...

    @abstractmethod
    def failed(self, problem: BaseException) -> None: ...


class BackingStore(ABC):
    """Databases of one origin."""

    @property
    @abstractmethod
    def browser(self) -> Browser:
        """Whose words and ways the front end has; known once something was opened."""

    @abstractmethod
    def open(self, name: str, version: int | None, events: OpenEvents, thread: FrontThread) -> None:
        """https://w3c.github.io/IndexedDB/#open-a-database-connection"""

    @abstractmethod
    def delete_database(self, name: str, events: OpenEvents, thread: FrontThread) -> None:
        """https://w3c.github.io/IndexedDB/#delete-a-database"""

    @abstractmethod
    def databases(self, thread: FrontThread, reply: Reply) -> None:
        """Replies with name and version of each database."""


__all__ = [
    "BackingStore",
    "Bounds",
    "ConnectionBackend",
    "ConnectionEvents",
    "DatabaseList",
    "Direction",
    "FrontThread",
    "KeyPath",
    "Mode",
    "OpenEvents",
    "Put",
    "Query",
    "Reply",
    "Row",
    "Source",
    "TransactionBackend",
]
