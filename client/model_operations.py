"""Models in the daemon's store: save, load, list, copy, move, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InvalidArtifactsError
from ..wire.json_text import split_members
from ..wire.model_path import model_target, with_query
from ..wire.protocol import MAPPED_TYPE, MODEL_TYPE, MODELS
from . import delivery, ingest
from .effects import Operation
from .mapped_weights import BlobMoved, BlobUnreachable, check_digest, map_blob
from .messages import Progress, Request, Response
from .session import Session, json_request

if TYPE_CHECKING:
    from ..model_io.types import ModelArtifacts, ModelArtifactsInfo
    from ..storage_backends.abc import Durability

_MAPPING_ATTEMPTS = 3
_LENGTH_BYTES = 4
_SLOWEST_DISK = 16 << 20
"""Bytes a second."""


def list_models(session: Session) -> Operation[dict[str, ModelArtifactsInfo]]:
    from ..model_io.artifacts_info import ModelArtifactsInfo

    response = yield from session.ask(Request("GET", with_query(MODELS, session.query())))
    members = split_members(str(response.body, "utf-8"))
    return {url: ModelArtifactsInfo.from_json(text) for url, text in members.items()}


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


def save(
    session: Session,
    url: str,
    artifacts: ModelArtifacts,
    *,
    overwrite: bool,
    durability: Durability,
    on_progress: Progress | None,
    timeout: float | None,
) -> Operation[ModelArtifactsInfo]:
    """Hands the weights over as they lie in memory: by a file of the daemon's where that is possible and worth it, else
    behind the header in one request."""
    from ..wire.model_body import ModelHeader, encode_header

    if artifacts.has_binary_topology:
        raise InvalidArtifactsError(
            "BrowserLocalStorage.save() does not support saving model topology in binary formats yet."
        )
    pieces = _pieces(artifacts)
    size = None if artifacts.weight_data is None else artifacts.weight_data_bytes
    texts = artifacts.texts()
    query = session.query(
        overwrite=None if overwrite else "0", durability=None if durability == "strict" else durability
    )
    target = model_target(url, query=query)
    if (size or 0) >= ingest.SMALLEST and (yield from delivery.shares_files(session.link, session.timeout)):
        file = yield from ingest.stage(session, pieces, on_progress)
        if file is not None:
            header = ModelHeader(texts, size, ingest=file.name)
            try:
                response = yield from _put(session, target, [encode_header(header)], size or 0, None, timeout)
            finally:
                file.discard()
            if response.status < 400:
                return _saved(response)
            if not _asks_to_stream(response):
                raise delivery.error_of(response.status, response.body)
    body: list[bytes | memoryview] = [encode_header(ModelHeader(texts, size)), *pieces]
    response = yield from _put(session, target, body, size or 0, on_progress, timeout)
    if response.status >= 400:
        raise delivery.error_of(response.status, response.body)
    return _saved(response)


def load(
    session: Session, url: str, *, verify: bool, on_progress: Progress | None, timeout: float | None
) -> Operation[ModelArtifacts]:
    """Maps the weights where the daemon runs as the same user and its file can be reached, else has them streamed."""
    target = model_target(url, query=session.query())
    if (yield from delivery.shares_files(session.link, session.timeout)):
        for _ in range(_MAPPING_ATTEMPTS):
            accept = f"{MAPPED_TYPE}, {MODEL_TYPE}"
            response = yield from session.ask(_get(target, accept, on_progress), timeout)
            if response.content_type != MAPPED_TYPE:
                return _from_body(response.body)
            try:
                return _from_mapped(response.body, verify, on_progress)
            except BlobMoved:
                continue
            except BlobUnreachable:
                break
    response = yield from session.ask(_get(target, MODEL_TYPE, on_progress), timeout)
    return _from_body(response.body)


def _get(target: str, accept: str, on_progress: Progress | None) -> Request:
    return Request("GET", target, headers={"accept": accept}, on_progress=on_progress)


def _from_mapped(body: memoryview, verify: bool, on_progress: Progress | None) -> ModelArtifacts:
    from ..model_io.types import ModelArtifacts
    from ..wire.model_body import parse_header

    header = parse_header(body)
    if header.blob is None:
        raise BlobUnreachable("the answer names no file")
    weights = map_blob(header.blob)
    if verify:
        check_digest(weights, header.blob.digest)
    if on_progress is not None:
        on_progress(len(weights), len(weights))
    return ModelArtifacts.from_texts(header.texts, weights)


def _from_body(body: memoryview) -> ModelArtifacts:
    """The weights stay where they were received."""
    from ..model_io.types import ModelArtifacts
    from ..wire.model_body import parse_header

    start = _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES], "little")
    header = parse_header(body[_LENGTH_BYTES:start])
    return ModelArtifacts.from_texts(header.texts, None if header.weight_data_bytes is None else body[start:])


def _pieces(artifacts: ModelArtifacts) -> list[memoryview]:
    data = artifacts.weight_data
    if data is None:
        return []
    return list(data) if isinstance(data, list) else [data]


def _put(
    session: Session,
    target: str,
    body: list[bytes | memoryview],
    size: int,
    on_progress: Progress | None,
    timeout: float | None,
) -> Operation[Response]:
    """The daemon is silent while the disk takes ``size`` bytes; that it is slow is no reason to give up."""
    request = Request("PUT", target, headers={"content-type": MODEL_TYPE}, body=body, on_progress=on_progress)
    if timeout is None and session.timeout is not None:
        timeout = session.timeout + size / _SLOWEST_DISK
    return (yield from session.answer(request, timeout))


def _asks_to_stream(response: Response) -> bool:
    return response.status == 409 and delivery.error_of(409, response.body).name == "IngestRefused"


def _saved(response: Response) -> ModelArtifactsInfo:
    from ..model_io.artifacts_info import ModelArtifactsInfo

    return ModelArtifactsInfo.from_json(split_members(str(response.body, "utf-8"))["modelArtifactsInfo"])


def _transfer(session: Session, verb: str, source: str, dest: str, overwrite: bool) -> Operation[ModelArtifactsInfo]:
    target = with_query(f"{MODELS}/{verb}", session.query(overwrite=None if overwrite else "0"))
    return _info((yield from session.ask(json_request("POST", target, {"source": source, "dest": dest}))))


def _info(response: Response) -> ModelArtifactsInfo:
    from ..model_io.artifacts_info import ModelArtifactsInfo

    return ModelArtifactsInfo.from_json(str(response.body, "utf-8"))
