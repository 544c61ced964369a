"""The schemas of a sync pair and of its status."""

from __future__ import annotations

from typing import Any

from .schema_forms import TEXT, object_schema

_TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}
_COUNTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "integer"}}
_REASONS: dict[str, Any] = {"type": "object", "additionalProperties": TEXT}
_PAIR_MEMBERS: dict[str, Any] = {
    "name": TEXT,
    "directory": TEXT,
    "prefix": TEXT,
    "origin": TEXT,
    "direction": {"enum": ["both", "in", "out"]},
    "include": _TEXTS,
    "exclude": _TEXTS,
    "on_conflict": {"enum": ["newest", "dir", "store", "keep-both", "fail"]},
}
_STATUS_MEMBERS: dict[str, Any] = {
    "source": {"enum": ["configuration", "register"]},
    "state": {"enum": ["equal", "working", "waiting", "paused", "stopped"]},
    "error": {"type": ["string", "null"]},
    "watching": TEXT,
    "watching_reason": {"type": ["string", "null"]},
    "models": _COUNTS,
    "passes": {"type": "integer"},
    "last_pass": {"type": ["string", "null"], "format": "date-time"},
    "last_seconds": {"type": ["number", "null"]},
    "last_read": {"type": ["integer", "null"]},
    "applied": _COUNTS,
    "pending": _REASONS,
    "problems": _REASONS,
    "held": _TEXTS,
    "conflicts": _TEXTS,
    "diverged": _TEXTS,
    "conflict_copies": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object"}}},
}

SYNC_PAIR: dict[str, Any] = {
    **object_schema(**_PAIR_MEMBERS),
    "required": ["directory", "prefix"],
    "additionalProperties": False,
}
SYNC_STATUS: dict[str, Any] = {
    **object_schema(**_PAIR_MEMBERS, **_STATUS_MEMBERS),
    "required": [*_PAIR_MEMBERS, *_STATUS_MEMBERS],
}
