"""Cursors."""

from __future__ import annotations

from typing import Any

from tfjsd.errors import (
    DataCloneError,
    DataError,
    InvalidAccessError,
    InvalidStateError,
    ReadOnlyError,
    TransactionInactiveError,
)
from tfjsd.storage_backends.indexed_db.idb_cursor import IDBCursor, IDBCursorWithValue
from tfjsd.storage_backends.indexed_db.idb_key_range import IDBKeyRange
from tfjsd.storage_backends.script_types import UNDEFINED

from .keys import INVALID
from .records import BOOKS, BY_N, DIRECTIONS
from .registry import Bench, covers, raised

ITERATE = "iterate-a-cursor"
MOVES: dict[str, tuple[Any, ...]] = {"continue_": (), "advance": (1,), "continue_primary_key": ("z", 9)}
CHANGES: dict[str, tuple[Any, ...]] = {"update": ({"id": 1},), "delete": ()}


async def _books(bench: Bench) -> Any:
    return await bench.store(BOOKS, key_path="id", indexes=BY_N)


def _register_directions() -> None:
    for direction, entries in DIRECTIONS.items():

        @covers(ITERATE, direction, "index")
        async def _(bench: Bench, direction: Any = direction, entries: Any = entries) -> None:
            db = await _books(bench)
            async with db.transaction("s") as tx:
                index = tx.object_store("s").index("i")
                seen = [(c.key, c.primary_key, c.value["id"]) async for c in index.iterate(None, direction)]
                assert seen == [(key, primary, primary) for key, primary in entries]

        @covers(ITERATE, direction, "store")
        async def _(bench: Bench, direction: Any = direction) -> None:
            db = await _books(bench)
            async with db.transaction("s") as tx:
                seen = [c.key async for c in tx.object_store("s").iterate(None, direction)]
                assert seen == ([1, 2, 3, 4, 5, 6] if direction.startswith("next") else [6, 5, 4, 3, 2, 1])

        @covers(ITERATE, "range", direction)
        async def _(bench: Bench, direction: Any = direction, entries: Any = entries) -> None:
            db = await _books(bench)
            query = IDBKeyRange.bound("a", "b", True)
            async with db.transaction("s") as tx:
                index = tx.object_store("s").index("i")
                seen = [(c.key, c.primary_key) async for c in index.iterate(query, direction)]
                assert seen == [entry for entry in entries if entry[0] == "b"]

        @covers(ITERATE, "key", direction)
        async def _(bench: Bench, direction: Any = direction, entries: Any = entries) -> None:
            db = await _books(bench)
            forward = direction.startswith("next")
            async with db.transaction("s") as tx:
                cursor = await tx.object_store("s").index("i").open_key_cursor(None, direction)
                cursor = await cursor.continue_("b")
                assert (cursor.key, cursor.primary_key) == next(entry for entry in entries if entry[0] == "b")
                cursor = await cursor.continue_("bb" if forward else "aa")
                assert cursor.key == ("c" if forward else "a")

        @covers(ITERATE, "count", direction)
        async def _(bench: Bench, direction: Any = direction, entries: Any = entries) -> None:
            db = await _books(bench)
            async with db.transaction("s") as tx:
                cursor = await tx.object_store("s").index("i").open_key_cursor(None, direction)
                cursor = await cursor.advance(2)
                assert (cursor.key, cursor.primary_key) == entries[2]
                assert await cursor.advance(len(entries)) is None

        @covers(ITERATE, "end", direction)
        async def _(bench: Bench, direction: Any = direction, entries: Any = entries) -> None:
            db = await _books(bench)
            async with db.transaction("s") as tx:
                cursor = await tx.object_store("s").index("i").open_cursor(None, direction)
                last = await cursor.advance(len(entries) - 1)
                assert last is cursor
                assert await cursor.continue_() is None
                assert (cursor.key, cursor.primary_key, cursor.value) == (UNDEFINED, UNDEFINED, UNDEFINED)
                raised(InvalidStateError, cursor.continue_)

        if not direction.endswith("unique"):

            @covers(ITERATE, "primary-key", direction)
            async def _(bench: Bench, direction: Any = direction) -> None:
                db = await _books(bench)
                async with db.transaction("s") as tx:
                    cursor = await tx.object_store("s").index("i").open_key_cursor(None, direction)
                    if direction == "next":
                        cursor = await cursor.continue_primary_key("a", 2)
                        assert (cursor.key, cursor.primary_key) == ("a", 3)
                        cursor = await cursor.continue_primary_key("b", 3)
                        assert (cursor.key, cursor.primary_key) == ("b", 4)
                        assert await cursor.continue_primary_key("c", 6) is None
                    else:
                        cursor = await cursor.continue_primary_key("b", 3)
                        assert (cursor.key, cursor.primary_key) == ("b", 2)
                        cursor = await cursor.continue_primary_key("a", 5)
                        assert (cursor.key, cursor.primary_key) == ("a", 3)


