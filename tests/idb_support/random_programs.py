"""Random programs in the corpus's form, the same for the same seed."""

from __future__ import annotations

import random
from typing import Any

# No -0: as a key Chromium now takes it for 0 and now does not, by where its records lie. The corpus has it.
_KEYS: list[Any] = [
    0, 1, 2, 3, 5, 10, -1, 2.5, {"$num": "Infinity"}, "", "a", "b", "aa", "\ud800", "\uffff", "😀",
    {"$date": 0}, {"$date": 1000}, {"$bin": ""}, {"$bin": "01"}, {"$bin": "00ff"}, [], [1], [1, "a"], [[]], [{"$date": 5}],
]  # fmt: skip
_BAD_KEYS: list[Any] = [None, True, {}, {"$num": "NaN"}, {"$date": "NaN"}, [None], {"$undefined": 1}, {"$bigint": "1"}]
_LEAVES: list[Any] = [
    0, 1, -1.5, "x", "y", "", None, True, {"$undefined": 1}, {"$num": "NaN"}, {"z": {"$num": "-0"}}, {"$date": 7},
    {"$bin": "0a0b"}, {"$bigint": "9007199254740993"}, {"$map": [["k", 1]]}, [1, 2], ["a", "b", "a"], {"z": 1},
]  # fmt: skip
_NAMES = ("s", "t")
_INDEXES = ("i", "j")
_PATHS: list[Any] = ["n", "m", "id", ["n", "m"], "o.p", "", "n.length"]
_STORE_OPTIONS: list[dict[str, Any]] = [
    {}, {"keyPath": "id"}, {"autoIncrement": True}, {"keyPath": "id", "autoIncrement": True}, {"keyPath": ["id", "m"]},
    {"keyPath": "o.p", "autoIncrement": True}, {"keyPath": "o.p"}, {"keyPath": "", "autoIncrement": True},
]  # fmt: skip


