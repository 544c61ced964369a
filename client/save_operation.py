"""Saving a model: its weights are handed over as they lie in memory, as a file or behind the header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..errors import InvalidArtifactsError
from ..model_io.artifacts_info import ModelArtifactsInfo
from ..wire.json_text import split_members
from ..wire.model_body import ModelHeader, encode_header
from ..wire.model_path import model_target
from ..wire.protocol import MODEL_TYPE
from . import delivery, ingest
from .effects import Operation
from .messages import Progress, Request, Response
from .session import Session

if TYPE_CHECKING:
    from ..model_io.types import ModelArtifacts
    from ..storage_backends.abc import Durability

_SLOWEST_DISK = 16 << 20
"""Bytes a second."""


class _Content(NamedTuple):
    """A model as it goes over the wire."""

    texts: Mapping[str, str]
    pieces: list[memoryview]
    size: int | None

    def header(self, *, ingested: str | None = None) -> bytes:
        return encode_header(ModelHeader(self.texts, self.size, ingest=ingested))


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
    """By a file of the daemon's where that is possible and worth it, else in one request."""
    content = _content(artifacts)
    if timeout is None and session.timeout is not None:
        # The daemon is silent while the disk takes the bytes; that it is slow is no reason to give up.
        timeout = session.timeout + (content.size or 0) / _SLOWEST_DISK
    query = session.query(
        overwrite=None if overwrite else "0", durability=None if durability == "strict" else durability
    )
    target = model_target(url, query=query)
    if (content.size or 0) >= ingest.SMALLEST and (yield from delivery.shares_files(session.link, session.timeout)):
        response = yield from _hand_over(session, target, content, on_progress, timeout)
        if response is not None:
            return _saved(response)
    body: list[bytes | memoryview] = [content.header(), *content.pieces]
    return _saved((yield from session.answer(_request(target, body, on_progress), timeout)))


def _content(artifacts: ModelArtifacts) -> _Content:
    if artifacts.has_binary_topology:
        raise InvalidArtifactsError(
            "BrowserLocalStorage.save() does not support saving model topology in binary formats yet."
        )
    data = artifacts.weight_pieces
    if data is None:
        return _Content(artifacts.texts(), [], None)
    return _Content(artifacts.texts(), list(data.parts), data.byte_length)


def _hand_over(
    session: Session, target: str, content: _Content, on_progress: Progress | None, timeout: float | None
) -> Operation[Response | None]:
    """The answer to a save whose weights lie in a file; None where they have to be streamed."""
    file = yield from ingest.stage(session, content.pieces, on_progress)
    if file is None:
        return None
    try:
        request = _request(target, [content.header(ingested=file.name)], None)
        response = yield from session.answer(request, timeout)
    finally:
        file.discard()
    if response.status == 409 and delivery.error_of(409, response.body).name == "IngestRefused":
        return None
    return response


def _request(target: str, body: list[bytes | memoryview], on_progress: Progress | None) -> Request:
    return Request("PUT", target, headers={"content-type": MODEL_TYPE}, body=body, on_progress=on_progress)


def _saved(response: Response) -> ModelArtifactsInfo:
    if response.status >= 400:
        raise delivery.error_of(response.status, response.body)
    return ModelArtifactsInfo.from_json(split_members(str(response.body, "utf-8"))["modelArtifactsInfo"])
