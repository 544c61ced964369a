"""What the daemon says of itself."""

from __future__ import annotations

from ...wire.protocol import JSON_TYPE
from .operation import Operation
from .schema_forms import TEXT, object_schema

SERVICE_OPERATIONS = (
    Operation("GET", "/v1/status", "What the daemon is doing", {JSON_TYPE: {"type": "object"}}, (), head=True),
    Operation("GET", "/healthz", "Whether the daemon answers", {JSON_TYPE: object_schema(status=TEXT)}, (), head=True),
    Operation("GET", "/metrics", "Counters in Prometheus' text format", {"text/plain": TEXT}, (), head=True),
    Operation("GET", "/openapi.json", "This document", {JSON_TYPE: {"type": "object"}}, (), head=True),
)
