"""Operations on origins' storage other than models, and on the home as a whole."""

from __future__ import annotations

from ...wire.protocol import BACKUP_TYPE, EVENTS_TYPE, JSON_TYPE
from .operation import Operation
from .schema_forms import TEXT, object_schema, reference

STORAGE_OPERATIONS = (
    Operation(
        "POST",
        "/v1/local-storage",
        "One operation on localStorage, or several",
        {JSON_TYPE: object_schema(result={}, results={"type": "array"})},
        ("origin", "durability"),
        {JSON_TYPE: {"oneOf": [reference("LocalStorageOperation"), reference("LocalStorageBatch")]}},
        (400, 403, 413, 503, 507),
    ),
    Operation(
        "POST",
        "/v1/ingest",
        "A name in the ingest directory, for a client of the same user",
        {JSON_TYPE: object_schema(name=TEXT, path=TEXT)},
        (),
        status=201,
    ),
    Operation("GET", "/v1/events", "What is committed, as server-sent events", {EVENTS_TYPE: TEXT}, ("origin", "own")),
    Operation(
        "GET",
        "/v1/origins",
        "Usage and quota of each origin",
        {JSON_TYPE: {"type": "object", "additionalProperties": reference("Estimate")}},
        (),
        head=True,
    ),
    Operation("GET", "/v1/estimate", "Usage and quota of one origin", {JSON_TYPE: reference("Estimate")}, head=True),
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
        {JSON_TYPE: object_schema(urls={"type": ["array", "null"], "items": TEXT})},
        needs_body=False,
    ),
)
