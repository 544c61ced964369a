"""Operations on sync pairs."""

from __future__ import annotations

from ...wire.protocol import JSON_TYPE
from .operation import Operation
from .schema_forms import TEXT, object_schema, reference

_PAIR = {JSON_TYPE: reference("SyncStatus")}
_NEW_PAIR = {
    JSON_TYPE: {
        "allOf": [reference("SyncStatus"), {**object_schema(created={"type": "boolean"}), "required": ["created"]}]
    }
}
_PAIR_ERRORS = (400, 403, 404, 503)

SYNC_OPERATIONS = (
    Operation(
        "GET",
        "/v1/sync",
        "Sync pairs: name to status; for the daemon's own user and sync.users",
        {JSON_TYPE: {"type": "object", "additionalProperties": reference("SyncStatus")}},
        (),
        head=True,
    ),
    Operation(
        "POST",
        "/v1/sync",
        "Adds a sync pair; durable on return. created: whether its directory was missing",
        _NEW_PAIR,
        ("origin",),
        {JSON_TYPE: reference("SyncPair")},
        (400, 403, 409, 503, 507),
        201,
    ),
    Operation("GET", "/v1/sync/{pair}", "One sync pair", _PAIR, ("pair",), errors=_PAIR_ERRORS, head=True),
    Operation(
        "DELETE", "/v1/sync/{pair}", "Forgets a pair; both sides stay", _PAIR, ("pair",), errors=(*_PAIR_ERRORS, 507)
    ),
    Operation(
        "POST",
        "/v1/sync/{pair}/once",
        "Passes until nothing is left to do, or the plan of one",
        {JSON_TYPE: {"type": "object"}},
        ("pair",),
        {JSON_TYPE: object_schema(dry_run={"type": "boolean", "default": False})},
        _PAIR_ERRORS,
        needs_body=False,
    ),
    Operation("POST", "/v1/sync/{pair}/pause", "Stops live passes", _PAIR, ("pair",), errors=_PAIR_ERRORS),
    Operation("POST", "/v1/sync/{pair}/resume", "Starts them again", _PAIR, ("pair",), errors=_PAIR_ERRORS),
    Operation(
        "POST",
        "/v1/sync/{pair}/approve",
        "Lets the deletions pass that are held",
        {JSON_TYPE: object_schema(approved={"type": "integer"})},
        ("pair",),
        {JSON_TYPE: {**object_schema(deletions={"const": True}), "required": ["deletions"]}},
        _PAIR_ERRORS,
    ),
    Operation(
        "POST",
        "/v1/sync/{pair}/resolve",
        "Settles a conflict",
        _PAIR,
        ("pair",),
        {
            JSON_TYPE: {
                **object_schema(model=TEXT, keep={"enum": ["dir", "store", "both"]}),
                "required": ["model", "keep"],
            }
        },
        _PAIR_ERRORS,
    ),
)
