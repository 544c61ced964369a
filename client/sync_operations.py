"""The daemon's sync pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..wire.model_path import encode_text, with_query
from .effects import Operation
from .messages import Request
from .session import Session, json_request


def _target(name: str, action: str = "") -> str:
    return f"/v1/sync/{encode_text(name)}{action and '/'}{action}"


def pairs(session: Session) -> Operation[dict[str, dict[str, Any]]]:
    """Name to status."""
    found: dict[str, dict[str, Any]] = yield from session.ask_json(Request("GET", "/v1/sync"))
    return found


def add(session: Session, members: Mapping[str, Any]) -> Operation[dict[str, Any]]:
    """The status of the new pair; what is None was not given."""
    given = {name: member for name, member in members.items() if member is not None}
    request = json_request("POST", with_query("/v1/sync", session.query()), given, reads=False)
    status: dict[str, Any] = yield from session.ask_json(request)
    return status


def remove(session: Session, name: str) -> Operation[dict[str, Any]]:
    """The pair's last status."""
    status: dict[str, Any] = yield from session.ask_json(Request("DELETE", _target(name)))
    return status


def act(
    session: Session, name: str, action: str, body: Mapping[str, Any], *, patient: bool = False
) -> Operation[dict[str, Any]]:
    """``once``, ``pause``, ``resume``, ``approve``, ``resolve``."""
    request = json_request("POST", _target(name, action), dict(body), reads=action == "pause")
    answer: dict[str, Any] = yield from (session._replace(timeout=None) if patient else session).ask_json(request)
    return answer
