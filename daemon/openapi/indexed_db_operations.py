"""The door to IndexedDB: a WebSocket, and what is too large for its messages."""

from __future__ import annotations

from typing import Any

from .operation import Operation

_BYTES: dict[str, Any] = {"application/octet-stream": None}
_SESSION_BINARY = "/v1/indexeddb/{session}/binaries/{digest}"
_SESSION_VALUE = "/v1/indexeddb/{session}/values/{token}"

INDEXED_DB_OPERATIONS = (
    Operation("GET", "/v1/indexeddb", "A WebSocket on the origin's databases", {}, errors=(400, 403, 503), status=101),
    Operation(
        "PUT",
        _SESSION_BINARY,
        "Stages a large binary for a transaction of a session",
        {},
        ("session", "digest", "transaction"),
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
        "Stages a long value for a transaction of a session",
        {},
        ("session", "token", "transaction"),
        _BYTES,
        (400, 403, 404, 413, 503),
        204,
    ),
    Operation("GET", _SESSION_VALUE, "A long value, once", _BYTES, ("session", "token"), errors=(403, 404, 503)),
)
