"""Stores and indexes: made, found, renamed, deleted."""

from __future__ import annotations

from typing import Any

from tfjsd.errors import (
    AbortError,
    ConstraintError,
    InvalidAccessError,
    InvalidStateError,
    NotFoundError,
    SyntaxError_,
    TransactionInactiveError,
)

from .records import BOOKS
from .registry import Bench, covers, failed, raised

CREATE_STORE = "dom-idbdatabase-createobjectstore"
DELETE_STORE = "dom-idbdatabase-deleteobjectstore"
CREATE_INDEX = "dom-idbobjectstore-createindex"
DELETE_INDEX = "dom-idbobjectstore-deleteindex"
STORE_NAME = "dom-idbobjectstore-name"
INDEX_NAME = "dom-idbindex-name"
NAMES = ("b", "a", "B", "\u00e9", "10", "9", "\U0001f600", "\uffff", "_", "", "\ud800")
SORTED = ["", "10", "9", "B", "_", "a", "b", "\u00e9", "\ud800", "\U0001f600", "\uffff"]

_SCHEMA_CHANGES: dict[str, Any] = {
    CREATE_STORE: lambda db, store, index: db.create_object_store("new"),
    DELETE_STORE: lambda db, store, index: db.delete_object_store("s"),
    CREATE_INDEX: lambda db, store, index: store.create_index("new", "x"),
    DELETE_INDEX: lambda db, store, index: store.delete_index("i"),
    STORE_NAME: lambda db, store, index: setattr(store, "name", "new"),
    INDEX_NAME: lambda db, store, index: setattr(index, "name", "new"),
}


def _register_changes() -> None:
    for algorithm, change in _SCHEMA_CHANGES.items():

        @covers(algorithm, "not-upgrading")
        async def _(bench: Bench, change: Any = change) -> None:
            db = await bench.store(indexes={"i": {"key_path": "n"}})
            async with db.transaction("s", "readwrite") as tx:
                store = tx.object_store("s")
                raised(InvalidStateError, lambda: change(db, store, store.index("i")))
                assert (db.object_store_names, store.index_names) == (["other", "s"], ["i"])

        @covers(algorithm, "not-active")
        async def _(bench: Bench, change: Any = change) -> None:
            async def body(db: Any, tx: Any) -> None:
                store = db.create_object_store("s")
                index = store.create_index("i", "n")
                tx.commit()
                raised(TransactionInactiveError, lambda: change(db, store, index))

            await bench.upgrade(body)

        @covers(algorithm, "finished")
        async def _(bench: Bench, change: Any = change) -> None:
            kept: list[Any] = []

            def body(db: Any, _tx: Any) -> None:
                store = db.create_object_store("s")
                kept.append((db, store, store.create_index("i", "n")))

            await bench.upgrade(body)
            problem = _problem_of(lambda: change(*kept[0]))
            assert isinstance(problem, InvalidStateError | TransactionInactiveError)


def _problem_of(call: Any) -> BaseException | None:
    try:
        call()
    except Exception as problem:
        return problem
    return None


_register_changes()


def _register_creation() -> None:
    for path, generates, step in (
        (None, False, "out-of-line"),
        (None, True, "out-of-line-generator"),
        ("id", False, "in-line"),
        ("id", True, "in-line-generator"),
        (["a", "b"], False, "in-line-sequence"),
        ("", False, "in-line-empty"),
    ):

        @covers(CREATE_STORE, "store", step)
        async def _(bench: Bench, path: Any = path, generates: bool = generates) -> None:
            def body(db: Any, tx: Any) -> None:
                store = db.create_object_store("s", path, generates)
                assert (store.name, store.key_path, store.auto_increment) == ("s", path, generates)
                assert (store.index_names, store.transaction) == ([], tx)
                assert tx.object_store("s") is store
                assert db.object_store_names == tx.object_store_names == ["s"]

            await bench.upgrade(body)

    for path in ("", ["a"], ["a", "b"]):

        @covers(CREATE_STORE, "generator-path", repr(path))
        async def _(bench: Bench, path: Any = path) -> None:
            def body(db: Any, _tx: Any) -> None:
                raised(InvalidAccessError, lambda: db.create_object_store("s", path, True))
                assert db.object_store_names == []

            await bench.upgrade(body)

    for unique in (False, True):
        for multi in (False, True):

            @covers(CREATE_INDEX, "index", f"unique-{unique}-multi-{multi}")
            async def _(bench: Bench, unique: bool = unique, multi: bool = multi) -> None:
                def body(db: Any, _tx: Any) -> None:
                    store = db.create_object_store("s")
                    index = store.create_index("i", "n", unique=unique, multi_entry=multi)
                    assert (index.name, index.key_path, index.unique, index.multi_entry) == ("i", "n", unique, multi)
                    assert index.object_store is store
                    assert store.index("i") is index
                    assert store.index_names == ["i"]

                await bench.upgrade(body)


