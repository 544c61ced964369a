"""The OpenAPI 3.1 document that ``/openapi.json`` serves, as data; a test compares it with the routes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .. import __version__
from ..wire.protocol import BACKUP_TYPE, EVENTS_TYPE, JSON_TYPE, MAPPED_TYPE, MODEL_TYPE

_INFO = "ModelArtifactsInfo"
_TEXT: dict[str, Any] = {"type": "string"}
_ORIGIN: dict[str, Any] = {
    "type": "string",
    "pattern": r"^([a-z]{2,20}://[a-z0-9][a-z0-9.-]{0,200}(:[1-9][0-9]{3})?)?$",
}
"""The common form, or nothing; other origins that browsers serialize are taken, too."""
_MODEL_URL: dict[str, Any] = {"type": "string", "pattern": r"^(indexeddb|localstorage)://.+"}
_FLAG: dict[str, Any] = {"type": "string", "enum": ["0", "1"]}


@dataclass(frozen=True, slots=True)
class Operation:
    """``answers`` maps media types to schemas (None: bytes); ``body`` likewise, for the request."""

    method: str
    path: str
    summary: str
    answers: dict[str, Any]
    parameters: tuple[str, ...] = ("origin",)
    body: dict[str, Any] | None = None
    errors: tuple[int, ...] = (400, 403, 503)
    status: int = 200
    head: bool = False
    """Whether HEAD is answered, too."""
    needs_body: bool = True


def _storage_operation(*names: str, required: tuple[str, ...] = (), named: bool = False) -> dict[str, Any]:
    """``named``: whether it may be the assignment to a named property."""
    properties = {"op": {"enum": list(names)}, "key": _TEXT, "value": _TEXT, "index": {"type": "integer"}}
    properties["namedProperty"] = {"type": "boolean"} if named else {"const": False}
    return {**_object(**properties), "required": ["op", *required], "additionalProperties": False}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


_FORM = {**_object(**{"model.json": {"type": "object"}, "model.weights.bin": _TEXT}), "required": ["model.json"]}
_SAVE_BODY = {MODEL_TYPE: None, "multipart/form-data": _FORM}
_SAVED = {JSON_TYPE: _object(modelArtifactsInfo=_reference(_INFO))}
_LOADED = {JSON_TYPE: _reference(_INFO), MODEL_TYPE: None, MAPPED_TYPE: _object(blob=_reference("Blob"))}
_WRITE = ("origin", "overwrite", "durability")
_SAVE = (*_WRITE, "expected")
_WRITE_ERRORS = (400, 403, 404, 409, 413, 503, 507)
_TRANSFER = {JSON_TYPE: _reference("Transfer")}
_LOAD = "The model's info; with `Accept: application/vnd.tfjsd.model` the whole model"


def _one_model(path: str, *place: str) -> list[Operation]:
    return [
        Operation("GET", path, _LOAD, _LOADED, (*place, "origin"), errors=(400, 403, 404, 503)),
        Operation("HEAD", path, "Whether the model exists", {}, (*place, "origin"), errors=(400, 403, 404, 503)),
        Operation("PUT", path, "Saves a model", _SAVED, (*place, *_SAVE), _SAVE_BODY, _WRITE_ERRORS),
        Operation("POST", path, "Saves a model, as tfjs does", _SAVED, (*place, *_SAVE), _SAVE_BODY, _WRITE_ERRORS),
        Operation(
            "DELETE",
            path,
            "Removes a model",
            {JSON_TYPE: _reference(_INFO)},
            (*place, "origin", "durability", "expected"),
            errors=(400, 403, 404, 409, 503),
        ),
    ]


_ARTIFACT = "/v1/models/{medium}/{path}/{artifact}"
_ARTIFACT_PLACE = ("medium", "path", "artifact", "origin")
_ARTIFACT_ERRORS = (400, 403, 404, 409, 416, 503)

_PAIR = {JSON_TYPE: _reference("SyncStatus")}
_PAIR_ERRORS = (400, 403, 404, 503)
_SYNC = (
    Operation(
        "GET",
        "/v1/sync",
        "Sync pairs: name to status; for the daemon's own user and sync.users",
        {JSON_TYPE: {"type": "object", "additionalProperties": _reference("SyncStatus")}},
        (),
        head=True,
    ),
    Operation(
        "POST",
        "/v1/sync",
        "Adds a sync pair; durable on return",
        _PAIR,
        ("origin",),
        {JSON_TYPE: _reference("SyncPair")},
        (400, 403, 409, 503),
        201,
    ),
    Operation("GET", "/v1/sync/{pair}", "One sync pair", _PAIR, ("pair",), errors=_PAIR_ERRORS, head=True),
    Operation("DELETE", "/v1/sync/{pair}", "Forgets a pair; both sides stay", _PAIR, ("pair",), errors=_PAIR_ERRORS),
    Operation(
        "POST",
        "/v1/sync/{pair}/once",
        "Passes until nothing is left to do, or the plan of one",
        {JSON_TYPE: {"type": "object"}},
        ("pair",),
        {JSON_TYPE: _object(dry_run={"type": "boolean", "default": False})},
        _PAIR_ERRORS,
        needs_body=False,
    ),
    Operation("POST", "/v1/sync/{pair}/pause", "Stops live passes", _PAIR, ("pair",), errors=_PAIR_ERRORS),
    Operation("POST", "/v1/sync/{pair}/resume", "Starts them again", _PAIR, ("pair",), errors=_PAIR_ERRORS),
    Operation(
        "POST",
        "/v1/sync/{pair}/approve",
        "Lets the deletions pass that are held",
        {JSON_TYPE: _object(approved={"type": "integer"})},
        ("pair",),
        {JSON_TYPE: {**_object(deletions={"const": True}), "required": ["deletions"]}},
        _PAIR_ERRORS,
    ),
    Operation(
        "POST",
        "/v1/sync/{pair}/resolve",
        "Settles a conflict",
        _PAIR,
        ("pair",),
        {JSON_TYPE: {**_object(model=_TEXT, keep={"enum": ["dir", "store", "both"]}), "required": ["model", "keep"]}},
        _PAIR_ERRORS,
    ),
)

_BYTES: dict[str, Any] = {"application/octet-stream": None}
_SESSION_BINARY = "/v1/indexeddb/{session}/binaries/{digest}"
_SESSION_VALUE = "/v1/indexeddb/{session}/values/{token}"
_INDEXED_DB = (
    Operation(
        "PUT",
        _SESSION_BINARY,
        "Stages a large binary for a session",
        {},
        ("session", "digest"),
        _BYTES,
        (400, 403, 404, 413, 503, 507),
        204,
    ),
    Operation(
        "GET",
        _SESSION_BINARY,
        "A binary that a value refers to",
        _BYTES,
        ("session", "digest", "size"),
        errors=(400, 403, 404, 503),
    ),
    Operation(
        "PUT",
        _SESSION_VALUE,
        "Stages a long value for a session",
        {},
        ("session", "token"),
        _BYTES,
        (400, 403, 404, 413, 503),
        204,
    ),
    Operation("GET", _SESSION_VALUE, "A long value, once", _BYTES, ("session", "token"), errors=(403, 404, 503)),
)

_DESCRIBED = (
    Operation(
        "GET",
        "/v1/models",
        "All models: URL to info",
        {JSON_TYPE: {"type": "object", "additionalProperties": _reference(_INFO)}},
        head=True,
    ),
    Operation(
        "POST",
        "/v1/models/copy",
        "Copies a model",
        {JSON_TYPE: _reference(_INFO)},
        _WRITE,
        _TRANSFER,
        _WRITE_ERRORS,
    ),
    Operation(
        "POST",
        "/v1/models/move",
        "Moves a model, atomically",
        {JSON_TYPE: _reference(_INFO)},
        _WRITE,
        _TRANSFER,
        _WRITE_ERRORS,
    ),
    *_one_model("/v1/models/{medium}/{path}", "medium", "path"),
    *_one_model("/v1/models/{medium}", "medium", "queryPath"),
    Operation(
        "GET",
        _ARTIFACT,
        "model.json, or its weights (Range, If-None-Match)",
        {JSON_TYPE: {"type": "object"}, "application/octet-stream": None},
        _ARTIFACT_PLACE,
        errors=_ARTIFACT_ERRORS,
    ),
    Operation("HEAD", _ARTIFACT, "The headers of the same", {}, _ARTIFACT_PLACE, errors=_ARTIFACT_ERRORS),
    Operation(
        "POST",
        "/v1/local-storage",
        "One operation on localStorage, or several",
        {JSON_TYPE: _object(result={}, results={"type": "array"})},
        ("origin", "durability"),
        {JSON_TYPE: {"oneOf": [_reference("LocalStorageOperation"), _reference("LocalStorageBatch")]}},
        (400, 403, 413, 503, 507),
    ),
    Operation(
        "POST",
        "/v1/ingest",
        "A name in the ingest directory, for a client of the same user",
        {JSON_TYPE: _object(name=_TEXT, path=_TEXT)},
        (),
        status=201,
    ),
    Operation("GET", "/v1/events", "What is committed, as server-sent events", {EVENTS_TYPE: _TEXT}, ("origin", "own")),
    Operation(
        "GET",
        "/v1/origins",
        "Usage and quota of each origin",
        {JSON_TYPE: {"type": "object", "additionalProperties": _reference("Estimate")}},
        (),
        head=True,
    ),
    Operation("GET", "/v1/estimate", "Usage and quota of one origin", {JSON_TYPE: _reference("Estimate")}, head=True),
    Operation("GET", "/v1/backup", "A consistent backup of the home", {BACKUP_TYPE: None}, ()),
    Operation(
        "POST",
        "/v1/restore",
        "Restores a backup into an empty home",
        {JSON_TYPE: {"type": "object"}},
        (),
        {BACKUP_TYPE: None},
        (400, 403, 409, 413, 503, 507),
    ),
    Operation(
        "POST",
        "/v1/verify",
        "Checks every record and blob by digest",
        {JSON_TYPE: {"type": "object"}},
        (),
        {JSON_TYPE: _object(urls={"type": ["array", "null"], "items": _TEXT})},
        needs_body=False,
    ),
    *_SYNC,
    Operation("GET", "/", "The page", {"text/html": _TEXT}, (), errors=(), head=True),
    Operation("GET", "/page/{file}", "The page's parts", {"text/css": _TEXT}, ("file",), errors=(404,), head=True),
    Operation("GET", "/tfjsd.js", "The JavaScript client", {"text/javascript": _TEXT}, (), errors=(), head=True),
    Operation(
        "POST",
        "/v1/page/code",
        "A code that opens the page once, for a client of the same user",
        {JSON_TYPE: _object(url=_TEXT, code=_TEXT)},
        (),
        errors=(400, 403, 503),
        status=201,
    ),
    Operation(
        "POST",
        "/v1/page/session",
        "The page's token for a code",
        {JSON_TYPE: _object(token=_TEXT, user_home=_TEXT)},
        (),
        {JSON_TYPE: {**_object(code=_TEXT), "required": ["code"]}},
        (400, 401, 413, 503),
        status=201,
    ),
    Operation("GET", "/v1/indexeddb", "A WebSocket on the origin's databases", {}, errors=(400, 403, 503), status=101),
    *_INDEXED_DB,
    Operation("GET", "/v1/status", "What the daemon is doing", {JSON_TYPE: {"type": "object"}}, (), head=True),
    Operation("GET", "/healthz", "Whether the daemon answers", {JSON_TYPE: _object(status=_TEXT)}, (), head=True),
    Operation("GET", "/metrics", "Counters in Prometheus' text format", {"text/plain": _TEXT}, (), head=True),
    Operation("GET", "/openapi.json", "This document", {JSON_TYPE: {"type": "object"}}, (), head=True),
)

OPERATIONS: tuple[Operation, ...] = tuple(
    each
    for operation in _DESCRIBED
    for each in (
        (operation, replace(operation, method="HEAD", summary="The headers of the same", answers={}))
        if operation.head
        else (operation,)
    )
)

_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_COUNTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "integer"}}
_REASONS: dict[str, Any] = {"type": "object", "additionalProperties": _TEXT}
_PAIR_MEMBERS: dict[str, Any] = {
    "name": _TEXT,
    "directory": _TEXT,
    "prefix": _TEXT,
    "origin": _TEXT,
    "direction": {"enum": ["both", "in", "out"]},
    "include": _TEXTS,
    "exclude": _TEXTS,
    "on_conflict": {"enum": ["newest", "dir", "store", "keep-both", "fail"]},
}
_STATUS_MEMBERS: dict[str, Any] = {
    "source": {"enum": ["configuration", "register"]},
    "state": {"enum": ["equal", "working", "waiting", "paused", "stopped"]},
    "error": {"type": ["string", "null"]},
    "watching": _TEXT,
    "watching_reason": {"type": ["string", "null"]},
    "models": _COUNTS,
    "passes": {"type": "integer"},
    "last_pass": {"type": ["string", "null"], "format": "date-time"},
    "last_seconds": {"type": ["number", "null"]},
    "last_read": {"type": ["integer", "null"]},
    "applied": _COUNTS,
    "pending": _REASONS,
    "problems": _REASONS,
    "held": _TEXTS,
    "conflicts": _TEXTS,
    "diverged": _TEXTS,
    "conflict_copies": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object"}}},
}
_SCHEMAS: dict[str, Any] = {
    _INFO: {
        **_object(
            dateSaved={"type": ["string", "null"], "format": "date-time"},
            modelTopologyType={"enum": ["JSON", "GraphDef"]},
            modelTopologyBytes={"type": "integer"},
            weightSpecsBytes={"type": "integer"},
            weightDataBytes={"type": "integer"},
        ),
        "required": ["dateSaved", "modelTopologyType"],
    },
    "Transfer": {
        **_object(source=_MODEL_URL, dest=_MODEL_URL),
        "required": ["source", "dest"],
        "additionalProperties": False,
    },
    "LocalStorageOperation": {
        "oneOf": [
            _storage_operation("setItem", required=("key", "value"), named=True),
            _storage_operation("getItem", "removeItem", required=("key",)),
            _storage_operation("key", required=("index",)),
            _storage_operation("clear", "length", "keys", "items"),
        ]
    },
    "SyncPair": {
        **_object(**_PAIR_MEMBERS),
        "required": ["directory", "prefix"],
        "additionalProperties": False,
    },
    "SyncStatus": {**_object(**_PAIR_MEMBERS, **_STATUS_MEMBERS), "required": [*_PAIR_MEMBERS, *_STATUS_MEMBERS]},
    "LocalStorageBatch": {
        **_object(
            ops={"type": "array", "items": _reference("LocalStorageOperation")},
            atomic={"type": "boolean", "default": False},
        ),
        "required": ["ops"],
        "additionalProperties": False,
    },
    "Estimate": _object(
        usage={"type": "integer"},
        quota={"type": "integer"},
        usageDetails={"type": "object", "additionalProperties": {"type": "integer"}},
        localStorage=_object(usage={"type": "integer"}, quota={"type": ["integer", "null"]}),
        models={"type": ["integer", "null"]},
    ),
    "Blob": _object(
        path=_TEXT, device={"type": "integer"}, inode={"type": "integer"}, size={"type": "integer"}, digest=_TEXT
    ),
    "Error": {
        **_object(
            error={
                **_object(
                    name=_TEXT,
                    message=_TEXT,
                    code={"type": "integer"},
                    hint=_TEXT,
                    limit={"type": "integer"},
                    needed={"type": "integer"},
                    unit={"enum": ["utf16", "byte", "disk"]},
                    quota={"type": "number"},
                    requested={"type": "number"},
                    cause={"type": "object"},
                ),
                "required": ["name", "message"],
            }
        ),
        "required": ["error"],
    },
}

_PARAMETERS: dict[str, Any] = {
    "medium": {"in": "path", "required": True, "schema": {"enum": ["localstorage", "indexeddb"]}},
    "pair": {"in": "path", "required": True, "schema": _TEXT, "description": "the name of a sync pair"},
    "path": {"in": "path", "required": True, "schema": _TEXT, "description": "one percent-encoded segment"},
    "artifact": {
        "in": "path",
        "required": True,
        "schema": {**_TEXT, "pattern": "^(model\\.json|weights(\\.[0-9a-f]{64})?\\.bin)$"},
    },
    "file": {"in": "path", "required": True, "schema": _TEXT},
    "queryPath": {
        "name": "path",
        "in": "query",
        "schema": {**_TEXT, "minLength": 1},
        "description": "where a segment would be normalised",
    },
    "session": {"in": "path", "required": True, "schema": _TEXT, "description": "the WebSocket's tfjsd-session"},
    "digest": {"in": "path", "required": True, "schema": _TEXT, "description": "BLAKE3, 64 hex digits"},
    "token": {"in": "path", "required": True, "schema": _TEXT, "description": "as a message names it"},
    "size": {"in": "query", "required": True, "schema": {"type": "integer"}, "description": "the binary's"},
    "origin": {"in": "query", "schema": _ORIGIN, "description": "the origin that is meant, else the configured one"},
    "own": {"in": "query", "schema": _FLAG, "description": "0: without the client's own storage events"},
    "overwrite": {"in": "query", "schema": _FLAG, "description": "0: 409 where the destination exists"},
    "expected": {
        "in": "query",
        "content": {JSON_TYPE: {"schema": _reference(_INFO)}},
        "description": "409 where another one, or none, is there",
    },
    "durability": {"in": "query", "schema": {"enum": ["strict", "relaxed"], "default": "strict"}},
}


def document() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "tfjsd", "version": __version__, "description": "TensorFlow.js model storage"},
        "paths": paths,
        "components": {
            "schemas": _SCHEMAS,
            "parameters": {key: {"name": key, **parameter} for key, parameter in _PARAMETERS.items()},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in operation.parameters],
        "responses": {str(operation.status): {"description": "done", **_content(operation.answers)}}
        | {str(status): {"description": "refused", **_error(operation.path, status)} for status in operation.errors},
    }
    if operation.body is not None:
        described["requestBody"] = {"required": operation.needs_body, **_content(operation.body)}
    return described


def _content(media: dict[str, Any]) -> dict[str, Any]:
    return {"content": {kind: {} if schema is None else {"schema": schema} for kind, schema in media.items()}}


def _error(path: str, status: int) -> dict[str, Any]:
    return {} if (path, status) == (_ARTIFACT, 409) else _content({JSON_TYPE: _reference("Error")})