class ProgramMaker:
    """Makes one program of about ``size`` operations."""

    paths: tuple[Any, ...] = tuple(_PATHS)
    store_options: tuple[dict[str, Any], ...] = tuple(_STORE_OPTIONS)

    def __init__(self, seed: int, size: int = 40) -> None:
        self._random = random.Random(seed)
        self._left = size

    def make(self) -> list[dict[str, Any]]:
        steps = [{"do": "open", "db": "d", "version": 1, "upgrade": self._schema(first=True)}]
        version = 1
        while self._left > 0:
            if self._random.random() < 0.12:
                version += self._random.choice([1, 1, 3])
                steps.append({"do": "close"})
                steps.append({"do": "open", "db": "d", "version": version, "upgrade": self._schema(first=False)})
                steps.append({"do": "close"})
                steps.append({"do": "open", "db": "d"})
            else:
                steps.append(self._transaction())
            if self._random.random() < 0.1:
                steps.append({"do": "databases"})
        return [*steps, {"do": "close"}, {"do": "dump", "db": "d"}, {"do": "delete", "db": "d"}]

    def _pick(self, items: Any) -> Any:
        return self._random.choice(items)

    def _key(self) -> Any:
        return self._pick(_BAD_KEYS if self._random.random() < 0.08 else _KEYS)

    def _value(self) -> Any:
        if self._random.random() < 0.1:
            return self._pick(_LEAVES)
        value: dict[str, Any] = {}
        for name, chance in (("id", 0.7), ("n", 0.8), ("m", 0.5), ("o", 0.4)):
            if self._random.random() < chance:
                value[name] = self._member(name)
        return value

    def _member(self, name: str) -> Any:
        if name == "o":
            return self._pick([{"p": self._key()}, {}, {"p": self._pick(_LEAVES)}, 5])
        if name == "n" and self._random.random() < 0.4:
            return [self._key() for _ in range(self._random.randrange(4))]
        return self._key() if self._random.random() < 0.6 else self._pick(_LEAVES)

    def _range(self) -> dict[str, Any]:
        kind = self._pick(["only", "lower", "upper", "bound"])
        if kind == "bound":
            bounds: list[Any] = [
                self._pick(_KEYS),
                self._pick(_KEYS),
                self._pick([True, False]),
                self._pick([True, False]),
            ]
            return {"bound": bounds}
        key = {kind: self._pick(_KEYS)}
        return key if kind == "only" else {**key, "open": self._pick([True, False])}

    def _query(self, *, required: bool) -> dict[str, Any]:
        chance = self._random.random()
        if chance < 0.45:
            return {"key": self._pick(_KEYS) if self._random.random() < 0.92 else self._pick(_BAD_KEYS)}
        if chance < 0.85 or required:
            return {"range": self._range()}
        return {}

    def _schema(self, *, first: bool) -> list[dict[str, Any]]:
        ops: list[dict[str, Any]] = []
        if first:
            for name in _NAMES:
                ops.append({"op": "createStore", "name": name, "options": self._pick(self.store_options)})
                ops += [self._index(name, index) for index in _INDEXES if self._random.random() < 0.7]
            return ops
        for _ in range(self._random.randrange(4)):
            ops.append(self._change())
        if self._random.random() < 0.15:
            ops.append({"op": "abort"})
        return ops

    def _index(self, store: str, name: str) -> dict[str, Any]:
        options = {"unique": self._random.random() < 0.3, "multiEntry": self._random.random() < 0.4}
        return {
            "op": "createIndex",
            "store": store,
            "name": name,
            "keyPath": self._pick(self.paths),
            "options": options,
        }

    def _change(self) -> dict[str, Any]:
        store = self._pick(_NAMES)
        return self._pick(
            [
                {"op": "createStore", "name": store, "options": self._pick(self.store_options)},
                {"op": "deleteStore", "name": store},
                self._index(store, self._pick(_INDEXES)),
                self._index(store, self._pick(_INDEXES)),
                {"op": "deleteIndex", "store": store, "name": self._pick(_INDEXES)},
                {"op": "renameStore", "store": store, "to": self._pick(_NAMES)},
                {"op": "renameIndex", "store": store, "index": "i", "to": "j"},
                {"op": "storeInfo", "store": store},
                self._operation(store, "readwrite"),
            ]
        )

    def _transaction(self) -> dict[str, Any]:
        mode = "readwrite" if self._random.random() < 0.75 else "readonly"
        ops = [self._operation(self._pick(_NAMES), mode) for _ in range(self._random.randint(2, 10))]
        self._left -= len(ops)
        parallel = self._random.random() < 0.25
        if parallel:
            ops = [op for op in ops if op["op"] != "cursor"]
        chance = self._random.random()
        if chance < 0.12:
            ops.append({"op": "abort"})
        elif chance < 0.2:
            ops.append({"op": "commit"})
        step: dict[str, Any] = {"do": "tx", "stores": list(_NAMES), "mode": mode, "ops": ops}
        return {**step, "parallel": True} if parallel else step

    def _operation(self, store: str, mode: str) -> dict[str, Any]:
        kind = self._pick(
            [
                "put",
                "put",
                "put",
                "add",
                "add",
                "get",
                "getKey",
                "getAll",
                "getAllKeys",
                "count",
                "delete",
                "clear",
                "cursor",
            ]
            if mode == "readwrite"
            else ["get", "getKey", "getAll", "getAllKeys", "count", "cursor", "put"]
        )
        if kind == "clear" and self._random.random() < 0.7:
            kind = "put"
        op: dict[str, Any] = {"op": kind, "store": store}
        if self._random.random() < 0.85:
            op["catch"] = True
        if kind in ("put", "add"):
            op["value"] = self._value()
            if self._random.random() < 0.5:
                op["key"] = self._key()
            return op
        if kind == "clear":
            return op
        if kind != "delete" and self._random.random() < 0.4:
            op["index"] = self._pick(_INDEXES)
        op |= self._query(required=kind in ("get", "getKey", "delete"))
        if kind in ("getAll", "getAllKeys") and self._random.random() < 0.3:
            op["count"] = self._pick([0, 1, 2, 100])
        return op if kind != "cursor" else self._cursor(op, mode)

    def _cursor(self, op: dict[str, Any], mode: str) -> dict[str, Any]:
        op["direction"] = self._pick(["next", "nextunique", "prev", "prevunique"])
        if self._random.random() < 0.3:
            op["keyOnly"] = True
        op["script"] = [self._visit(mode) for _ in range(self._random.randrange(4))]
        return op

    def _visit(self, mode: str) -> list[Any]:
        actions: list[Any] = [self._action(mode) for _ in range(self._random.randrange(3))]
        chance = self._random.random()
        if chance < 0.6:
            actions.append(["continue"])
        elif chance < 0.75:
            actions.append(["continue", self._key()])
        elif chance < 0.85:
            actions.append(["advance", self._pick([1, 2, 3])])
        elif chance < 0.95:
            actions.append(["continuePrimaryKey", self._key(), self._key()])
        return actions

    def _action(self, mode: str) -> list[Any]:
        if mode == "readonly" and self._random.random() < 0.7:
            return ["continue"]
        return self._pick(
            [
                ["delete"],
                ["remove", self._pick(_KEYS)],
                ["update", self._value()],
                ["put", self._value(), self._pick(_KEYS)],
            ]
        )


