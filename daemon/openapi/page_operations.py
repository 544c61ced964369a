"""The page and what its programs ask for."""

from __future__ import annotations

from ...wire.protocol import JSON_TYPE
from .operation import Operation
from .schema_forms import TEXT, object_schema

PAGE_OPERATIONS = (
    Operation("GET", "/", "The page", {"text/html": TEXT}, (), errors=(), head=True),
    Operation("GET", "/page/{file}", "The page's parts", {"text/css": TEXT}, ("file",), errors=(404,), head=True),
    Operation("GET", "/tfjsd.js", "The JavaScript client", {"text/javascript": TEXT}, (), errors=(), head=True),
    Operation(
        "POST",
        "/v1/page/code",
        "A code that opens the page once, for a client of the same user",
        {JSON_TYPE: object_schema(url=TEXT, code=TEXT)},
        (),
        errors=(400, 403, 503),
        status=201,
    ),
    Operation(
        "POST",
        "/v1/page/session",
        "The page's token for a code",
        {JSON_TYPE: object_schema(token=TEXT, user_home=TEXT)},
        (),
        {JSON_TYPE: {**object_schema(code=TEXT), "required": ["code"]}},
        (400, 401, 413, 503),
        status=201,
    ),
)
