"""Errors of the IndexedDB protocol: those of every answer, with what a front end needs to word them."""

from __future__ import annotations

from typing import Any, Final

from ..errors import TfjsdError
from ..storage_backends.indexed_db.connection_request import VersionTooLowError
from ..storage_backends.indexed_db.constraint_violation import ConstraintViolation
from .error_body import error_from_json, error_to_json

_REASONS: Final = ("key", "index", "generator")


def problem_to_json(problem: BaseException) -> dict[str, Any]:
    body = error_to_json(problem)
    if isinstance(problem, ConstraintViolation):
        body |= {"reason": problem.reason, "index": problem.index}
    elif isinstance(problem, VersionTooLowError):
        body |= {"requestedVersion": problem.requested, "existingVersion": problem.existing}
    return body


def problem_from_json(body: object) -> TfjsdError:
    """The exception that the other side met; a plain TfjsdError for what has another form."""
    if isinstance(body, dict):
        reason, index = body.get("reason"), body.get("index")
        if reason in _REASONS and isinstance(index, str):
            return ConstraintViolation(reason, index)
        requested, existing = body.get("requestedVersion"), body.get("existingVersion")
        if isinstance(requested, int) and isinstance(existing, int):
            return VersionTooLowError(requested, existing)
    return error_from_json(body)