def without_binaries(program: Any) -> Any:
    """The same program with dates in place of the binaries: WebKit damages those that are in a key's array."""
    if isinstance(program, list):
        return [without_binaries(item) for item in program]
    if not isinstance(program, dict):
        return program
    if "$bin" in program:
        return {"$date": 100 + len(program["$bin"])}
    return {name: without_binaries(item) for name, item in program.items()}


def without_all_records(program: Any) -> Any:
    """The same program without ``getAllRecords``, which WebKit has not."""
    return [
        {
            name: [op for op in item if op["op"] != "getAllRecords"] if name in ("ops", "upgrade") else item
            for name, item in step.items()
        }
        for step in program
    ]


class WideProgramMaker(ProgramMaker):
    """Makes programs that also read by options and all records at once, from deeper values and more paths."""

    paths = (*_PATHS, "o.p.q", ["o.p.q", "id"], ["id", "id"], "id.length", ["n", "n.length"])
    store_options = (
        *_STORE_OPTIONS,
        {"keyPath": ["o.p.q", "id"]},
        {"keyPath": "o.p.q", "autoIncrement": True},
        {"keyPath": "", "autoIncrement": False},
    )

    def _member(self, name: str) -> Any:
        chance = self._random.random()
        if name == "o" and chance < 0.5:
            return {"p": self._pick([{"q": self._key()}, {}, {"q": self._pick(_LEAVES)}, {"$date": 7}, [], "text"])}
        if name == "n" and chance < 0.2:
            return [self._key(), [self._key(), self._pick(_LEAVES)]]
        return super()._member(name)

    def _operation(self, store: str, mode: str) -> dict[str, Any]:
        if self._random.random() > 0.25:
            return super()._operation(store, mode)
        op: dict[str, Any] = {"op": self._pick(["getAll", "getAllKeys", "getAllRecords"]), "store": store}
        if self._random.random() < 0.85:
            op["catch"] = True
        if self._random.random() < 0.5:
            op["index"] = self._pick(_INDEXES)
        op |= self._query(required=False)
        options: dict[str, Any] = {}
        if self._random.random() < 0.6:
            options["direction"] = self._pick(["next", "nextunique", "prev", "prevunique"])
        if self._random.random() < 0.4:
            options["count"] = self._pick([0, 1, 2, 100])
        return {**op, "options": options}
