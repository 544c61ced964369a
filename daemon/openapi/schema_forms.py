"""What JSON Schemas of the document are made of."""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string"}


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def object_schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}
