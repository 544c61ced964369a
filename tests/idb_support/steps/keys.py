"""Keys, key paths and ranges."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime
from typing import Any

import numpy as np

from tfjsd.errors import DataError, InvalidAccessError, SyntaxError_
from tfjsd.storage_backends.indexed_db.idb_key_range import IDBKeyRange
from tfjsd.storage_backends.script_collections import Map
from tfjsd.storage_backends.script_types import (
    HOLE,
    UNDEFINED,
    Array,
    BigInt,
    BinaryView,
    Blob,
    Boxed,
    Date,
    File,
    RegExp,
    ScriptError,
)

from .registry import Bench, covers, raised

MOMENT = datetime(2026, 11, 20, 12, tzinfo=UTC)

INVALID: dict[str, tuple[str, Any]] = {
    "null": ("otherwise", None),
    "undefined": ("otherwise", UNDEFINED),
    "true": ("otherwise", True),
    "false": ("otherwise", False),
    "object": ("otherwise", {}),
    "object-with-value": ("otherwise", {"a": 1}),
    "map": ("otherwise", Map()),
    "set": ("otherwise", {1}),
    "regexp": ("otherwise", RegExp("a")),
    "bigint": ("otherwise", BigInt(1)),
    "large-int": ("otherwise", 2**60),
    "boxed": ("otherwise", Boxed(1)),
    "error": ("otherwise", ScriptError()),
    "blob": ("otherwise", Blob(b"x")),
    "function": ("otherwise", len),
    "nan": ("number-nan", math.nan),
    "invalid-date": ("date-nan", Date(math.nan)),
    "naive-datetime": ("date-nan", datetime(2026, 1, 1)),
    "hole": ("array-hole", [1, HOLE]),
    "nested-null": ("array-entry", [None]),
    "nested-undefined": ("array-entry", [1, UNDEFINED]),
    "nested-object": ("array-entry", [1, [{}]]),
    "nested-nan": ("array-entry", [[math.nan]]),
    "nested-bool": ("array-entry", [[True]]),
}
VALID: dict[str, tuple[str, Any, Any]] = {
    "zero": ("number", 0, 0),
    "minus-zero": ("number", -0.0, -0.0),
    "negative": ("number", -5.25, -5.25),
    "integral-float": ("number", 3.0, 3),
    "infinity": ("number", math.inf, math.inf),
    "minus-infinity": ("number", -math.inf, -math.inf),
    "largest": ("number", 2**53, 2.0**53),
    "tiny": ("number", 5e-324, 5e-324),
    "epoch": ("date", Date(0), datetime(1970, 1, 1, tzinfo=UTC)),
    "moment": ("date", MOMENT, MOMENT),
    "far-date": ("date", Date(8.64e15), Date(8.64e15)),
    "empty-string": ("string", "", ""),
    "text": ("string", "a\0b", "a\0b"),
    "astral": ("string", "😀", "😀"),
    "lone-surrogate": ("string", "\ud800", "\ud800"),
    "empty-binary": ("buffer", b"", b""),
    "binary": ("buffer", b"\0\xff", b"\0\xff"),
    "bytearray": ("buffer", bytearray(b"x"), b"x"),
    "memoryview": ("buffer", memoryview(b"xyz")[1:], b"yz"),
    "typed-array": ("buffer", np.array([1, 2], "<u2"), b"\1\0\2\0"),
    "data-view": ("buffer", BinaryView("DataView", b"v"), b"v"),
    "empty-array": ("array", [], []),
    "nested": ("array", [1, ["a", [b"b", MOMENT]]], [1, ["a", [b"b", MOMENT]]]),
    "tuple": ("array", (1, (2,)), [1, [2]]),
    "array-with-properties": ("array", Array([7], {"foo": 1}), [7]),
    "shared-array": ("array", [[1]] * 2, [[1], [1]]),
}

ORDER: list[tuple[str, Any]] = [
    ("number", -math.inf),
    ("number", -1),
    ("number", 0),
    ("number", 1.5),
    ("number", math.inf),
    ("date", Date(-8.64e15)),
    ("date", Date(0)),
    ("date", MOMENT),
    ("string", ""),
    ("string", "A"),
    ("string", "a"),
    ("string", "aa"),
    ("string", "\ud83d"),
    ("string", "😀"),
    ("string", "\uffff"),
    ("binary", b""),
    ("binary", b"\0"),
    ("binary", b"\1"),
    ("binary", b"\1\0"),
    ("binary", b"\xff"),
    ("array", []),
    ("array", [0]),
    ("array", [0, 0]),
    ("array", ["a"]),
    ("array", [[]]),
]
METHODS = ("get", "get_key", "get_all", "get_all_keys", "get_all_records", "count", "open_cursor", "open_key_cursor")


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return type(one) is type(other) and one == other


def _register_conversion() -> None:
    for name, (step, value) in INVALID.items():

        @covers("convert-a-value-to-a-key", step, name)
        async def _(bench: Bench, value: Any = value) -> None:
            raised(DataError, lambda: bench.factory.cmp(value, 1))
            raised(DataError, lambda: bench.factory.cmp(1, [value]))
            raised(DataError, lambda: IDBKeyRange.only(value))

    for name, (step, value, read) in VALID.items():

        @covers("convert-a-value-to-a-key", step, name)
        async def _(bench: Bench, value: Any = value) -> None:
            assert bench.factory.cmp(value, value) == 0

        @covers("convert-a-key-to-a-value", step, name)
        async def _(bench: Bench, value: Any = value, read: Any = read) -> None:
            db = await bench.store()
            async with db.transaction("s", "readwrite") as tx:
                store = tx.object_store("s")
                assert _same(await store.put("v", value), read)
                assert _same(await store.get_key(value), read)
                assert await store.get(value) == "v"


_register_conversion()


@covers("convert-a-value-to-a-key", "seen")
async def an_array_in_itself(bench: Bench) -> None:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    raised(DataError, lambda: bench.factory.cmp(cyclic, 1))


def _register_order() -> None:
    for (first, low), (second, high) in itertools.pairwise(ORDER):
        step = f"{first}-less" if first == second else "other-type"
        name = f"{low!r}-{high!r}"

        @covers("compare-two-keys", step, name)
        async def _(bench: Bench, low: Any = low, high: Any = high) -> None:
            assert bench.factory.cmp(low, high) == -1
            assert bench.factory.cmp(high, low) == 1
            assert bench.factory.cmp(high, high) == 0


_register_order()

VALID_PATHS = ("", "a", "a.b", "$", "_x", "\u4e2d", "a\u200db", "length", ["a"], ["a", "b.c"], ["", "a"])
INVALID_PATHS: tuple[Any, ...] = (
    ".",
    "a.",
    ".a",
    "a..b",
    "1a",
    "a b",
    " ",
    "a-b",
    "a,b",
    "a['b']",
    "a\0",
    "a.1",
    [],
    ["a", "."],
    ["a", ["b"]],
    5,
)


def _register_paths() -> None:
    for path in VALID_PATHS:
        step = "sequence" if isinstance(path, list) else "empty" if not path else "identifiers"

        @covers("valid-key-path", step, repr(path))
        async def _(bench: Bench, path: Any = path) -> None:
            def body(db: Any, tx: Any) -> None:
                store = db.create_object_store("s", path)
                assert store.key_path == path
                assert store.create_index("i", path).key_path == path

            await bench.upgrade(body)

    for path in INVALID_PATHS:

        @covers("valid-key-path", "otherwise", repr(path))
        async def _(bench: Bench, path: Any = path) -> None:
            def body(db: Any, tx: Any) -> None:
                raised(SyntaxError_, lambda: db.create_object_store("s", path))
                store = db.create_object_store("t")
                raised(SyntaxError_, lambda: store.create_index("i", path))
                assert db.object_store_names == ["t"]
                assert store.index_names == []

            await bench.upgrade(body)


_register_paths()

EVALUATED: dict[str, tuple[str, Any, Any, Any]] = {
    "empty-path": ("empty", "", 5, 5),
    "array-path": ("sequence", ["a", "b"], {"a": 1, "b": "x"}, [1, "x"]),
    "string-length": ("string-length", "length", "h😀", 3),
    "nested-string-length": ("string-length", "v.length", {"v": "abc"}, 3),
    "array-length": ("array-length", "length", [1, 2, 3], 3),
    "own-length": ("own-property", "length", {"length": 9}, 9),
    "blob-size": ("blob-size", "size", Blob(b"12345"), 5),
    "blob-type": ("blob-type", "type", Blob(b"", "text/plain"), "text/plain"),
    "file-name": ("file-name", "name", File(b"", name="f.txt"), "f.txt"),
    "file-modified": ("file-last-modified", "lastModified", File(b"", last_modified=7), 7),
    "own": ("own-property", "a", {"a": "k"}, "k"),
    "nested": ("own-property", "a.b.c", {"a": {"b": {"c": [1]}}}, [1]),
    "array-property": ("own-property", "x", Array([1], {"x": 4}), 4),
    "proto-name": ("own-property", "constructor", {"constructor": 3}, 3),
}
NOT_FOUND: dict[str, tuple[str, Any, Any]] = {
    "missing": ("no-own-property", "a", {"b": 1}),
    "missing-nested": ("no-own-property", "a.b", {"a": {}}),
    "inherited": ("no-own-property", "constructor", {}),
    "of-number": ("no-own-property", "a", 5),
    "of-null": ("no-own-property", "a", None),
    "of-undefined": ("no-own-property", "a.b", {"a": UNDEFINED}),
    "of-date": ("no-own-property", "a", MOMENT),
    "of-map": ("no-own-property", "a", Map([("a", 1)])),
    "of-binary": ("no-own-property", "length", b"abc"),
    "sequence-part": ("sequence-failure", ["a", "b"], {"a": 1}),
}


def _register_evaluation() -> None:
    for name, (step, path, value, key) in EVALUATED.items():

        @covers("evaluate-a-key-path-on-a-value", step, name)
        async def _(bench: Bench, path: Any = path, value: Any = value, key: Any = key) -> None:
            db = await bench.store(key_path=path)
            async with db.transaction("s", "readwrite") as tx:
                assert await tx.object_store("s").put(value) == key
                assert await tx.object_store("s").get(key) == value

        @covers("extract-a-key-from-a-value-using-a-key-path", "key", name)
        async def _(bench: Bench, path: Any = path, value: Any = value, key: Any = key) -> None:
            db = await bench.store({1: value}, indexes={"i": {"key_path": path}})
            async with db.transaction("s") as tx:
                rows = await tx.object_store("s").index("i").get_all_records()
                assert [(row.key, row.primary_key) for row in rows] == [(key, 1)]

    for name, (step, path, value) in NOT_FOUND.items():

        @covers("evaluate-a-key-path-on-a-value", step, name)
        async def _(bench: Bench, path: Any = path, value: Any = value) -> None:
            db = await bench.store(key_path=path)
            async with db.transaction("s", "readwrite") as tx:
                raised(DataError, lambda: tx.object_store("s").put(value))

        @covers("extract-a-key-from-a-value-using-a-key-path", "failure", name)
        async def _(bench: Bench, path: Any = path, value: Any = value) -> None:
            db = await bench.store({1: value}, indexes={"i": {"key_path": path}})
            async with db.transaction("s") as tx:
                assert await tx.object_store("s").index("i").count() == 0

    for name, (_step, value) in INVALID.items():
        if name in ("function", "naive-datetime"):
            continue  # these cannot be stored at all

        @covers("extract-a-key-from-a-value-using-a-key-path", "invalid", name)
        async def _(bench: Bench, value: Any = value) -> None:
            db = await bench.store(key_path="k", indexes={"i": {"key_path": "i"}})
            async with db.transaction("s", "readwrite") as tx:
                store = tx.object_store("s")
                raised(DataError, lambda: store.put({"k": value}))
                await store.put({"k": 1, "i": value})
                assert await store.index("i").count() == 0


_register_evaluation()

SHARED: dict[str, Any] = {}
INJECTED: dict[str, tuple[str, str, Any, Any]] = {
    "into-object": ("object", "id", {"a": 1}, {"a": 1, "id": 1}),
    "into-empty": ("object", "id", {}, {"id": 1}),
    "into-array": ("array", "id", [5], Array([5], {"id": 1})),
    "creates-objects": ("not-hop", "a.b.c", {}, {"a": {"b": {"c": 1}}}),
    "keeps-objects": ("hop", "a.b", {"a": {"x": 2}}, {"a": {"x": 2, "b": 1}}),
    "shared": ("hop", "a.id", {"a": SHARED, "b": SHARED}, {"a": {"id": 1}, "b": {"id": 1}}),
}
NOT_INJECTABLE: dict[str, tuple[str, str, Any]] = {
    "number": ("primitive", "id", 1),
    "string": ("primitive", "id", "s"),
    "null": ("primitive", "id", None),
    "undefined": ("primitive", "id", UNDEFINED),
    "bool": ("primitive", "id", True),
    "bigint": ("primitive", "id", BigInt(3)),
    "nested-number": ("nested-primitive", "a.id", {"a": 1}),
    "nested-null": ("nested-primitive", "a.id", {"a": None}),
    "nested-string": ("nested-primitive", "a.b.id", {"a": {"b": "x"}}),
}


def _register_injection() -> None:
    for name, (step, path, value, stored) in INJECTED.items():

        @covers("inject-a-key-into-a-value-using-a-key-path", step, name)
        async def _(bench: Bench, path: str = path, value: Any = value, stored: Any = stored) -> None:
            db = await bench.store(key_path=path, auto_increment=True)
            before = repr(value)
            async with db.transaction("s", "readwrite") as tx:
                assert await tx.object_store("s").put(value) == 1
                assert await tx.object_store("s").get(1) == stored
            assert repr(value) == before  # the caller's value is left alone

    for name, (step, path, value) in NOT_INJECTABLE.items():

        @covers("check-that-a-key-could-be-injected-into-a-value", step, name)
        async def _(bench: Bench, path: str = path, value: Any = value) -> None:
            db = await bench.store(key_path=path, auto_increment=True)
            async with db.transaction("s", "readwrite") as tx:
                raised(DataError, lambda: tx.object_store("s").put(value))
                assert await tx.object_store("s").count() == 0

    for name, value in (("date", MOMENT), ("regexp", RegExp("a")), ("set", {1}), ("binary", b"x")):

        @covers("check-that-a-key-could-be-injected-into-a-value", "other-object", name)
        async def _(bench: Bench, value: Any = value) -> None:
            db = await bench.store(key_path="id", auto_increment=True)
            async with db.transaction("s", "readwrite") as tx:
                assert await tx.object_store("s").put(value) == 1
                assert await tx.object_store("s").get(1) == value


_register_injection()

MULTI: dict[str, tuple[str, Any, list[Any]]] = {
    "array": ("array-entries", ["a", "b"], ["a", "b"]),
    "duplicates": ("duplicate", ["b", "a", "b"], ["a", "b"]),
    "invalid-entries": ("invalid-entry", [1, None, {}, "x", math.nan, True, HOLE], [1, "x"]),
    "nested": ("array-entries", [[1], [2, 3]], [[1], [2, 3]]),
    "minus-zero": ("duplicate", [0, -0.0], [0]),
    "empty": ("array-entries", [], []),
    "single": ("not-an-array", "k", ["k"]),
    "single-invalid": ("not-an-array", {}, []),
}


def _register_multi_entry() -> None:
    for name, (step, value, keys) in MULTI.items():

        @covers("convert-a-value-to-a-multientry-key", step, name)
        async def _(bench: Bench, value: Any = value, keys: Any = keys) -> None:
            db = await bench.store({1: {"t": value}}, indexes={"i": {"key_path": "t", "multi_entry": True}})
            async with db.transaction("s") as tx:
                assert [row.key for row in await tx.object_store("s").index("i").get_all_records()] == keys


_register_multi_entry()

RECORDS = {number: f"v{number}" for number in range(1, 6)}
QUERIES: dict[str, tuple[str, Any, list[int]]] = {
    "none": ("unbounded", None, [1, 2, 3, 4, 5]),
    "undefined": ("unbounded", UNDEFINED, [1, 2, 3, 4, 5]),
    "key": ("only", 3, [3]),
    "missing-key": ("only", 9, []),
    "only": ("range", IDBKeyRange.only(2), [2]),
    "lower": ("range", IDBKeyRange.lower_bound(4), [4, 5]),
    "lower-open": ("range", IDBKeyRange.lower_bound(4, True), [5]),
    "upper": ("range", IDBKeyRange.upper_bound(2), [1, 2]),
    "upper-open": ("range", IDBKeyRange.upper_bound(2, True), [1]),
    "bound": ("range", IDBKeyRange.bound(2, 4), [2, 3, 4]),
    "bound-open": ("range", IDBKeyRange.bound(2, 4, True, True), [3]),
    "bound-lower-open": ("range", IDBKeyRange.bound(2, 4, True), [3, 4]),
    "nothing": ("range", IDBKeyRange.lower_bound("a"), []),
    "between": ("range", IDBKeyRange.bound(2.5, 2.6), []),
}


def _register_ranges() -> None:
    for name, (step, query, keys) in QUERIES.items():

        @covers("convert-a-value-to-a-key-range", step, name)
        async def _(bench: Bench, query: Any = query, keys: Any = keys) -> None:
            db = await bench.store(RECORDS)
            async with db.transaction("s") as tx:
                store = tx.object_store("s")
                assert await store.get_all_keys(query) == keys
                assert await store.get_all(query) == [RECORDS[key] for key in keys]
                assert await store.count(query) == len(keys)
                assert [cursor.key async for cursor in store.iterate(query)] == keys
                back = await store.open_key_cursor(query, "prev")
                assert (back.key if back else None) == (keys[-1] if keys else None)

        if query is not None and query is not UNDEFINED:

            @covers("delete-records-from-an-object-store", "range", name)
            async def _(bench: Bench, query: Any = query, keys: Any = keys) -> None:
                db = await bench.store(RECORDS)
                async with db.transaction("s", "readwrite") as tx:
                    await tx.object_store("s").delete(query)
                    assert await tx.object_store("s").get_all_keys() == [key for key in RECORDS if key not in keys]

    for method in METHODS:
        for name in ("true", "regexp", "nan", "invalid-date", "nested-null"):

            @covers("convert-a-value-to-a-key-range", "invalid", f"{method}-{name}")
            async def _(bench: Bench, method: str = method, value: Any = INVALID[name][1]) -> None:
                db = await bench.store(RECORDS, indexes={"i": {"key_path": ""}})
                async with db.transaction("s") as tx:
                    raised(DataError, lambda: getattr(tx.object_store("s"), method)(value))
                    raised(DataError, lambda: getattr(tx.object_store("s").index("i"), method)(value))

    for method in ("get", "get_key", "delete"):
        for name, nothing in (("none", None), ("undefined", UNDEFINED)):

            @covers("convert-a-value-to-a-key-range", "null-disallowed", f"{method}-{name}")
            async def _(bench: Bench, method: str = method, nothing: Any = nothing) -> None:
                db = await bench.store(RECORDS)
                async with db.transaction("s", "readwrite") as tx:
                    raised(DataError, lambda: getattr(tx.object_store("s"), method)(nothing))


_register_ranges()


@covers("dom-idbkeyrange-only", "range")
async def only(_bench: Bench) -> None:
    made = IDBKeyRange.only([1])
    assert (made.lower, made.upper, made.lower_open, made.upper_open) == ([1], [1], False, False)


@covers("dom-idbkeyrange-lowerbound", "range")
async def lower_bound(_bench: Bench) -> None:
    made = IDBKeyRange.lower_bound(1, True)
    assert (made.lower, made.upper, made.lower_open, made.upper_open) == (1, UNDEFINED, True, True)
    assert IDBKeyRange.lower_bound(1).lower_open is False


@covers("dom-idbkeyrange-upperbound", "range")
async def upper_bound(_bench: Bench) -> None:
    made = IDBKeyRange.upper_bound(1, True)
    assert (made.lower, made.upper, made.lower_open, made.upper_open) == (UNDEFINED, 1, True, True)
    assert IDBKeyRange.upper_bound(1).upper_open is False


@covers("dom-idbkeyrange-bound", "range")
async def bound(_bench: Bench) -> None:
    made = IDBKeyRange.bound("a", "b", True)
    assert (made.lower, made.upper, made.lower_open, made.upper_open) == ("a", "b", True, False)


@covers("dom-idbkeyrange-bound", "lower-greater")
async def bounds_in_the_wrong_order(_bench: Bench) -> None:
    raised(DataError, lambda: IDBKeyRange.bound(2, 1))
    raised(DataError, lambda: IDBKeyRange.bound([], b""))


@covers("dom-idbkeyrange-bound", "empty")
async def equal_bounds_of_which_one_is_open(_bench: Bench) -> None:
    for flags in ((True, False), (False, True), (True, True)):
        raised(DataError, lambda flags=flags: IDBKeyRange.bound(1, 1, *flags))  # type: ignore[misc]
    assert IDBKeyRange.bound(1, 1) == IDBKeyRange.only(1)


def _register_range_errors() -> None:
    for name, (_step, value) in INVALID.items():
        for algorithm, make in (
            ("dom-idbkeyrange-only", IDBKeyRange.only),
            ("dom-idbkeyrange-lowerbound", IDBKeyRange.lower_bound),
            ("dom-idbkeyrange-upperbound", IDBKeyRange.upper_bound),
        ):

            @covers(algorithm, "invalid-key", name)
            async def _(_bench: Bench, make: Any = make, value: Any = value) -> None:
                raised(DataError, lambda: make(value))

        @covers("dom-idbkeyrange-bound", "invalid-key", name)
        async def _(_bench: Bench, value: Any = value) -> None:
            raised(DataError, lambda: IDBKeyRange.bound(value, 1))
            raised(DataError, lambda: IDBKeyRange.bound(1, value))

        @covers("dom-idbkeyrange-includes", "invalid-key", name)
        async def _(_bench: Bench, value: Any = value) -> None:
            raised(DataError, lambda: IDBKeyRange.only(1).includes(value))

        @covers("dom-idbfactory-cmp", "invalid-key", name)
        async def _(bench: Bench, value: Any = value) -> None:
            raised(DataError, lambda: bench.factory.cmp(value, 0))
            raised(DataError, lambda: bench.factory.cmp(0, value))


_register_range_errors()

INCLUDES: list[tuple[IDBKeyRange, list[Any], list[Any]]] = [
    (IDBKeyRange.only(1), [1, 1.0], [0, 2, "1", []]),
    (IDBKeyRange.lower_bound(1), [1, 2, "a", []], [0, -math.inf]),
    (IDBKeyRange.lower_bound(1, True), [1.1, "a"], [1, 0]),
    (IDBKeyRange.upper_bound("b"), ["b", "a", 1], ["ba", b"", []]),
    (IDBKeyRange.upper_bound("b", True), ["a", 1], ["b"]),
    (IDBKeyRange.bound(1, 3), [1, 2, 3], [0, 4]),
    (IDBKeyRange.bound(1, 3, True, True), [2], [1, 3]),
]


@covers("in", "lower")
@covers("in", "upper")
@covers("dom-idbkeyrange-includes", "in")
async def what_a_range_includes(_bench: Bench) -> None:
    for made, inside, outside in INCLUDES:
        assert all(made.includes(key) for key in inside), made
        assert not any(made.includes(key) for key in outside), made


@covers("dom-idbfactory-cmp", "compare")
async def keys_are_compared(bench: Bench) -> None:
    assert [bench.factory.cmp(a, b) for a, b in ((1, 2), (2, 1), ("a", "a"))] == [-1, 1, 0]


@covers("dom-idbobjectstore-createindex", "multi-entry-array")
async def a_multi_entry_index_has_one_path(bench: Bench) -> None:
    def body(db: Any, _tx: Any) -> None:
        raised(InvalidAccessError, lambda: db.create_object_store("s").create_index("i", ["a"], multi_entry=True))

    await bench.upgrade(body)