_register_directions()


@covers(ITERATE, "none")
async def no_record_gives_none(bench: Bench) -> None:
    db = await bench.store()
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").open_cursor() is None
        assert await tx.object_store("s").open_key_cursor(5) is None


@covers(ITERATE, "got-value")
async def a_cursor_moves_one_step_at_a_time(bench: Bench) -> None:
    db = await _books(bench)
    async with db.transaction("s") as tx:
        cursor = await tx.object_store("s").open_cursor()
        request = cursor.continue_()
        assert request is cursor.request
        assert request.ready_state == "pending"
        raised(InvalidStateError, cursor.continue_)
        raised(InvalidStateError, lambda: cursor.advance(1))
        raised(InvalidStateError, cursor.delete if tx.mode != "readonly" else cursor.continue_)
        assert (await request).key == 2


@covers(ITERATE, "changes", "deleted-ahead")
async def a_cursor_skips_what_was_deleted_ahead(bench: Bench) -> None:
    db = await _books(bench)
    async with db.transaction("s", "readwrite") as tx:
        store, seen = tx.object_store("s"), []
        async for cursor in store.iterate():
            seen.append(cursor.key)
            if cursor.key == 2:
                store.delete(IDBKeyRange.bound(3, 5))
        assert seen == [1, 2, 6]


@covers(ITERATE, "changes", "inserted")
async def a_cursor_meets_what_was_inserted_ahead(bench: Bench) -> None:
    db = await bench.store({1: "a", 5: "b"})
    async with db.transaction("s", "readwrite") as tx:
        store, seen = tx.object_store("s"), []
        async for cursor in store.iterate():
            seen.append(cursor.key)
            if cursor.key == 1:
                store.put("x", 3)
                store.put("y", 0)
        assert seen == [1, 3, 5]


@covers(ITERATE, "changes", "moved-in-index")
async def an_index_cursor_meets_a_record_again_that_moved_ahead(bench: Bench) -> None:
    db = await _books(bench)
    async with db.transaction("s", "readwrite") as tx:
        seen = []
        async for cursor in tx.object_store("s").index("i").iterate():
            seen.append((cursor.key, cursor.primary_key))
            if cursor.primary_key == 1 and cursor.key == "a":
                cursor.update({"id": 1, "n": "bb"})
        assert seen == [("a", 1), ("a", 3), ("a", 6), ("b", 2), ("b", 4), ("bb", 1), ("c", 5)]


@covers(ITERATE, "loop-moves")
async def the_body_of_a_loop_may_move_the_cursor(bench: Bench) -> None:
    db = await _books(bench)
    async with db.transaction("s") as tx:
        seen = []
        async for cursor in tx.object_store("s").iterate():
            seen.append(cursor.key)
            if cursor.key == 1:
                cursor.continue_(4)
        assert seen == [1, 4, 5, 6]


@covers("cursor-interface", "attributes")
async def a_cursor_knows_where_it_is(bench: Bench) -> None:
    db = await _books(bench)
    async with db.transaction("s") as tx:
        index = tx.object_store("s").index("i")
        request = index.open_cursor(None, "prevunique")
        cursor = await request
        assert type(cursor) is IDBCursorWithValue
        assert (cursor.source, cursor.direction, cursor.request) == (index, "prevunique", request)
        assert (cursor.key, cursor.primary_key, cursor.value) == ("c", 5, BOOKS[4])
        assert cursor.value is cursor.value
        keys = await index.open_key_cursor()
        assert type(keys) is IDBCursor
        assert not hasattr(keys, "value")


@covers("cursor-interface", "attributes", "change-at-the-settlement")
async def attributes_change_when_the_request_settles(bench: Bench) -> None:
    db = await _books(bench)
    async with db.transaction("s") as tx:
        cursor = await tx.object_store("s").open_cursor()
        request = cursor.continue_()
        assert (cursor.key, cursor.value) == (1, BOOKS[0])
        await request
        assert (cursor.key, cursor.value) == (2, BOOKS[1])


def _algorithm(method: str) -> str:
    return f"dom-idbcursor-{method.rstrip('_').replace('_', '')}"


