"""What the golden file of format 1 was written from."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np

from tfjsd.storage_backends.abc import INLINE_LIMIT
from tfjsd.storage_backends.abc import Blob as StagedBlob
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.storage_backends.json_text import JsonText
from tfjsd.storage_backends.script_collections import Map, Set
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
from tfjsd.storage_backends.values import encode

BLOB = StagedBlob("ab" * 32, INLINE_LIMIT + 1)
"""Stands for whatever goes out of line."""


def _cyclic() -> Any:
    shared = {"v": 1}
    value: dict[str, Any] = {"a": shared, "b": [shared]}
    value["self"] = value
    return value


VALUES: dict[str, Any] = {
    "undefined": UNDEFINED,
    "null": None,
    "true": True,
    "false": False,
    "small": 127,
    "integers": [128, -1, 2**53, -(2**53)],
    "doubles": [0.5, -0.0, math.nan, math.inf, -math.inf],
    "bigints": [BigInt(0), BigInt(-1), 2**70, -(2**70)],
    "latin1": "a\0é",
    "utf16": "中😀\ud800",
    "bytes": b"\0\1\xff",
    "date": datetime(2026, 11, 20, 22, 40, 39, 623_000, tzinfo=UTC),
    "far-dates": [Date(8.64e15), Date(math.nan)],
    "list": [1, [], HOLE],
    "named-list": Array([1], {"x": 2}),
    "object": {"": 1, "b": {"c": None}},
    "map": Map([("k", 1), (2, "v")]),
    "set": Set([1, "a"]),
    "regexp": RegExp("a/b", "gi"),
    "error": ScriptError("TypeError", "boom"),
    "boxed": Boxed("s"),
    "views": [BinaryView("DataView", b"a"), BinaryView("Uint8ClampedArray", b"b")],
    "arrays": [
        np.arange(2, dtype=dtype) for dtype in ("i1", "u1", "i2", "u2", "i4", "u4", "f2", "f4", "f8", "i8", "u8")
    ],
    "shape": np.zeros((2, 0, 3), "f4"),
    "blob": Blob(b"hello", "text/plain"),
    "file": File(b"abc", "text/plain", "n.txt", 5.5),
    "plain-object": {'a"é中': "\n\x7f", "n": -1, "f": -0.5, "i": 2.0, "z": -0.0, "big": 1e21, "t": True, "0": None},
    "references": _cyclic(),
    "json": JsonText('{"a":[1]}'),
    "long-bytes": [b"x" * (INLINE_LIMIT + 1), BLOB],
    "long-latin1": "x" * (INLINE_LIMIT + 1),
    "long-utf16": "中" * (INLINE_LIMIT // 2 + 1),
    "long-json": JsonText("1" * (INLINE_LIMIT + 1)),
    "long-array": np.zeros(INLINE_LIMIT + 1, "u1"),
}


def make_values() -> dict[str, bytes]:
    return {name: encode(value, lambda _: BLOB).data for name, value in VALUES.items()}


def _upgrade(db: Any, _tx: Any, _old: int, _new: int) -> None:
    store = db.create_object_store("s", "id", True)
    store.create_index("multi", "tags", multi_entry=True)
    store.create_index("unique", ["id", "n"], unique=True)
    db.create_object_store("\ud800 out")


async def make_bucket() -> list[tuple[bytes, bytes]]:
    """All of a small database's records of IndexedDB."""
    with Home(None, engines=memory_engine) as home:
        bucket = home.bucket("https://golden.example")
        store = IndexedDBBackingStore(bucket, CHROME)
        with await IDBFactory(store).open("données", 3, upgrade=_upgrade) as db:
            async with db.transaction(db.object_store_names, "readwrite") as tx:
                tx.object_store("s").put({"n": "a", "tags": ["x", "y", -0.0]})
                tx.object_store("s").put({"n": "b", "tags": []})
                tx.object_store("\ud800 out").put("v", [-0.0, b"\0\1", datetime(1970, 1, 1, tzinfo=UTC)])
            async with db.transaction("\ud800 out", "readwrite") as tx:
                for number in range(600):
                    tx.object_store("\ud800 out").put(None, number)
            store.reclaimer.stop()
            async with db.transaction("\ud800 out", "readwrite") as tx:
                tx.object_store("\ud800 out").clear()
                tx.object_store("\ud800 out").put("after", 1)
            found = [(key, value) for key, value in bucket.scan(b"\x03", b"\x05") if not _is_dead(key)]
        store.close()
        return found


def _is_dead(key: bytes) -> bool:
    """The 601 records of the place that was cleared."""
    return key.startswith(bytes.fromhex("040000000100000003"))
