"""Programs that ask for what is refused, or answered otherwise, in one engine or another."""

from __future__ import annotations

from typing import Any, Final

Step = dict[str, Any]

_STORES: Final[list[Step]] = [
    {"op": "createStore", "name": "s"},
    {"op": "createIndex", "store": "s", "name": "i", "keyPath": "n"},
    {"op": "createStore", "name": "t", "options": {"keyPath": "id"}},
]
_NO_KEYS: Final[list[Any]] = [
    True, None, {}, {"$undefined": 1}, {"$num": "NaN"}, {"$date": "NaN"}, [None], {"$bigint": "1"}, 5, "x",
]  # fmt: skip
_RECORDS: Final = [{"op": "put", "store": "s", "value": {"n": n}, "key": key} for key, n in enumerate([1, 1, 2, "a"])]
_SOURCES: Final[list[Step]] = [{"store": "s"}, {"store": "s", "index": "i"}]
_DIRECTIONS: Final = ("next", "nextunique", "prev", "prevunique")
_PATHS: Final[list[Any]] = ["a b", "1a", "", ".a", "a.", "a..b", "a.length", "µ", ["a", "a b"], [], [""], "a,b"]


def _open(*more: Step, version: int = 1) -> Step:
    return {"do": "open", "db": "d", "version": version, "upgrade": [*(_STORES if version == 1 else []), *more]}


def _tx(*ops: Step, mode: str = "readwrite", stores: Any = ("s", "t")) -> Step:
    return {"do": "tx", "stores": list(stores), "mode": mode, "ops": [{**op, "catch": True} for op in ops]}


def _keys() -> list[Step]:
    methods = ("get", "getKey", "getAll", "getAllKeys", "count")
    asked: list[Step] = [{"op": op, **source, "key": key} for source in _SOURCES for op in methods for key in _NO_KEYS]
    given = [
        {"op": op, "store": store, "key": key, "value": value}
        for op in ("put", "add")
        for store in ("s", "t", "g")
        for key in _NO_KEYS
        for value in ({"id": 3}, {}, 5)
    ]
    generating = {"op": "createStore", "name": "g", "options": {"autoIncrement": True, "keyPath": "id"}}
    return [_open(generating), _tx(*asked), _tx(*given, stores=("s", "t", "g"))]


def _ranges() -> list[Step]:
    ranges: list[Any] = [
        {"bound": [2, 1]}, {"bound": [1, 1, True, False]}, {"bound": [True, 1]}, {"bound": [1, True]}, {"only": True},
        {"only": None}, {"lower": True}, {"upper": {}}, {"only": {"$num": "NaN"}}, {"lower": [None]},
        {"only": {"$date": "NaN"}},
    ]  # fmt: skip
    return [_open(), _tx(*({"op": "get", "store": "s", "range": item} for item in ranges))]


def _cursors() -> list[Step]:
    queries: list[Step] = [{}, {"key": 1}, {"key": 99}, {"range": {"lower": 99, "open": False}}, {"range": {"only": 1}}]
    opened = [
        {"op": "cursor", **source, **query, **kind, "direction": direction}
        for source in _SOURCES
        for query in queries
        for kind in ({}, {"keyOnly": True})
        for direction in _DIRECTIONS
    ]
    changing = [
        {"op": "cursor", **source, **query, "keyOnly": True, "direction": direction, "script": [[act, ["continue"]]]}
        for source in _SOURCES
        for query in ({}, {"key": 2})
        for direction in ("next", "nextunique")
        for act in (["delete"], ["update", {"n": 1}])
    ]
    return [_open(), _tx(*opened), _tx(*_RECORDS), _tx(*opened), _tx(*changing)]