def _register_checks() -> None:
    for method, arguments in {**MOVES, **CHANGES}.items():
        algorithm = _algorithm(method)

        @covers(algorithm, "not-active")
        async def _(bench: Bench, method: str = method, arguments: Any = arguments) -> None:
            db = await _books(bench)
            tx = db.transaction("s", "readwrite")
            cursor = await tx.object_store("s").index("i").open_cursor()
            tx.commit()
            await tx.done
            raised(TransactionInactiveError, lambda: getattr(cursor, method)(*arguments))

        @covers(algorithm, "deleted")
        async def _(bench: Bench, method: str = method, arguments: Any = arguments) -> None:
            async def body(db: Any, _tx: Any) -> None:
                store = db.create_object_store("s")
                store.create_index("i", "n")
                await store.put({"n": 1}, 1)
                cursor = await store.index("i").open_cursor()
                store.delete_index("i")
                raised(InvalidStateError, lambda: getattr(cursor, method)(*arguments))

            await bench.upgrade(body)

        @covers(algorithm, "got-value", "moving")
        async def _(bench: Bench, method: str = method, arguments: Any = arguments) -> None:
            db = await _books(bench)
            async with db.transaction("s", "readwrite") as tx:
                cursor = await tx.object_store("s").index("i").open_cursor()
                cursor.continue_()
                raised(InvalidStateError, lambda: getattr(cursor, method)(*arguments))

        @covers(algorithm, "got-value", "at-the-end")
        async def _(bench: Bench, method: str = method, arguments: Any = arguments) -> None:
            db = await _books(bench)
            async with db.transaction("s", "readwrite") as tx:
                cursor = await tx.object_store("s").index("i").open_cursor(None, "prev")
                assert await cursor.advance(6) is None
                raised(InvalidStateError, lambda: getattr(cursor, method)(*arguments))

    for method, arguments in CHANGES.items():

        @covers(_algorithm(method), "read-only")
        async def _(bench: Bench, method: str = method, arguments: Any = arguments) -> None:
            db = await _books(bench)
            async with db.transaction("s") as tx:
                cursor = await tx.object_store("s").open_cursor()
                raised(ReadOnlyError, lambda: getattr(cursor, method)(*arguments))

        @covers(_algorithm(method), "key-only")
        async def _(bench: Bench, method: str = method, arguments: Any = arguments) -> None:
            db = await _books(bench)
            async with db.transaction("s", "readwrite") as tx:
                for source in (tx.object_store("s"), tx.object_store("s").index("i")):
                    cursor = await source.open_key_cursor()
                    raised(InvalidStateError, lambda cursor=cursor: getattr(cursor, method)(*arguments))  # type: ignore[misc]

    for name, (_step, value) in INVALID.items():

        @covers("dom-idbcursor-continue", "invalid-key", name)
        async def _(bench: Bench, value: Any = value) -> None:
            db = await _books(bench)
            async with db.transaction("s") as tx:
                cursor = await tx.object_store("s").open_cursor()
                if value is not None and value is not UNDEFINED:  # these say that there is no key
                    raised(DataError, lambda: cursor.continue_(value))

        @covers("dom-idbcursor-continueprimarykey", "invalid-key", name)
        async def _(bench: Bench, value: Any = value) -> None:
            db = await _books(bench)
            async with db.transaction("s") as tx:
                cursor = await tx.object_store("s").index("i").open_cursor()
                raised(DataError, lambda: cursor.continue_primary_key(value, 1))
                raised(DataError, lambda: cursor.continue_primary_key("b", value))

    for name, count in {"zero": 0, "negative": -1, "nan": float("nan"), "large": 2**32, "text": "1"}.items():

        @covers("dom-idbcursor-advance", "enforce-range", name)
        async def _(bench: Bench, count: Any = count) -> None:
            db = await _books(bench)
            async with db.transaction("s") as tx:
                cursor = await tx.object_store("s").open_cursor()
                raised(TypeError, lambda: cursor.advance(count))
                assert cursor.has_value

    for direction, (start, bad) in {
        "next": (3, (3, 2)),
        "nextunique": (3, (3, 2)),
        "prev": (3, (3, 4)),
        "prevunique": (3, (3, 4)),
    }.items():

        @covers("dom-idbcursor-continue", "not-beyond", direction)
        async def _(bench: Bench, direction: Any = direction, start: int = start, bad: Any = bad) -> None:
            db = await _books(bench)
            async with db.transaction("s") as tx:
                query = (
                    IDBKeyRange.lower_bound(start) if direction.startswith("next") else IDBKeyRange.upper_bound(start)
                )
                cursor = await tx.object_store("s").open_cursor(query, direction)
                for key in bad:
                    raised(DataError, lambda key=key: cursor.continue_(key))  # type: ignore[misc]

    for direction, pairs in {"next": (("a", 1), ("a", 0), ("A", 9)), "prev": (("c", 5), ("c", 6), ("d", 0))}.items():

        @covers("dom-idbcursor-continueprimarykey", "not-beyond", direction)
        async def _(bench: Bench, direction: Any = direction, pairs: Any = pairs) -> None:
            db = await _books(bench)
            async with db.transaction("s") as tx:
                cursor = await tx.object_store("s").index("i").open_cursor(None, direction)
                for pair in pairs:
                    raised(DataError, lambda pair=pair: cursor.continue_primary_key(*pair))  # type: ignore[misc]

    for direction in ("nextunique", "prevunique"):

        @covers("dom-idbcursor-continueprimarykey", "direction", direction)
        async def _(bench: Bench, direction: Any = direction) -> None:
            db = await _books(bench)
            async with db.transaction("s") as tx:
                cursor = await tx.object_store("s").index("i").open_cursor(None, direction)
                raised(InvalidAccessError, lambda: cursor.continue_primary_key("b", 1))

    for method in ("open_cursor", "open_key_cursor"):
        for name, unknown in {"unknown": "forward", "empty": "", "upper-case": "NEXT", "none": None}.items():

            @covers("open-cursor-direction", "enumeration", f"{method}-{name}")
            async def _(bench: Bench, method: str = method, direction: Any = unknown) -> None:
                db = await _books(bench)
                async with db.transaction("s") as tx:
                    raised(TypeError, lambda: getattr(tx.object_store("s"), method)(None, direction))
                    raised(TypeError, lambda: getattr(tx.object_store("s").index("i"), method)(None, direction))


