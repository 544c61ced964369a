"""Who covers which step.

A case is a coroutine function that gets a ``Bench``. ``STEPS`` in ``catalogue`` lists each algorithm's steps; a test
compares the two, so a step without a case shows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tfjsd.errors import DOMError
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory


class Bench:
    """A factory and short ways to get at a database."""

    def __init__(self, factory: IDBFactory) -> None:
        self.factory = factory
        self.opened: list[Any] = []

    async def open(self, upgrade: Any = None, version: int | None = 1, name: str = "d", **listeners: Any) -> Any:
        db = await self.factory.open(name, version, upgrade=upgrade, **listeners)
        self.opened.append(db)
        return db

    async def store(
        self,
        records: Any = (),
        *,
        key_path: Any = None,
        auto_increment: bool = False,
        indexes: dict[str, dict[str, Any]] | None = None,
    ) -> Any:
        """A database with a store ``s`` that has these records (values, or pairs of key and value)."""

        def upgrade(db: Any, tx: Any, old: int, new: int) -> None:
            store = db.create_object_store("s", key_path, auto_increment)
            db.create_object_store("other")
            for name, options in (indexes or {}).items():
                store.create_index(name, **options)

        db = await self.open(upgrade)
        items = records.items() if isinstance(records, dict) else [(None, value) for value in records]
        if items:
            async with db.transaction("s", "readwrite") as tx:
                for key, value in items:
                    tx.object_store("s").put(value, key)
        return db

    async def upgrade(self, body: Callable[[Any, Any], Any], version: int = 1, name: str = "d") -> Any:
        """Runs ``body(db, tx)`` in an upgrade; gives what it gives."""
        found: list[Any] = []

        async def upgrade(db: Any, tx: Any, old: int, new: int) -> None:
            result = body(db, tx)
            found.append(await result if isinstance(result, Awaitable) else result)

        await self.open(upgrade, version, name)
        return found[0]


Body = Callable[[Bench], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Case:
    algorithm: str
    step: str
    name: str
    body: Body

    @property
    def id(self) -> str:
        return f"{self.algorithm}-{self.step}-{self.name}"


CASES: list[Case] = []


def covers(algorithm: str, step: str, name: str = "") -> Callable[[Body], Body]:
    """Registers a case."""

    def register(body: Body) -> Body:
        CASES.append(Case(algorithm, step, name or body.__name__, body))
        return body

    return register


def raised(kind: type[BaseException], call: Callable[[], Any]) -> BaseException:
    """The exception of exactly this kind that the call throws, at once."""
    caught: BaseException | None = None
    try:
        result = call()
    except (DOMError, TypeError) as problem:
        caught, result = problem, None
    assert type(caught) is kind, f"{caught!r}; the call gave {result!r}"
    return caught


async def failed(kind: type[BaseException], request: Any) -> BaseException:
    """The exception of this kind that awaiting the request raises."""
    caught: BaseException | None = None
    try:
        result = await request
    except DOMError as problem:
        caught, result = problem, None
    assert isinstance(caught, kind), f"{caught!r}; the request gave {result!r}"
    return caught
