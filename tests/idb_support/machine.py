"""Several clients on one database, in any order, with crashes: against the model of ``machine_model``.

Transactions that overlap go in the order in which they were made. So what the requests of one end with is what the model
gives once all earlier ones that are in its way are through.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tfjsd.errors import AbortError, ConstraintError, DOMError
from tfjsd.storage_backends.indexed_db.idb_database import IDBDatabase
from tfjsd.storage_backends.indexed_db.idb_key_range import IDBKeyRange
from tfjsd.storage_backends.indexed_db.key_coding import encode_key
from tfjsd.storage_backends.script_types import UNDEFINED

from .machine_model import DatabaseModel, IndexModel, Operation, Outcome, StoreModel
from .machine_worlds import CLIENTS, World

STORES = ("s", "t", "u")
INDEXES = {
    "n": IndexModel("n", False, False),
    "tags": IndexModel("tags", True, False),
    "one": IndexModel("n", False, True),
}
KEYS = st.sampled_from([1, 2, 2.5, "", "b\0", b"\1", [1, "a"]])
LARGE = 150_000
"""A binary of so many bytes lies out of line."""

CLIENT = st.integers(0, CLIENTS - 1)
SCOPE = st.lists(st.sampled_from(STORES), min_size=1, max_size=3, unique=True)
VALUES = st.fixed_dictionaries(
    {"n": st.sampled_from([1, 2, "x", None]), "tags": st.lists(st.sampled_from("abc"), max_size=3)},
    optional={"big": st.sampled_from([1, 2])},
)
_STORE = st.sampled_from(STORES)


def _operation(*parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Operation]:
    return st.tuples(*parts).map(lambda made: Operation(*made))


OPERATIONS = st.one_of(
    _operation(st.sampled_from(["put", "put", "add"]), _STORE, KEYS, VALUES, st.booleans()),
    _operation(st.just("generate"), _STORE, st.none(), VALUES, st.booleans()),
    _operation(st.sampled_from(["delete", "get"]), _STORE, KEYS),
    _operation(st.just("delete_range"), _STORE, KEYS, KEYS),
    _operation(st.just("clear"), _STORE),
    _operation(st.just("get_all"), _STORE, st.sampled_from(["next", "prev"]), st.integers(0, 3)),
    _operation(
        st.just("index_keys"),
        _STORE,
        st.sampled_from(sorted(INDEXES)),
        st.sampled_from(["next", "nextunique", "prev", "prevunique"]),
    ),
)
READS = ("get", "get_all", "index_keys")
CHANGES = st.lists(st.tuples(st.sampled_from(["store", "drop", "swap", *INDEXES]), _STORE), min_size=1, max_size=3)
ENDS = st.sampled_from(["commit", "commit", "commit", "explicit", "abort", "exception"])


def stored(value: Any) -> Any:
    """The value with its large binary."""
    return {**value, "big": bytes((value["big"],)) * LARGE} if "big" in value else value


def shown(value: Any) -> Any:
    """As the model has it."""
    if value is UNDEFINED:
        return None
    if isinstance(value, dict) and "big" in value:
        big = value["big"]
        assert bytes(big) == bytes((big[0],)) * LARGE
        return {**value, "big": big[0]}
    return [shown(item) for item in value] if isinstance(value, list) else value


def issue(tx: Any, operation: Operation) -> Any:
    """The request; None where there is no such index."""
    store, one, other = tx.object_store(operation.store), operation.one, operation.other
    match operation.kind:
        case "put" | "add":
            return getattr(store, operation.kind)(stored(other), one)
        case "generate":
            return store.add(stored(other))
        case "delete" | "get":
            return getattr(store, operation.kind)(one)
        case "delete_range":
            low, high = sorted((one, other), key=encode_key)
            return store.delete(IDBKeyRange.bound(low, high))
        case "clear":
            return store.clear()
        case "get_all":
            return store.get_all(None, other, one)
        case _:
            return store.index(one).get_all_keys(None, None, other) if one in store.index_names else None


class Live:
    """A transaction that has not ended, with what was asked of it."""

    def __init__(self, client: int, tx: Any, scope: list[str], mode: str) -> None:
        self.client = client
        self.tx = tx
        self.scope = set(scope)
        self.writes = mode == "readwrite"
        self.operations: list[Operation] = []
        self.requests: list[Any] = []

    def overlaps(self, other: Live) -> bool:
        return bool(self.scope & other.scope) and (self.writes or other.writes)

    def ask(self, operation: Operation) -> None:
        """Asks it of one of the transaction's stores."""
        if operation.kind not in READS and not self.writes:
            return
        scope = sorted(self.scope)
        operation = operation._replace(store=scope[STORES.index(operation.store) % len(scope)])
        with contextlib.suppress(DOMError):  # it was aborted by a request that failed: the model knows
            request = issue(self.tx, operation)
            if request is not None:
                if operation.prevented:
                    request.prevent_default()
                self.operations.append(operation)
                self.requests.append(request)

    async def outcomes(self) -> list[Outcome]:
        return [await _outcome(request) for request in self.requests]

    async def end(self, how: str) -> bool:
        """Whether it was committed."""
        if how == "abort" and not self.tx.is_finished:
            self.tx.abort()
        if how == "explicit" and self.tx.is_active:
            self.tx.commit()
        problem = ValueError("the block's") if how == "exception" else None
        with contextlib.suppress(DOMError):
            await self.tx.__aexit__(None if problem is None else ValueError, problem, None)
        return self.tx.abort_reason is None


