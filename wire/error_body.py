"""Errors on the wire: ``{"error": {"name", "message", …}}``, both ways."""

from __future__ import annotations

from typing import Any

from ..errors import DOMError, TfjsdError, class_named
from .json_text import dump_json

_MEMBERS = ("hint", "limit", "needed", "unit", "quota", "requested", "interface", "status", "outcome")
_DEEPEST_CAUSE = 8
INTERNAL_ERROR = "InternalError"


def error_to_json(error: BaseException, *, depth: int = 0) -> dict[str, Any]:
    """The inner object. Of an exception that is not ours only its class is told: its text may hold private things."""
    if not isinstance(error, TfjsdError):
        return {
            "name": INTERNAL_ERROR,
            "message": f"The daemon failed inside ({type(error).__name__}); see its log.",
        }
    body: dict[str, Any] = {"name": error.name, "message": error.message}
    if isinstance(error, DOMError):
        body["code"] = error.code
    for member in _MEMBERS:
        value = getattr(error, member, None)
        if value is not None:
            body[member] = value
    if isinstance(error.__cause__, TfjsdError) and depth < _DEEPEST_CAUSE:
        body["cause"] = error_to_json(error.__cause__, depth=depth + 1)
    return body


def error_body(error: BaseException) -> bytes:
    """The body of an answer that reports ``error``."""
    return dump_json({"error": error_to_json(error)}).encode("ascii")


def error_status(error: BaseException) -> int:
    """The HTTP status that goes with it."""
    return error.http_status if isinstance(error, TfjsdError) else 500


def error_from_json(body: object) -> TfjsdError:
    """The exception that an answer reports, of the same class, with the same attributes and cause.

    ``body`` is the parsed answer, with or without its outer ``error``. A name that this version does not know, or a
    body of another shape, is a plain TfjsdError.
    """
    inner = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("message"), str):
        return TfjsdError(f"The daemon answered with an error of unknown form: {str(body)[:200]}")
    error = class_named(str(inner.get("name")))(inner["message"])
    for member in _MEMBERS:
        if member in inner and hasattr(error, member):
            setattr(error, member, inner[member])
    if isinstance(inner.get("cause"), dict):
        error.__cause__ = error_from_json(inner["cause"])
    return error
