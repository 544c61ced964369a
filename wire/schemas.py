"""Bodies of requests and answers, typed. Parsing checks every member and raises BadRequestError."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypedDict, get_args

from ..errors import BadRequestError, TooLargeError
from .model_path import joined_surrogates

LocalStorageOp = Literal["getItem", "setItem", "removeItem", "clear", "key", "length", "keys", "items"]
_OPS = frozenset(get_args(LocalStorageOp))
_WITH_KEY = frozenset(("getItem", "setItem", "removeItem"))
_SET = tuple.__new__
_MEMBERS = frozenset(("op", "key", "value", "index", "namedProperty"))


class LocalStorageOperation(NamedTuple):
    """One call on a Storage object."""

    op: LocalStorageOp
    key: str | None = None
    value: str | None = None
    index: int | None = None  # type: ignore[assignment]  # in place of the method that a tuple has
    named_property: bool = False
    """The assignment ``storage[key] = value``, which a browser refuses with another text than ``setItem``."""

    def to_json(self) -> dict[str, Any]:
        members = {"op": self.op, "key": self.key, "value": self.value, "index": self.index}
        if self.named_property:
            members["namedProperty"] = True
        return {name: member for name, member in members.items() if member is not None}


@dataclass(frozen=True, slots=True)
class LocalStorageRequest:
    """``POST /v1/local-storage``. Not ``batched``: one operation, and its bare result. ``atomic``: all or nothing."""

    operations: tuple[LocalStorageOperation, ...]
    batched: bool = False
    atomic: bool = False

    def to_json(self) -> dict[str, Any]:
        if not self.batched:
            return self.operations[0].to_json()
        body: dict[str, Any] = {"ops": [operation.to_json() for operation in self.operations]}
        return {**body, "atomic": True} if self.atomic else body


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """``POST /v1/models/copy`` and ``/move``."""

    source: str
    dest: str


class DaemonFile(TypedDict):
    """``<home>/daemon.json``: where the home's owner can be reached."""

    pid: int
    socket: str
    http: str | None
    version: str
    protocol: int
    home: str


class LocalStorageUsage(TypedDict):
    """UTF-16 code units; no quota where the browser has none of its own for localStorage."""

    usage: int
    quota: int | None


class Estimate(TypedDict):
    """``GET /v1/estimate``, as ``navigator.storage.estimate()``, in bytes; ``GET /v1/origins`` has one per origin."""

    usage: int
    quota: int
    usageDetails: dict[str, int]
    localStorage: LocalStorageUsage
    models: int | None


def parse_local_storage(body: object, *, operations_limit: int) -> LocalStorageRequest:
    members = _object(body, "The body")
    if "ops" not in members:
        return LocalStorageRequest((_operation(members),))
    _only(members, ("ops", "atomic"))
    operations, atomic = members["ops"], members.get("atomic", False)
    if not isinstance(operations, list) or not isinstance(atomic, bool):
        raise BadRequestError('"ops" must be an array and "atomic" a boolean.')
    if len(operations) > operations_limit:
        raise TooLargeError(f"{len(operations)} operations pass the limit of {operations_limit}.")
    return LocalStorageRequest(tuple(map(_operation, operations)), True, atomic)


def parse_transfer(body: object) -> TransferRequest:
    members = _object(body, "The body")
    _only(members, ("source", "dest"))
    return TransferRequest(_text(members, "source"), _text(members, "dest"))


def _operation(item: object) -> LocalStorageOperation:
    members = _object(item, "An operation")
    named = members.get("namedProperty") is True
    if len(members) == 3 + named and members.get("op") == "setItem" and "key" in members and "value" in members:
        return _SET(LocalStorageOperation, ("setItem", _text(members, "key"), _text(members, "value"), None, named))
    if not members.keys() <= _MEMBERS:
        _only(members, ("op", "key", "value", "index", "namedProperty"))
    op = members.get("op")
    if not isinstance(op, str) or op not in _OPS:
        raise BadRequestError(f'"op" must be one of {", ".join(get_args(LocalStorageOp))}.')
    key = _text(members, "key") if "key" in members or op in _WITH_KEY else None
    value = _text(members, "value") if "value" in members or op == "setItem" else None
    index = _index(members) if "index" in members or op == "key" else None
    named = _named_property(members) if "namedProperty" in members else False
    return LocalStorageOperation(
        op,  # type: ignore[arg-type]  # it is one of them
        key if op in _WITH_KEY else None,
        value if op == "setItem" else None,
        index if op == "key" else None,
        named,
    )


def _index(members: dict[str, Any]) -> int:
    index = members.get("index")
    if type(index) is not int:
        raise BadRequestError('"index" must be an integer.')
    return index


def _named_property(members: dict[str, Any]) -> bool:
    named = members["namedProperty"]
    if not isinstance(named, bool) or (named and members["op"] != "setItem"):
        raise BadRequestError('"namedProperty" must be a boolean, and goes with setItem.')
    return named


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequestError(f"{what} must be a JSON object.")
    return value


def _only(members: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in members:
        if name not in known:
            raise BadRequestError(f'"{name}" is not known here; known are {", ".join(known)}.')


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise BadRequestError(f'"{name}" must be a string.')
    return value if value.isascii() else joined_surrogates(value)