async def _outcome(request: Any) -> Outcome:
    try:
        return "ok", shown(await request)
    except DOMError as problem:
        return "error", problem.name


class Machine(RuleBasedStateMachine):
    """Subclasses say in which world."""

    world: ClassVar[Any]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.model = DatabaseModel()
        self.live: list[Live] = []
        self.databases: list[IDBDatabase | None] = [None] * CLIENTS
        self.place: World | None = None

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, 20))

    @initialize()
    def begin_world(self) -> None:
        self.place = self.world()
        self.run(self.place.start())
        self.run(self._upgrade(0, [("store", "s"), ("n", "s"), ("tags", "s"), ("store", "t")], "commit"))

    def teardown(self) -> None:
        try:
            if self.place is not None:
                self.run(self._finish_all())
                self.run(self._compare())
                self._close()
                self.run(self.place.stop())
        finally:
            if self.place is not None:
                self.run(self.place.let_go())
            self.loop.close()

    # -- Transactions --

    @precondition(lambda self: len(self.live) < 5)
    @rule(
        client=CLIENT, scope=SCOPE, mode=st.sampled_from(["readonly", "readwrite", "readwrite"]), strict=st.booleans()
    )
    def begin(self, client: int, scope: list[str], mode: str, strict: bool) -> None:
        scope = [name for name in scope if name in self.model.stores]
        if scope:
            self.run(self._begin(client, scope, mode, "strict" if strict else "relaxed"))

    async def _begin(self, client: int, scope: list[str], mode: Any, durability: Any) -> None:
        database = await self._database(client)
        tx = database.transaction(scope, mode, durability=durability)
        await tx.__aenter__()
        self.live.append(Live(client, tx, scope, mode))
        await self._place.factory(client).databases()  # the daemon knows of it, before it hears of the next one

    @precondition(lambda self: len(self.live) < 5)
    @rule(client=CLIENT, scope=SCOPE, operations=st.lists(OPERATIONS, min_size=3, max_size=8), how=ENDS)
    def transaction(self, client: int, scope: list[str], operations: list[Operation], how: str) -> None:
        """One from its beginning to its end, while others are under way."""
        before = len(self.live)
        self.begin(client, scope, "readwrite", strict=False)
        if len(self.live) > before:
            live = self.live[-1]
            self.run(self._ask(live, operations))
            self.run(self._end(live, how))

    @precondition(lambda self: self.live)
    @rule(data=st.data(), operations=st.lists(OPERATIONS, min_size=1, max_size=5))
    def ask(self, data: Any, operations: list[Operation]) -> None:
        live = self._pick(data)
        self.run(self._ask(live, operations))

    async def _ask(self, live: Live, operations: list[Operation]) -> None:
        for operation in operations:
            live.ask(operation)
        await asyncio.sleep(0)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def look(self, data: Any) -> None:
        """What was asked has its answers, though the transaction goes on."""
        live = self._pick(data)
        self.run(self._look(live))

    async def _look(self, live: Live) -> tuple[DatabaseModel, bool]:
        """What the database will be if it commits, and whether it can."""
        await self._let_through(live)
        after = self.model.copy()
        expected, can_commit = after.run(live.operations)
        found = await live.outcomes()
        assert found == expected, f"{live.operations}: {found}, not {expected}"
        return after, can_commit

    @precondition(lambda self: self.live)
    @rule(data=st.data(), how=ENDS)
    def end(self, data: Any, how: str) -> None:
        live = self._pick(data)
        self.run(self._end(live, how))

    async def _end(self, live: Live, how: str) -> None:
        after, can_commit = await self._look(live)
        self.live.remove(live)
        committed = await live.end(how)
        assert committed == (can_commit and how in ("commit", "explicit"))
        if committed:
            self.model = after

    async def _let_through(self, live: Live) -> None:
        for earlier in self.live[: self.live.index(live)]:
            if earlier in self.live and earlier.overlaps(live):
                await self._end(earlier, "commit")

    async def _finish_all(self) -> None:
        while self.live:
            await self._end(self.live[0], "commit")

    # -- Schemas --

    @rule(client=CLIENT, changes=CHANGES, how=ENDS)
    def upgrade(self, client: int, changes: list[tuple[str, str]], how: str) -> None:
        """Other connections hear of it and close; the upgrade waits for their transactions."""
        self.run(self._upgrade(client, changes, how))

    async def _upgrade(self, client: int, changes: list[tuple[str, str]], how: str) -> None:
        model = self.model.copy()
        model.version += 1
        self._close(client)
        change = _upgrade(changes, how)
        request = self._place.factory(client).open("d", model.version, upgrade=change, versionchange=_close_it)
        if self.live:
            await self._place.factory(client).databases()
            assert request.ready_state == "pending"
        await self._finish_all()
        after = self.model.copy()
        after.version, fits = model.version, _change(after, changes)
        try:
            self.databases[client] = await request
        except AbortError as problem:
            failure: AbortError | None = problem
        else:
            failure = None
            self.model = after
        assert (failure is None) == (fits and how not in ("abort", "exception"))
        if not fits and how not in ("abort", "exception"):
            assert isinstance(failure, AbortError)
            assert isinstance(failure.__cause__, ConstraintError)
        self._forget_closed()

    async def _delete(self, client: int) -> None:
        self._close(client)
        request = self._place.factory(client).delete_database("d")
        await self._finish_all()
        await request
        assert request.old_version == self.model.version
        self._forget_closed()
        self.model = DatabaseModel()
        await self._upgrade(client, [("store", "s"), ("n", "s"), ("store", "t")], "commit")

    # -- What goes wrong --

    @precondition(lambda self: self.live and self.world.crashes_at_any_time)
    @rule(turns=st.integers(0, 30))
    def crash_in_commit(self, turns: int) -> None:
        """It is wholly there or wholly not, and it is there if it was said so."""
        self.run(self._crash_in_commit(self.live[0], turns))

    async def _crash_in_commit(self, live: Live, turns: int) -> None:
        after, can_commit = await self._look(live)
        live.tx.release(None)
        for _ in range(turns):
            await asyncio.sleep(0.0002)
        is_acknowledged = live.tx.is_settled and live.tx.abort_reason is None
        await self._place.crash()
        self.live.clear()
        self.databases = [None] * CLIENTS
        database = await self._database(0)
        found = await shown_database(database), await next_numbers(database)
        possible = [model for model, may_be in ((self.model, not is_acknowledged), (after, can_commit)) if may_be]
        fitting = [model for model in possible if (model.shown(), model.next_numbers()) == found]
        assert fitting, f"{found}, none of {possible}"
        self.model = fitting[0]

    @rule(client=CLIENT, what=st.sampled_from(["lose", "lose", "crash", "crash", "restart", "delete"]))
    def go_wrong(self, client: int, what: str) -> None:
        if what == "lose":
            self.lose(client)
        elif what == "crash":
            self.crash()
        elif what == "restart":
            self.restart()
        else:
            self.run(self._delete(client))

    def lose(self, client: int) -> None:
        """A client dies; the others hear nothing of it."""
        database, self.databases[client] = self.databases[client], None
        if database is not None:
            self.live = [live for live in self.live if live.client != client]
            self.run(self._lose(client, database))

    async def _lose(self, client: int, database: IDBDatabase) -> None:
        await self._place.lose(client, database)
        await asyncio.sleep(0)

    def crash(self) -> None:
        self.live.clear()
        self.run(self._place.crash())
        self.databases = [None] * CLIENTS
        self.run(self._compare())

    def restart(self) -> None:
        self.run(self._finish_all())
        self._close()
        self.run(self._place.restart())
        self.run(self._compare())

    @rule()
    def compare(self) -> None:
        self.run(self._finish_all())
        self.run(self._compare())

    async def _compare(self) -> None:
        for client in range(CLIENTS):
            assert await shown_database(await self._database(client)) == self.model.shown()

    # -- Connections --

    async def _database(self, client: int) -> IDBDatabase:
        database = self.databases[client]
        if database is None or database.is_closing:
            database = await self._place.factory(client).open("d", versionchange=_close_it)
            self.databases[client] = database
        assert database.version == self.model.version
        return database

    def _close(self, client: int | None = None) -> None:
        for place, database in enumerate(self.databases):
            if database is not None and client in (None, place):
                database.close()
                self.databases[place] = None

    def _forget_closed(self) -> None:
        self.databases = [None if found is not None and found.is_closing else found for found in self.databases]

    @property
    def _place(self) -> World:
        assert self.place is not None
        return self.place

    def _pick(self, data: Any) -> Live:
        live: Live = data.draw(st.sampled_from(self.live), label="transaction")
        return live


