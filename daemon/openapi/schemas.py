"""The schemas that the document names, by their names."""

from __future__ import annotations

from typing import Any

from .schema_forms import TEXT, object_schema, reference
from .sync_schemas import SYNC_PAIR, SYNC_STATUS

INFO = "ModelArtifactsInfo"
_MODEL_URL: dict[str, Any] = {"type": "string", "pattern": r"^(indexeddb|localstorage)://.+"}


def _storage_operation(*names: str, required: tuple[str, ...] = (), named: bool = False) -> dict[str, Any]:
    """``named``: whether it may be the assignment to a named property."""
    properties = {"op": {"enum": list(names)}, "key": TEXT, "value": TEXT, "index": {"type": "integer"}}
    properties["namedProperty"] = {"type": "boolean"} if named else {"const": False}
    return {**object_schema(**properties), "required": ["op", *required], "additionalProperties": False}


SCHEMAS: dict[str, Any] = {
    INFO: {
        **object_schema(
            dateSaved={"type": ["string", "null"], "format": "date-time"},
            modelTopologyType={"enum": ["JSON", "GraphDef"]},
            modelTopologyBytes={"type": "integer"},
            weightSpecsBytes={"type": "integer"},
            weightDataBytes={"type": "integer"},
        ),
        "required": ["dateSaved", "modelTopologyType"],
    },
    "Transfer": {
        **object_schema(source=_MODEL_URL, dest=_MODEL_URL),
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
    "SyncPair": SYNC_PAIR,
    "SyncStatus": SYNC_STATUS,
    "LocalStorageBatch": {
        **object_schema(
            ops={"type": "array", "items": reference("LocalStorageOperation")},
            atomic={"type": "boolean", "default": False},
        ),
        "required": ["ops"],
        "additionalProperties": False,
    },
    "Estimate": object_schema(
        usage={"type": "integer"},
        quota={"type": "integer"},
        usageDetails={"type": "object", "additionalProperties": {"type": "integer"}},
        localStorage=object_schema(usage={"type": "integer"}, quota={"type": ["integer", "null"]}),
        models={"type": ["integer", "null"]},
    ),
    "Blob": object_schema(
        path=TEXT, device={"type": "integer"}, inode={"type": "integer"}, size={"type": "integer"}, digest=TEXT
    ),
    "Error": {
        **object_schema(
            error={
                **object_schema(
                    name=TEXT,
                    message=TEXT,
                    code={"type": "integer"},
                    hint=TEXT,
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