_register_creation()


@covers(CREATE_STORE, "key-path")
async def an_invalid_key_path_is_refused_first(bench: Bench) -> None:
    def body(db: Any, _tx: Any) -> None:
        db.create_object_store("s")
        raised(SyntaxError_, lambda: db.create_object_store("s", "a b"))

    await bench.upgrade(body)


@covers(CREATE_STORE, "exists")
async def a_second_store_of_that_name_is_refused(bench: Bench) -> None:
    def body(db: Any, _tx: Any) -> None:
        db.create_object_store("s")
        raised(ConstraintError, lambda: db.create_object_store("s"))

    await bench.upgrade(body)


@covers("sorted-name-list", "code-units", "stores")
async def store_names_are_sorted_by_code_units(bench: Bench) -> None:
    def body(db: Any, tx: Any) -> None:
        for name in NAMES:
            db.create_object_store(name)
        assert db.object_store_names == tx.object_store_names == SORTED

    await bench.upgrade(body)


@covers("sorted-name-list", "code-units", "indexes")
async def index_names_are_sorted_by_code_units(bench: Bench) -> None:
    def body(db: Any, _tx: Any) -> None:
        store = db.create_object_store("s")
        for name in NAMES:
            store.create_index(name, "x")
        assert store.index_names == SORTED

    await bench.upgrade(body)


@covers("sorted-name-list", "code-units", "scope")
async def a_scope_is_sorted_and_without_duplicates(bench: Bench) -> None:
    await bench.upgrade(lambda db, _: [db.create_object_store(name) for name in NAMES])
    db = bench.opened[0]
    assert db.transaction([*NAMES, "a"]).object_store_names == SORTED
    assert db.transaction("a").object_store_names == ["a"]


@covers(DELETE_STORE, "not-found")
async def a_missing_store_is_not_found(bench: Bench) -> None:
    await bench.upgrade(lambda db, _: raised(NotFoundError, lambda: db.delete_object_store("s")) and None)


@covers(DELETE_STORE, "delete")
async def a_deleted_store_is_gone_with_its_records(bench: Bench) -> None:
    async def body(db: Any, tx: Any) -> None:
        store = db.create_object_store("s")
        store.create_index("i", "n")
        await store.put({"n": 1}, 1)
        db.delete_object_store("s")
        assert db.object_store_names == []
        raised(NotFoundError, lambda: tx.object_store("s"))
        again = db.create_object_store("s", auto_increment=True)
        assert again is not store
        assert again.index_names == []
        assert await again.count() == 0
        assert await again.put("v") == 1

    await bench.upgrade(body)


@covers(CREATE_INDEX, "deleted")
@covers(DELETE_INDEX, "deleted")
@covers(STORE_NAME, "deleted")
@covers(INDEX_NAME, "deleted")
@covers("dom-idbobjectstore-index", "deleted")
async def a_deleted_store_takes_no_changes(bench: Bench) -> None:
    def body(db: Any, _tx: Any) -> None:
        store = db.create_object_store("s")
        index = store.create_index("i", "n")
        db.delete_object_store("s")
        raised(InvalidStateError, lambda: store.create_index("j", "n"))
        raised(InvalidStateError, lambda: store.delete_index("i"))
        raised(InvalidStateError, lambda: store.index("i"))
        raised(InvalidStateError, lambda: setattr(store, "name", "t"))
        raised(InvalidStateError, lambda: setattr(index, "name", "t"))

    await bench.upgrade(body)


