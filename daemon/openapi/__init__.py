"""The OpenAPI 3.1 document that ``/openapi.json`` serves, as data; a test compares it with the routes."""

from __future__ import annotations

from .document import OPERATIONS, document

__all__ = ["OPERATIONS", "document"]
