"""A model on its way in: tfjs's multipart form, our own body, or our own body with a file in the ingest directory."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from ...errors import BadRequestError, InvalidArtifactsError, TooLargeError
from ...model_io import ecma_json
from ...model_io.artifacts_info import ModelArtifactsInfo
from ...model_io.model_json import parse_model_json
from ...model_io.multipart import MODEL_JSON, WEIGHTS, MultipartReader, PartBegin, PartData, boundary_of
from ...model_io.origin import Origin
from ...model_io.stored_model import StoredModel
from ...model_io.types import WIRE_NAMES
from ...model_io.weight_specs import check_byte_length, parse_weight_specs
from ...storage_backends.abc import INLINE_LIMIT, Blob, Buffer, Durability
from ...wire.model_body import ModelHeader, parse_header
from ...wire.protocol import MODEL_TYPE
from ..service import Call, text_answer
from ..staging import WeightsSink
from . import Route
from .ingest import ingest_of
from .models import ONE_MODEL, expected_model

_FIELDS = frozenset(WIRE_NAMES.values())
_LENGTH = struct.Struct("<I")
_SMALL_HEADER = 32 * 1024


async def save_model(call: Call) -> web.StreamResponse:
    """Answers once the model is durable. Whatever goes wrong before leaves no trace.

    ``?expected=``: the ModelArtifactsInfo of the model that is to be replaced; another one, or none, is a refusal."""
    target, overwrite, durability = call.model(), call.switch("overwrite", True), call.durability()
    if target.artifact is not None:
        raise BadRequestError("Only whole models are saved.", hint=f"PUT {call.path.rpartition('/')[0]}")
    destination = Destination(await call.origin(), target.url, overwrite, expected_model(call), durability)
    kind = call.request.content_type
    if kind == MODEL_TYPE:
        return await _save_body(call, destination)
    if kind == "multipart/form-data":
        return await _save_form(call, destination)
    raise BadRequestError(f"A model is sent as {MODEL_TYPE} or multipart/form-data, not as {kind}.")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a model goes, and how."""

    origin: Origin
    url: str
    overwrite: bool
    expected: ModelArtifactsInfo | None
    durability: Durability


async def _save_body(call: Call, destination: Destination) -> web.StreamResponse:
    limits, workers, body = call.service.limits, call.service.workers, call.body()
    body.check_declared(_LENGTH.size + limits.header_bytes + limits.weights_bytes)
    (length,) = _LENGTH.unpack(await body.exactly(_LENGTH.size))
    if length > limits.header_bytes:
        raise TooLargeError(f"The header of {length} bytes passes the limit of {limits.header_bytes}.")
    data = await body.exactly(length)
    call.weigh(data)
    header = parse_checked(data) if length <= _SMALL_HEADER else await workers.long(parse_checked, data)
    declared = header.weight_data_bytes
    if declared is not None and declared > limits.weights_bytes:
        raise TooLargeError(f"Weights of {declared} bytes pass the limit of {limits.weights_bytes}.")
    async with WeightsSink(
        destination.origin.bucket.blobs, workers, destination.url, declared=header.body_weight_bytes
    ) as sink:
        async for piece in body.pieces(limits.weights_bytes):
            await sink.take(piece)
        weights: memoryview | Blob | None = await sink.finish()
        if header.ingest is not None:
            weights = await sink.adopt(await ingest_of(call), header.ingest, declared or 0)
        elif declared is None:
            weights = None
        return await _commit(call, destination, StoredModel(header.texts, weights))


async def _save_form(call: Call, destination: Destination) -> web.StreamResponse:
    limits, workers, body = call.service.limits, call.service.workers, call.body()
    body.check_declared(limits.weights_bytes + limits.header_bytes)
    form = ModelForm(call.request.headers.get("Content-Type", ""), limits.header_bytes)
    async with WeightsSink(destination.origin.bucket.blobs, workers, destination.url, declared=None) as sink:
        async for piece in body.pieces(limits.weights_bytes + limits.header_bytes):
            for chunk in piece:
                weights = form.feed(chunk)
                if weights:
                    await sink.take(weights)
        call.weigh(form.json)
        texts = await workers.long(form.finish)
        staged = await sink.finish() if form.has_weights else None
        return await _commit(call, destination, StoredModel(texts, staged))


