"""The OpenAPI 3.1 document as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ... import __version__
from ...wire.protocol import JSON_TYPE
from .indexed_db_operations import INDEXED_DB_OPERATIONS
from .model_operations import ARTIFACT, MODEL_OPERATIONS
from .operation import Operation
from .page_operations import PAGE_OPERATIONS
from .parameters import PARAMETERS
from .schema_forms import reference
from .schemas import SCHEMAS
from .service_operations import SERVICE_OPERATIONS
from .storage_operations import STORAGE_OPERATIONS
from .sync_operations import SYNC_OPERATIONS

_DESCRIBED = (
    *MODEL_OPERATIONS,
    *STORAGE_OPERATIONS,
    *SYNC_OPERATIONS,
    *PAGE_OPERATIONS,
    *INDEXED_DB_OPERATIONS,
    *SERVICE_OPERATIONS,
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
            "schemas": SCHEMAS,
            "parameters": {key: {"name": key, **parameter} for key, parameter in PARAMETERS.items()},
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
    return {} if (path, status) == (ARTIFACT, 409) else _content({JSON_TYPE: reference("Error")})
