"""Against a model of plain dicts: transactions that commit or abort, upgrades, two connections, restarts."""

from __future__ import annotations

import asyncio
import copy
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from idb_support.homes import ENGINES, ORIGIN, open_home
from idb_support.typed_json import to_json

from tfjsd.errors import AbortError, ConstraintError
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.storage_backends.indexed_db.idb_key_range import IDBKeyRange
from tfjsd.storage_backends.indexed_db.key_coding import encode_key
from tfjsd.storage_backends.indexed_db.store_records import StoreRecords
from tfjsd.storage_backends.script_types import UNDEFINED

KEYS = st.sampled_from([0, 1, 2.5, "", "a", "b\0", b"", b"\1", [1], [1, "a"], [[]]])
NAMES = st.sampled_from(["s", "s", "s", "t"])
VALUES = st.fixed_dictionaries(
    {"n": st.sampled_from([1, 2, "x", None]), "tags": st.lists(st.sampled_from("abc"), max_size=3)}
)
WRITES = st.one_of(
    st.tuples(st.just("put"), KEYS, VALUES),
    st.tuples(st.just("add"), KEYS, VALUES),
    st.tuples(st.just("generate"), st.none(), VALUES),
    st.tuples(st.just("delete"), KEYS, st.none()),
    st.tuples(st.just("range"), KEYS, KEYS),
    st.tuples(st.just("clear"), st.none(), st.none()),
    st.tuples(st.just("cursor"), KEYS, VALUES),
)


CHANGES = st.sampled_from(["store", "store", "drop", "n", "tags", "unique", "rename"])


