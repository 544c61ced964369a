"""The parameters that the document names, by their names."""

from __future__ import annotations

from typing import Any

from ...wire.protocol import JSON_TYPE
from .schema_forms import TEXT, reference
from .schemas import INFO

_ORIGIN: dict[str, Any] = {
    "type": "string",
    "pattern": r"^([a-z]{2,20}://[a-z0-9][a-z0-9.-]{0,200}(:[1-9][0-9]{3})?)?$",
}
"""The common form, or nothing; other origins that browsers serialize are taken, too."""
_FLAG: dict[str, Any] = {"type": "string", "enum": ["0", "1"]}

PARAMETERS: dict[str, Any] = {
    "medium": {"in": "path", "required": True, "schema": {"enum": ["localstorage", "indexeddb"]}},
    "pair": {"in": "path", "required": True, "schema": TEXT, "description": "the name of a sync pair"},
    "path": {"in": "path", "required": True, "schema": TEXT, "description": "one percent-encoded segment"},
    "artifact": {
        "in": "path",
        "required": True,
        "schema": {**TEXT, "pattern": "^(model\\.json|weights(\\.[0-9a-f]{64})?\\.bin)$"},
    },
    "file": {"in": "path", "required": True, "schema": TEXT},
    "queryPath": {
        "name": "path",
        "in": "query",
        "schema": {**TEXT, "minLength": 1},
        "description": "where a segment would be normalised",
    },
    "session": {"in": "path", "required": True, "schema": TEXT, "description": "the WebSocket's tfjsd-session"},
    "digest": {"in": "path", "required": True, "schema": TEXT, "description": "BLAKE3, 64 hex digits"},
    "token": {"in": "path", "required": True, "schema": TEXT, "description": "as a message names it"},
    "size": {"in": "query", "required": True, "schema": {"type": "integer"}, "description": "the binary's"},
    "transaction": {"in": "query", "required": True, "schema": {"type": "integer"}, "description": "which it is for"},
    "origin": {"in": "query", "schema": _ORIGIN, "description": "the origin that is meant, else the configured one"},
    "own": {"in": "query", "schema": _FLAG, "description": "0: without the client's own storage events"},
    "overwrite": {"in": "query", "schema": _FLAG, "description": "0: 409 where the destination exists"},
    "expected": {
        "in": "query",
        "content": {JSON_TYPE: {"schema": reference(INFO)}},
        "description": "409 where another one, or none, is there",
    },
    "durability": {"in": "query", "schema": {"enum": ["strict", "relaxed"], "default": "strict"}},
}