_register_checks()


@covers("dom-idbcursor-continueprimarykey", "not-an-index")
async def continue_primary_key_is_for_indexes(bench: Bench) -> None:
    db = await _books(bench)
    async with db.transaction("s") as tx:
        cursor = await tx.object_store("s").open_cursor()
        raised(InvalidAccessError, lambda: cursor.continue_primary_key(2, 2))


@covers("dom-idbcursor-update", "clone")
async def update_refuses_what_cannot_be_cloned(bench: Bench) -> None:
    db = await _books(bench)
    async with db.transaction("s", "readwrite") as tx:
        cursor = await tx.object_store("s").open_cursor()
        raised(DataCloneError, lambda: cursor.update({"id": 1, "f": len}))


@covers("dom-idbcursor-update", "other-key")
async def update_keeps_the_in_line_key(bench: Bench) -> None:
    db = await _books(bench)
    async with db.transaction("s", "readwrite") as tx:
        cursor = await tx.object_store("s").open_cursor()
        for value in ({"id": 2}, {}, {"id": None}, 5):
            raised(DataError, lambda value=value: cursor.update(value))  # type: ignore[misc]


@covers("dom-idbcursor-update", "store")
async def update_stores_the_value_under_the_key(bench: Bench) -> None:
    db = await _books(bench)
    async with db.transaction("s", "readwrite") as tx:
        cursor = await tx.object_store("s").index("i").open_cursor("b")
        request = cursor.update({"id": 2, "n": "z"})
        assert request.source is cursor
        assert await request == 2
        assert await tx.object_store("s").get(2) == {"id": 2, "n": "z"}
        assert await tx.object_store("s").index("i").get_key("z") == 2


@covers("dom-idbcursor-update", "store", "deleted-meanwhile")
async def update_stores_again_what_was_deleted(bench: Bench) -> None:
    db = await bench.store({1: "a"})
    async with db.transaction("s", "readwrite") as tx:
        cursor = await tx.object_store("s").open_cursor()
        tx.object_store("s").clear()
        assert await cursor.update("b") == 1
        assert await tx.object_store("s").get_all() == ["b"]


@covers("dom-idbcursor-delete", "delete")
async def delete_takes_the_record_away(bench: Bench) -> None:
    db = await _books(bench)
    async with db.transaction("s", "readwrite") as tx:
        cursor = await tx.object_store("s").index("i").open_cursor("b")
        request = cursor.delete()
        assert request.source is cursor
        assert await request is UNDEFINED
        assert await tx.object_store("s").get_all_keys() == [1, 3, 4, 5, 6]
        assert (await cursor.continue_()).primary_key == 4