@covers(CREATE_INDEX, "exists")
async def a_second_index_of_that_name_is_refused(bench: Bench) -> None:
    def body(db: Any, _tx: Any) -> None:
        store = db.create_object_store("s")
        store.create_index("i", "n")
        raised(ConstraintError, lambda: store.create_index("i", "a b"))

    await bench.upgrade(body)


@covers(CREATE_INDEX, "key-path")
async def an_index_needs_a_valid_key_path(bench: Bench) -> None:
    await bench.upgrade(
        lambda db, _: raised(SyntaxError_, lambda: db.create_object_store("s").create_index("i", "a b")) and None
    )


@covers(CREATE_INDEX, "populate")
async def an_index_is_filled_from_what_is_there(bench: Bench) -> None:
    (await bench.store(BOOKS, key_path="id")).close()

    async def body(_db: Any, tx: Any) -> None:
        store = tx.object_store("s")
        index = store.create_index("i", "n")
        assert [(r.key, r.primary_key) for r in await index.get_all_records()][:3] == [("a", 1), ("a", 3), ("a", 6)]
        await store.put({"id": 1, "n": "z"})
        assert await index.get_key("z") == 1
        assert await index.count("a") == 2

    await bench.upgrade(body, 2)


@covers(CREATE_INDEX, "populate-unique")
async def two_records_with_one_unique_key_abort_the_upgrade(bench: Bench) -> None:
    (await bench.store(BOOKS, key_path="id")).close()

    def upgrade(_db: Any, tx: Any, _old: int, _new: int) -> None:
        tx.object_store("s").create_index("i", "n", unique=True)

    problem = await failed(AbortError, bench.open(upgrade, 2))
    assert isinstance(problem.__cause__, ConstraintError)
    db = await bench.open(None, None)
    assert db.version == 1
    async with db.transaction("s") as tx:
        assert tx.object_store("s").index_names == []
        assert await tx.object_store("s").get_all() == BOOKS


@covers(CREATE_INDEX, "populate-unique", "in-its-turn")
async def requests_before_a_failing_index_succeed(bench: Bench) -> None:
    log: list[str] = []

    def upgrade(db: Any, tx: Any, _old: int, _new: int) -> None:
        store = db.create_object_store("s")
        for number in (1, 2):
            store.put({"n": "same"}, number).add_done_callback(lambda request: log.append(f"put {request.result}"))
        store.create_index("i", "n", unique=True)
        later = store.put({"n": "same"}, 3)
        later.add_done_callback(lambda request: log.append(type(request.error).__name__))
        tx.add_done_callback(lambda tx: log.append(f"tx {type(tx.error).__name__}"))

    problem = await failed(AbortError, bench.open(upgrade))
    assert isinstance(problem.__cause__, ConstraintError)
    assert log == ["put 1", "put 2", "AbortError", "tx ConstraintError"]


@covers(DELETE_INDEX, "not-found")
async def a_missing_index_is_not_found(bench: Bench) -> None:
    await bench.upgrade(
        lambda db, _: raised(NotFoundError, lambda: db.create_object_store("s").delete_index("i")) and None
    )


@covers(DELETE_INDEX, "delete")
async def a_deleted_index_is_gone(bench: Bench) -> None:
    (await bench.store(BOOKS, key_path="id", indexes={"i": {"key_path": "n", "unique": False}})).close()

    async def body(_db: Any, tx: Any) -> None:
        store = tx.object_store("s")
        store.delete_index("i")
        assert store.index_names == []
        raised(NotFoundError, lambda: store.index("i"))
        again = store.create_index("i", "id")
        assert await again.get_all_keys() == [1, 2, 3, 4, 5, 6]

    await bench.upgrade(body, 2)