def _moves() -> list[Step]:
    counts: list[Any] = [
        0, -1, 1.5, {"$num": "NaN"}, {"$num": "Infinity"}, 2, 4294967295, 4294967296,
    ]  # fmt: skip
    targets: list[list[Any]] = [[1, 0], [1, 5], [0, 1], [2, 0], [True, 1], [1, True], [{"$undefined": 1}, 1]]
    keys: list[Any] = [1, 0, 2, True, {}, []]
    moves: list[Step] = [
        *({"op": "cursor", "store": "s", "script": [[["advance", count], ["continue"]]]} for count in counts),
        *({"op": "cursor", "store": "s", "direction": direction} for direction in ("bogus", "", "NEXT")),
        *(
            {"op": "cursor", **_SOURCES[1], "keyOnly": True, "direction": direction,
             "script": [[["continuePrimaryKey", *to], ["continue"]]]}
            for direction in ("next", "prev", "nextunique")
            for to in targets
        ),
        *(
            {"op": "cursor", "store": "s", "direction": direction, "script": [[["continue", key], ["continue"]]]}
            for direction in ("next", "prev")
            for key in keys
        ),
        *({"op": op, "store": "s", "count": count} for op in ("getAll", "getAllKeys") for count in counts),
    ]  # fmt: skip
    return [_open(), _tx(*_RECORDS), _tx(*moves)]


def _schema() -> list[Step]:
    made: list[Step] = [
        {"op": "createStore", "name": f"k{number}", "options": {"keyPath": path, "autoIncrement": generates}}
        for number, path in enumerate(_PATHS)
        for generates in (False, True)
    ]
    made += [
        {"op": "createIndex", "store": "s", "name": f"x{number}", "keyPath": path, "options": {"multiEntry": many}}
        for number, path in enumerate(_PATHS)
        for many in (False, True)
    ]
    changed: list[Step] = [
        {"op": "deleteStore", "name": "none"},
        {"op": "deleteIndex", "store": "s", "name": "none"},
        {"op": "renameStore", "store": "s", "to": "t"},
        {"op": "renameStore", "store": "s", "to": "s"},
        {"op": "createIndex", "store": "s", "name": "j", "keyPath": "j"},
        {"op": "renameIndex", "store": "s", "index": "i", "to": "j"},
        {"op": "renameIndex", "store": "s", "index": "none", "to": "j"},
        {"op": "get", "store": "none", "key": 1},
        {"op": "deleteStore", "name": "t"},
        {"op": "abort"},
    ]
    return [_open(*made, *changed, *_CHANGES, {"op": "get", "store": "s", "key": 1}, {"op": "abort"})]


_CHANGES: Final[list[Step]] = [
    {"op": "createStore", "name": "zz"},
    {"op": "createIndex", "store": "s", "name": "zz", "keyPath": "j"},
    {"op": "deleteStore", "name": "s"},
    {"op": "deleteIndex", "store": "s", "name": "i"},
    {"op": "renameStore", "store": "s", "to": "q"},
    {"op": "renameIndex", "store": "s", "index": "i", "to": "q"},
]


def _ends() -> list[Step]:
    """What is asked of a transaction of another mode, and of one that has ended."""
    reads: list[Step] = [{"op": op, "store": "s", "key": 1} for op in ("get", "getKey", "getAll", "count", "cursor")]
    writes: list[Step] = [
        {"op": "clear", "store": "s"},
        {"op": "put", "store": "s", "value": 1, "key": 1},
        {"op": "put", "store": "s", "value": 1},
        {"op": "put", "store": "t", "value": {"id": True}},
        {"op": "put", "store": "t", "value": {}},
        {"op": "delete", "store": "s", "key": 1},
    ]
    missing: list[Step] = [
        {"op": "get", "store": "none", "key": 1},
        {"op": "get", "store": "s", "index": "-", "key": 1},
    ]
    every = [*_CHANGES, *missing, *writes, *reads, {"op": "abort"}, {"op": "commit"}]
    scopes = [
        {"do": "tx", "stores": stores, "mode": mode, "ops": []}
        for stores in ([], ["none"], "s", ["s", "s"])
        for mode in ("readonly", "readwrite", "versionchange", "bogus")
    ]
    first: Step = {"op": "put", "store": "s", "value": 1, "key": 1}
    return [
        _open(),
        _tx(*_CHANGES, *missing, *writes),
        _tx(*_CHANGES, *missing, *writes, mode="readonly"),
        _tx({"op": "abort"}, *every),
        _tx({"op": "commit"}, *every),
        _tx(first, {"op": "commit"}, *every),
        *scopes,
        {"do": "close"},
        *scopes,
    ]