def _close_it(event: Any) -> None:
    event.target.close()


def _change(model: DatabaseModel, changes: list[tuple[str, str]]) -> bool:
    """Changes the model; whether the upgrade can commit."""
    for kind, name in changes:
        store = model.stores.get(name)
        if kind == "store":
            model.stores.setdefault(name, StoreModel())
        elif store is None:
            continue
        elif kind == "drop":
            del model.stores[name]
        elif kind == "swap":
            model.stores["swapped"] = model.stores.pop(name)
            model.stores[name] = model.stores.pop("swapped")
        elif kind in store.indexes:
            del store.indexes[kind]
        elif store.can_index(INDEXES[kind]):
            store.indexes[kind] = INDEXES[kind]
        else:
            return False
    return True


def _upgrade(changes: list[tuple[str, str]], how: str) -> Any:
    """The upgrade that does to the database what ``_change`` does to the model."""

    def upgrade(db: IDBDatabase, tx: Any, _old: int, _new: int) -> None:
        for kind, name in changes:
            if kind == "store":
                if name not in db.object_store_names:
                    db.create_object_store(name, auto_increment=True)
            elif name not in db.object_store_names:
                continue
            elif kind == "drop":
                db.delete_object_store(name)
            elif kind == "swap":
                tx.object_store(name).name = "swapped"
                tx.object_store("swapped").name = name
            elif kind in tx.object_store(name).index_names:
                tx.object_store(name).delete_index(kind)
            else:
                index = INDEXES[kind]
                options = {"unique": index.unique, "multi_entry": index.multi}
                tx.object_store(name).create_index(kind, index.path, **options)
        if how == "abort":
            tx.abort()
        if how == "exception":
            raise ValueError("the upgrade's")

    return upgrade


async def next_numbers(database: IDBDatabase) -> dict[str, int]:
    """What each store's key generator gives next."""
    names = database.object_store_names
    if not names:
        return {}
    tx = database.transaction(names, "readwrite")
    found = {name: await tx.object_store(name).add({"n": None, "tags": []}) for name in names}
    tx.abort()
    return found


async def shown_database(database: IDBDatabase) -> dict[str, Any]:
    """Every record and index entry, as ``DatabaseModel.shown`` gives them."""
    names = database.object_store_names
    if not names:
        return {}
    async with database.transaction(names) as tx:
        return {name: await _shown_store(tx.object_store(name)) for name in names}


async def _shown_store(store: Any) -> list[Any]:
    records = [[row.key, shown(row.value)] for row in await store.get_all_records()]
    indexes = {}
    for name in store.index_names:
        rows = await store.index(name).get_all_records()
        indexes[name] = [(encode_key(row.key), encode_key(row.primary_key)) for row in rows]
        assert all(row.value is not UNDEFINED for row in rows)
    return [records, indexes]