@covers("dom-idbobjectstore-index", "not-found")
async def an_unknown_index_is_not_found(bench: Bench) -> None:
    db = await bench.store()
    raised(NotFoundError, lambda: db.transaction("s").object_store("s").index("i"))


@covers("dom-idbobjectstore-index", "finished")
async def a_finished_transaction_gives_no_index(bench: Bench) -> None:
    db = await bench.store(indexes={"i": {"key_path": "n"}})
    tx = db.transaction("s")
    store = tx.object_store("s")
    await tx.done
    raised(InvalidStateError, lambda: store.index("i"))


@covers("dom-idbobjectstore-index", "same")
async def an_index_is_the_same_object_each_time(bench: Bench) -> None:
    db = await bench.store(indexes={"i": {"key_path": "n"}})
    tx = db.transaction("s")
    assert tx.object_store("s").index("i") is tx.object_store("s").index("i")


@covers(STORE_NAME, "same-name")
@covers(INDEX_NAME, "same-name")
async def the_same_name_changes_nothing(bench: Bench) -> None:
    def body(db: Any, _tx: Any) -> None:
        store = db.create_object_store("s")
        store.name = "s"
        index = store.create_index("i", "n")
        index.name = "i"

    await bench.upgrade(body)


@covers(STORE_NAME, "exists")
@covers(INDEX_NAME, "exists")
async def a_taken_name_is_refused(bench: Bench) -> None:
    def body(db: Any, _tx: Any) -> None:
        store = db.create_object_store("s")
        db.create_object_store("t")
        raised(ConstraintError, lambda: setattr(store, "name", "t"))
        index = store.create_index("i", "n")
        store.create_index("j", "n")
        raised(ConstraintError, lambda: setattr(index, "name", "j"))

    await bench.upgrade(body)


@covers(STORE_NAME, "rename")
async def a_renamed_store_keeps_its_records(bench: Bench) -> None:
    (await bench.store({1: "v"})).close()

    async def body(db: Any, tx: Any) -> None:
        store = tx.object_store("s")
        store.name = "t"
        assert (store.name, db.object_store_names) == ("t", ["other", "t"])
        assert tx.object_store("t") is store
        raised(NotFoundError, lambda: tx.object_store("s"))
        assert await store.get(1) == "v"
        assert db.create_object_store("s") is not store

    await bench.upgrade(body, 2)
    db = bench.opened[-1]
    async with db.transaction(["s", "t"]) as tx:
        assert await tx.object_store("t").get_all() == ["v"]
        assert await tx.object_store("s").count() == 0


@covers(INDEX_NAME, "rename")
async def a_renamed_index_keeps_its_entries(bench: Bench) -> None:
    (await bench.store(BOOKS, key_path="id", indexes={"i": {"key_path": "n"}})).close()

    async def body(_db: Any, tx: Any) -> None:
        store = tx.object_store("s")
        index = store.index("i")
        index.name = "j"
        assert store.index_names == ["j"]
        assert store.index("j") is index
        raised(NotFoundError, lambda: store.index("i"))
        assert await index.count("a") == 3

    await bench.upgrade(body, 2)


# -- What an abort of the upgrade brings back --

REVERT = "abort-an-upgrade-transaction"


async def _aborted(bench: Bench, change: Any) -> Any:
    """The database, and what ``change`` gave, after the upgrade that made the change was aborted."""
    (await bench.store(BOOKS, key_path="id", indexes={"i": {"key_path": "n"}})).close()
    kept: list[Any] = []

    def upgrade(db: Any, tx: Any, _old: int, _new: int) -> None:
        kept.append((db, change(db, tx)))
        tx.abort()

    await failed(AbortError, bench.open(upgrade, 2))
    return kept[0]


async def _check_unchanged(bench: Bench) -> None:
    db = await bench.open(None, None)
    assert (db.version, db.object_store_names) == (1, ["other", "s"])
    async with db.transaction("s") as tx:
        store = tx.object_store("s")
        assert store.index_names == ["i"]
        assert await store.get_all() == BOOKS
        assert await store.index("i").get_all_keys() == [1, 3, 6, 2, 4, 5]