def _constraints() -> list[Step]:
    unique = {"op": "createIndex", "store": "s", "name": "u", "keyPath": "n", "options": {"unique": True}}
    tries: list[Step] = [
        {"op": "put", "store": "s", "value": {"n": 1}, "key": 1, "catch": True},
        {"op": "put", "store": "s", "value": {"n": 1}, "key": 2, "catch": True},
        {"op": "add", "store": "s", "value": {"n": 3}, "key": 1, "catch": True},
    ]
    unhandled: list[Step] = [{"op": "add", "store": "s", "value": 1, "key": 1}, {"op": "get", "store": "s", "key": 1}]
    same: list[Step] = [{"op": "put", "store": "s", "value": {"m": 1}, "key": key} for key in (8, 9)]
    broken = {"op": "createIndex", "store": "s", "name": "m", "keyPath": "m", "options": {"unique": True}}
    return [
        _open(unique, *tries),
        {"do": "tx", "stores": ["s"], "mode": "readwrite", "ops": unhandled},
        {"do": "tx", "stores": ["s"], "mode": "readwrite", "ops": unhandled, "parallel": True},
        {"do": "close"},
        _open(*same, broken, version=2),
        {"do": "open", "db": "d", "version": 1},
        {"do": "open", "db": "d"},
        {"do": "dump", "db": "d"},
    ]


def _generated(path: str) -> list[Step]:
    indexes: list[tuple[str, Any, Step]] = [
        ("same", path, {}), ("unique", path, {"unique": True}), ("multi", path, {"multiEntry": True}),
        ("pair", [path, "n"], {}), ("n", "n", {}), ("deep", f"{path}.length", {}),
    ]  # fmt: skip
    made: list[Step] = [{"op": "createStore", "name": "g", "options": {"autoIncrement": True, "keyPath": path}}]
    made += [
        {"op": "createIndex", "store": "g", "name": name, "keyPath": of, "options": options}
        for name, of, options in indexes
    ]
    puts: list[Step] = [{"op": "put", "store": "g", "value": value} for value in ({"n": 1}, {}, {"n": 2, "o": {}})]
    reads: list[Step] = [{"op": "getAllKeys", "store": "g", "index": name} for name, _, _ in indexes]
    return [_open(*made), _tx(*puts, *reads, stores=["g"])]


def _arrays() -> list[Step]:
    made: list[Step] = []
    for name, options in (("a", {"keyPath": "id"}), ("b", {"keyPath": "id", "autoIncrement": True})):
        many = {"op": "createIndex", "store": name, "name": "m", "keyPath": "id", "options": {"multiEntry": True}}
        made += [{"op": "createStore", "name": name, "options": options}, many]
    puts: list[Step] = [
        {"op": "put", "store": name, "value": {"id": key}} for name in "ab" for key in ([1, 2, [3]], 5, [])
    ]
    reads: list[Step] = [{"op": "cursor", "store": name, "index": "m", "keyOnly": True} for name in "ab"]
    later: list[Step] = [
        {"op": "createIndex", "store": name, "name": "later", "keyPath": "id", "options": {"multiEntry": True}}
        for name in "ab"
    ]
    seen: list[Step] = [{**read, "index": "later"} for read in reads]
    return [_open(*made), _tx(*puts, *reads, stores="ab"), {"do": "close"}, _open(*later, *seen, version=2)]


PROGRAMS: Final[list[list[Step]]] = [
    _keys(),
    _ranges(),
    _cursors(),
    _moves(),
    _schema(),
    _ends(),
    _constraints(),
    _generated("id"),
    _generated("o.p"),
    _arrays(),
]
"""Each is a sequence of steps in the corpus's form."""
