"""Models in the daemon's store: list, info, remove, copy, move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.json_text import parse_json
from ..wire.model_path import model_target, with_query
from ..wire.protocol import MODELS
from .effects import Operation
from .messages import Request, Response
from .session import Session, json_request

if TYPE_CHECKING:
    from ..model_io.types import ModelArtifactsInfo


def list_models(session: Session) -> Operation[dict[str, ModelArtifactsInfo]]:
    from ..model_io.artifacts_info import infos_of_objects

    response = yield from session.ask(Request("GET", with_query(MODELS, session.query())))
    return infos_of_objects(parse_json(str(response.body, "utf-8")))


def info(session: Session, url: str) -> Operation[ModelArtifactsInfo]:
    """What the store says of a model. Raises ModelNotFoundError."""
    return _info((yield from session.ask(Request("GET", model_target(url, query=session.query())))))


def remove(session: Session, url: str, *, expected: ModelArtifactsInfo | None = None) -> Operation[ModelArtifactsInfo]:
    """Raises ModelChangedError where another model than ``expected`` is there."""
    query = session.query(expected=None if expected is None else expected.to_json())
    return _info((yield from session.ask(Request("DELETE", model_target(url, query=query)))))


def copy(session: Session, source: str, dest: str, *, overwrite: bool) -> Operation[ModelArtifactsInfo]:
    return (yield from _transfer(session, "copy", source, dest, overwrite))


def move(session: Session, source: str, dest: str, *, overwrite: bool) -> Operation[ModelArtifactsInfo]:
    return (yield from _transfer(session, "move", source, dest, overwrite))


def _transfer(session: Session, verb: str, source: str, dest: str, overwrite: bool) -> Operation[ModelArtifactsInfo]:
    target = with_query(f"{MODELS}/{verb}", session.query(overwrite=None if overwrite else "0"))
    return _info((yield from session.ask(json_request("POST", target, {"source": source, "dest": dest}))))


def _info(response: Response) -> ModelArtifactsInfo:
    from ..model_io.artifacts_info import ModelArtifactsInfo

    return ModelArtifactsInfo.from_json(str(response.body, "utf-8"))