class Store:
    """The model of a store: records by encoded key, with its generator and indexes."""

    def __init__(self) -> None:
        self.records: dict[bytes, tuple[Any, Any]] = {}
        self.next = 1
        self.indexes: dict[str, tuple[str, bool, bool]] = {}

    def entries(self, index: str) -> list[tuple[bytes, bytes]]:
        path, multi, _ = self.indexes[index]
        found = []
        for key, (_, value) in self.records.items():
            item = value[path]
            items = item if multi and isinstance(item, list) else [item]
            found += [(encoded, key) for encoded in {encode_key(i) for i in items if i is not None}]
        return sorted(found)

    def violates(self, key: bytes, value: Any) -> bool:
        for path, multi, unique in self.indexes.values():
            if not unique:
                continue
            item = value[path]
            mine = {encode_key(i) for i in (item if multi and isinstance(item, list) else [item]) if i is not None}
            for other, (_, theirs) in self.records.items():
                item = theirs[path]
                taken = {encode_key(i) for i in (item if multi and isinstance(item, list) else [item]) if i is not None}
                if other != key and mine & taken:
                    return True
        return False

    def bump(self, key: Any) -> None:
        if isinstance(key, int | float):
            self.next = max(self.next, int(key // 1) + 1)

    def apply(self, kind: str, one: Any, other: Any) -> str:
        if kind in ("put", "add", "generate"):
            key = self.next if kind == "generate" else one
            encoded = encode_key(key)
            if (kind == "add" and encoded in self.records) or self.violates(encoded, other):
                return "ConstraintError"
            self.records[encoded] = (key, copy.deepcopy(other))
            self.bump(key)
        elif kind == "delete":
            self.records.pop(encode_key(one), None)
        elif kind == "range":
            low, high = sorted((encode_key(one), encode_key(other)))
            self.records = {key: record for key, record in self.records.items() if not low <= key <= high}
        elif kind == "clear":
            self.records = {}
        elif kind == "cursor":
            following = sorted(key for key in self.records if key >= encode_key(one))
            if following:
                if self.violates(following[0], other):
                    return "ConstraintError"
                self.records[following[0]] = (self.records[following[0]][0], copy.deepcopy(other))
        return "ok"


class Machine(RuleBasedStateMachine):
    engine = "memory"

    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.loop = asyncio.new_event_loop()
        self.home = open_home(self.engine, self.directory)
        self.model: dict[str, Store] = {}
        self.version = 1
        self.loop.run_until_complete(self.connect())
        self.upgrade("s", "store", False)
        for change in ("n", "tags"):
            self.upgrade("s", change, False)

    async def connect(self) -> None:
        self.store = IndexedDBBackingStore(self.home.bucket(ORIGIN), CHROME)
        self.factory = IDBFactory(self.store)
        self.dbs = [await self.factory.open("d", self.version) for _ in range(2)]

    async def disconnect(self) -> None:
        for db in self.dbs:
            db.close()
        self.store.close()
        await asyncio.sleep(0)

    @rule(name=NAMES, writes=st.lists(WRITES, max_size=6), which=st.integers(0, 1), aborts=st.booleans())
    def transaction(self, name: str, writes: Any, which: int, aborts: bool) -> None:
        if name in self.model:
            self.loop.run_until_complete(self.write(name, writes, self.dbs[which], aborts))

    async def write(self, name: str, writes: Any, db: Any, aborts: bool) -> None:
        after = copy.deepcopy(self.model[name])
        async with db.transaction(name, "readwrite", durability="relaxed") as tx:
            store = tx.object_store(name)
            for kind, one, other in writes:
                expected = after.apply(kind, one, other)
                try:
                    await self.issue(store, kind, one, other)
                except ConstraintError:
                    assert expected == "ConstraintError"
                else:
                    assert expected == "ok"
            assert await self.shown(store) == self.wanted(after)
            if aborts:
                tx.abort()
        if not aborts:
            self.model[name] = after

    async def issue(self, store: Any, kind: str, one: Any, other: Any) -> None:
        if kind == "put":
            await store.put(other, one).prevent_default()
        elif kind == "add":
            await store.add(other, one).prevent_default()
        elif kind == "generate":
            await store.put(other).prevent_default()
        elif kind == "delete":
            await store.delete(one)
        elif kind == "range":
            low, high = sorted((one, other), key=encode_key)
            await store.delete(IDBKeyRange.bound(low, high))
        elif kind == "clear":
            await store.clear()
        else:
            cursor = await store.open_cursor(IDBKeyRange.lower_bound(one))
            if cursor is not None:
                await cursor.update(other).prevent_default()

    @rule(name=NAMES, change=CHANGES, aborts=st.booleans())
    def change(self, name: str, change: str, aborts: bool) -> None:
        self.upgrade(name, change, aborts)

    def upgrade(self, name: str, change: str, aborts: bool) -> None:
        self.loop.run_until_complete(self.change_schema(name, change, aborts))

    async def change_schema(self, name: str, change: str, aborts: bool) -> None:
        await self.disconnect()
        model = copy.deepcopy(self.model)

        def upgrade(db: Any, tx: Any, _old: int, _new: int) -> None:
            if change == "store" and name not in model:
                db.create_object_store(name, auto_increment=True)
                model[name] = Store()
            elif name in model and change == "drop":
                db.delete_object_store(name)
                del model[name]
            elif name in model and change == "rename" and "v" not in model:
                tx.object_store(name).name = "v"
                tx.object_store("v").name = name
            elif name in model and change in ("n", "tags", "unique"):
                self.toggle_index(tx.object_store(name), model[name], change)
            if aborts:
                tx.abort()

        self.store = IndexedDBBackingStore(self.home.bucket(ORIGIN), CHROME)
        request = IDBFactory(self.store).open("d", self.version + 1, upgrade=upgrade)
        problem: BaseException | None = None
        try:
            (await request).close()
        except AbortError as raised:
            problem = raised
        if problem is None:
            self.version += 1
            self.model = model
        assert aborts == (problem is not None) or isinstance(getattr(problem, "__cause__", None), ConstraintError)
        self.store.close()
        await self.connect()

    def toggle_index(self, store: Any, model: Store, change: str) -> None:
        if change in model.indexes:
            store.delete_index(change)
            del model.indexes[change]
            return
        path, multi = ("tags", True) if change == "tags" else ("n", False)
        store.create_index(change, path, unique=change == "unique", multi_entry=multi)
        model.indexes[change] = (path, multi, change == "unique")

    @rule(whole=st.booleans())
    def restart(self, whole: bool) -> None:
        self.loop.run_until_complete(self.disconnect())
        if whole and self.engine == "leveldb":
            self.home.close()
            self.home = open_home(self.engine, self.directory)
        self.loop.run_until_complete(self.connect())

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        if hasattr(self, "dbs"):
            self.loop.run_until_complete(self.compare())

    async def compare(self) -> None:
        for db in self.dbs:
            assert db.object_store_names == sorted(self.model)
            for name, model in self.model.items():
                async with db.transaction(name) as tx:
                    assert await self.shown(tx.object_store(name)) == self.wanted(model)

    async def shown(self, store: Any) -> Any:
        records = [[to_json(row.key), to_json(row.value)] for row in await store.get_all_records()]
        indexes = {}
        for name in store.index_names:
            rows = await store.index(name).get_all_records()
            indexes[name] = [(encode_key(row.key), encode_key(row.primary_key)) for row in rows]
            assert all(row.value is not UNDEFINED for row in rows)
        return records, indexes

    def wanted(self, model: Store) -> Any:
        records = [[to_json(key), to_json(value)] for _, (key, value) in sorted(model.records.items())]
        return records, {name: model.entries(name) for name in sorted(model.indexes)}

    def teardown(self) -> None:
        if hasattr(self, "dbs"):
            self.loop.run_until_complete(self.disconnect())
            self.home.close()
            self.loop.close()
            shutil.rmtree(self.directory)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_store_does_what_a_dict_would(engine):
    machine = type("Machine", (Machine,), {"engine": engine})
    few = settings(
        max_examples=25 if engine == "memory" else 12,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=few)


def test_the_machine_notices_a_broken_store(monkeypatch):
    monkeypatch.setattr(StoreRecords, "_remove_entries", lambda *_: None)
    few = settings(max_examples=50, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Machine, settings=settings(few, phases=[Phase.generate], derandomize=True))