@covers(REVERT, "version")
async def the_version_goes_back(bench: Bench) -> None:
    db, _ = await _aborted(bench, lambda db, tx: None)
    assert db.version == 1
    await _check_unchanged(bench)


@covers(REVERT, "store-names")
async def created_and_deleted_stores_go_back(bench: Bench) -> None:
    def change(db: Any, _tx: Any) -> Any:
        db.delete_object_store("s")
        return db.create_object_store("s"), db.create_object_store("t")

    db, made = await _aborted(bench, change)
    assert db.object_store_names == ["other", "s"]
    assert all(store.is_deleted for store in made)
    await _check_unchanged(bench)


@covers(REVERT, "index-names")
async def created_and_deleted_indexes_go_back(bench: Bench) -> None:
    def change(_db: Any, tx: Any) -> Any:
        store = tx.object_store("s")
        index = store.index("i")
        store.delete_index("i")
        return store, index, store.create_index("j", "n")

    _, (store, index, made) = await _aborted(bench, change)
    assert store.index_names == ["i"]
    assert not index.is_deleted
    assert made.is_deleted
    await _check_unchanged(bench)


@covers(REVERT, "renamed-store")
async def a_renamed_store_gets_its_name_back(bench: Bench) -> None:
    def change(_db: Any, tx: Any) -> Any:
        store = tx.object_store("s")
        store.name = "t"
        return store

    _, store = await _aborted(bench, change)
    assert store.name == "s"
    await _check_unchanged(bench)


@covers(REVERT, "renamed-index")
async def a_renamed_index_gets_its_name_back(bench: Bench) -> None:
    def change(_db: Any, tx: Any) -> Any:
        index = tx.object_store("s").index("i")
        index.name = "j"
        return index

    _, index = await _aborted(bench, change)
    assert index.name == "i"
    await _check_unchanged(bench)


@covers(REVERT, "renamed-store", "made-by-the-upgrade")
async def a_store_that_is_gone_keeps_its_last_name(bench: Bench) -> None:
    def change(db: Any, _tx: Any) -> Any:
        store = db.create_object_store("new")
        store.name = "newer"
        return store

    _, store = await _aborted(bench, change)
    assert store.name == "newer"
    raised(InvalidStateError, lambda: store.get(1))
    await _check_unchanged(bench)


@covers(REVERT, "renamed-index", "made-by-the-upgrade")
async def an_index_that_is_gone_keeps_its_last_name(bench: Bench) -> None:
    def change(_db: Any, tx: Any) -> Any:
        store = tx.object_store("s")
        index = store.create_index("new", "n")
        store.index("i").name = "j"
        index.name = "newer"
        return index

    _, index = await _aborted(bench, change)
    assert (index.name, index.object_store.index_names) == ("newer", ["i"])
    raised(InvalidStateError, lambda: index.get(1))
    await _check_unchanged(bench)


@covers(REVERT, "index-names", "deleted-store")
async def a_deleted_store_gets_its_indexes_back(bench: Bench) -> None:
    def change(db: Any, tx: Any) -> Any:
        store = tx.object_store("s")
        db.delete_object_store("s")
        assert store.index_names == []
        return store

    _, store = await _aborted(bench, change)
    assert store.index_names == ["i"]
    await _check_unchanged(bench)


@covers(REVERT, "data")
async def data_goes_back(bench: Bench) -> None:
    def change(_db: Any, tx: Any) -> Any:
        store = tx.object_store("s")
        store.clear()
        store.put({"id": 9})

    await _aborted(bench, change)
    await _check_unchanged(bench)


@covers(REVERT, "new-database")
async def a_new_database_is_not_there(bench: Bench) -> None:
    kept: list[Any] = []

    def upgrade(db: Any, tx: Any, _old: int, _new: int) -> None:
        kept.append(db)
        db.create_object_store("s")
        tx.abort()

    await failed(AbortError, bench.open(upgrade, 3))
    assert (kept[0].version, kept[0].object_store_names) == (0, [])
    assert await bench.factory.databases() == []