async def _commit(call: Call, destination: Destination, model: StoredModel) -> web.StreamResponse:
    workers = call.service.workers
    at_once = _is_small(model, destination.url) and destination.origin.bucket.is_ready
    info = await (workers.commit_here if at_once else workers.long_commit)(
        destination.origin.models.save,
        destination.url,
        model,
        overwrite=destination.overwrite,
        expected=destination.expected,
        durability=destination.durability,
    )
    return text_answer(f'{{"modelArtifactsInfo":{info.to_json()}}}')


def _is_small(model: StoredModel, url: str) -> bool:
    """Whether no part of it becomes a file; in localStorage, not in base64 either."""
    limit = INLINE_LIMIT // 2 if url.startswith("localstorage://") else INLINE_LIMIT
    if isinstance(model.weights, Blob) or len(model.weights or b"") > limit:
        return False
    return sum(map(len, model.texts.values())) <= _SMALL_HEADER


def parse_checked(data: bytes) -> ModelHeader:
    """The header with its fields' texts canonical, its specs agreeing with the declared bytes.

    Raises BadRequestError, InvalidArtifactsError, TooLargeError; all before a byte of the weights is read.
    """
    header = parse_header(data)
    unknown = sorted(header.texts.keys() - _FIELDS)
    if unknown:
        raise InvalidArtifactsError(f"ModelArtifacts have no field {unknown[0]!r}.")
    texts = {name: ecma_json.canonicalize(text) for name, text in header.texts.items()}
    if texts.get("weightSpecs", "null") != "null":
        check_byte_length(parse_weight_specs(ecma_json.parse(texts["weightSpecs"])), header.weight_data_bytes or 0)
    return ModelHeader(texts, header.weight_data_bytes, header.ingest)


class ModelForm:
    """The parts of tfjs's form: ``model.json`` kept, ``model.weights.bin`` passed on; others are refused."""

    def __init__(self, content_type: str, json_limit: int) -> None:
        self._reader = MultipartReader(boundary_of(content_type))
        self._json_limit = json_limit
        self._json = bytearray()
        self._seen: set[str] = set()
        self._part = ""

    @property
    def has_weights(self) -> bool:
        return WEIGHTS in self._seen

    @property
    def json(self) -> bytes:
        """The part ``model.json``, as far as it has come."""
        return bytes(self._json)

    def feed(self, chunk: bytes) -> list[Buffer]:
        """The weights in ``chunk``. Raises InvalidArtifactsError, TooLargeError."""
        weights: list[Buffer] = []
        for event in self._reader.feed(chunk):
            if isinstance(event, PartBegin):
                self._begin(event.name)
            elif isinstance(event, PartData) and self._part == WEIGHTS:
                weights.append(event.data)
            elif isinstance(event, PartData):
                self._json += event.data
                if len(self._json) > self._json_limit:
                    raise TooLargeError(f"{MODEL_JSON} passes the limit of {self._json_limit} bytes.")
        return weights

    def finish(self) -> Mapping[str, str]:
        """The artifacts' texts. Raises InvalidArtifactsError for a form that is cut off or without a model.json."""
        self._reader.close()
        if MODEL_JSON not in self._seen:
            raise InvalidArtifactsError(f"The form has no part named {MODEL_JSON}.")
        return parse_model_json(self.json).artifact_texts()

    def _begin(self, name: str) -> None:
        if name not in (MODEL_JSON, WEIGHTS) or name in self._seen:
            raise InvalidArtifactsError(f"The form has a part {name!r}; {MODEL_JSON} and {WEIGHTS} once are expected.")
        self._seen.add(name)
        self._part = name


ROUTES = tuple(Route(method, path, save_model) for path in ONE_MODEL for method in ("PUT", "POST"))
