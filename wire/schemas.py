"""Bodies of requests and answers, typed. Parsing checks every member and raises BadRequestError."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypedDict, get_args

from ..errors import BadRequestError, TooLargeError
from .model_path import joined_surrogates

LocalStorageOp = Literal["getItem", "setItem", "removeItem", "clear", "key", "length", "keys", "items"]
_WITH_KEY = ("getItem", "setItem", "removeItem")


@dataclass(frozen=True, slots=True)
class LocalStorageOperation:
    """One call on a Storage object."""

    op: LocalStorageOp
    key: str | None = None
    value: str | None = None
    index: int | None = None
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
    return LocalStorageRequest(tuple(_operation(_object(item, "An operation")) for item in operations), True, atomic)


def parse_transfer(body: object) -> TransferRequest:
    members = _object(body, "The body")
    _only(members, ("source", "dest"))
    return TransferRequest(_text(members, "source"), _text(members, "dest"))


def _operation(members: dict[str, Any]) -> LocalStorageOperation:
    _only(members, ("op", "key", "value", "index", "namedProperty"))
    op: Any = members.get("op")
    if op not in get_args(LocalStorageOp):
        raise BadRequestError(f'"op" must be one of {", ".join(get_args(LocalStorageOp))}.')
    for name in ("key", "value"):
        if name in members:
            _text(members, name)
    index = members.get("index")
    if (op == "key" or "index" in members) and type(index) is not int:
        raise BadRequestError('"index" must be an integer.')
    named = members.get("namedProperty", False)
    if not isinstance(named, bool) or (named and op != "setItem"):
        raise BadRequestError('"namedProperty" must be a boolean, and goes with setItem.')
    return LocalStorageOperation(
        op,
        _text(members, "key") if op in _WITH_KEY else None,
        _text(members, "value") if op == "setItem" else None,
        index if op == "key" else None,
        named,
    )


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
    return joined_surrogates(value)
