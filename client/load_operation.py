"""Loading a model: mapped where it can be, streamed where it cannot."""

from __future__ import annotations

from ..model_io.types import ModelArtifacts
from ..wire.model_body import parse_header
from ..wire.model_path import model_target
from ..wire.protocol import MAPPED_TYPE, MODEL_TYPE
from . import delivery
from .effects import Call, Operation
from .mapped_weights import BlobMoved, BlobUnreachable, check_digest, map_blob
from .messages import Progress, Request
from .session import Session

_ATTEMPTS = 3
_LENGTH_BYTES = 4


def load(
    session: Session, url: str, *, verify: bool, on_progress: Progress | None, timeout: float | None
) -> Operation[ModelArtifacts]:
    """Maps the weights where the daemon runs as the same user and its file can be reached, else has them streamed."""
    target = model_target(url, query=session.query())
    if (yield from delivery.shares_files(session.link, session.timeout)):
        for _ in range(_ATTEMPTS):
            request = _request(target, f"{MAPPED_TYPE}, {MODEL_TYPE}", on_progress)
            response = yield from session.ask(request, timeout)
            if response.content_type != MAPPED_TYPE:
                return _from_body(response.body)
            try:
                return (yield from _from_mapped(response.body, verify, on_progress))
            except BlobMoved:
                continue
            except BlobUnreachable:
                break
    response = yield from session.ask(_request(target, MODEL_TYPE, on_progress), timeout)
    return _from_body(response.body)


def _request(target: str, accept: str, on_progress: Progress | None) -> Request:
    return Request("GET", target, headers={"accept": accept}, on_progress=on_progress)


def _from_mapped(body: memoryview, verify: bool, on_progress: Progress | None) -> Operation[ModelArtifacts]:
    """Raises BlobMoved, BlobUnreachable, and CorruptionError where bytes are verified and differ."""
    header = parse_header(body)
    if header.blob is None:
        raise BlobUnreachable("the answer names no file")
    weights = map_blob(header.blob)
    if verify:
        yield Call(check_digest, (weights, header.blob.digest))
    if on_progress is not None:
        on_progress(len(weights), len(weights))
    return ModelArtifacts.from_texts(header.texts, weights)


def _from_body(body: memoryview) -> ModelArtifacts:
    """The weights stay where they were received."""
    start = _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES], "little")
    header = parse_header(body[_LENGTH_BYTES:start])
    return ModelArtifacts.from_texts(header.texts, None if header.weight_data_bytes is None else body[start:])
