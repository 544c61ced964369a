"""One operation of the HTTP interface, as the document describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Operation:
    """``answers`` maps media types to schemas (None: bytes); ``body`` likewise, for the request."""

    method: str
    path: str
    summary: str
    answers: dict[str, Any]
    parameters: tuple[str, ...] = ("origin",)
    body: dict[str, Any] | None = None
    errors: tuple[int, ...] = (400, 403, 503)
    status: int = 200
    head: bool = False
    """Whether HEAD is answered, too."""
    needs_body: bool = True
