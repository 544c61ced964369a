"""A stored model on its way out: its info, the whole of it, or what ``tf.loadLayersModel(url)`` fetches."""

from __future__ import annotations

from aiohttp import web

from ...errors import CorruptionError, InvalidArtifactsError, ModelNotFoundError
from ...model_io.model_json import model_json_text
from ...model_io.origin import Origin
from ...storage_backends.abc import Blob, BlobStore
from ...wire.model_body import encode_header
from ...wire.model_path import digest_in, weights_artifact
from ...wire.protocol import JSON_TYPE, MAPPED_TYPE, MODEL_JSON, MODEL_TYPE
from ..binary_answer import Binary, send_binary
from ..served_weights import Generation, HeldWeights
from ..service import Call, text_answer
from ..stored_weights import Check, OpenModel, open_model, trust, verify
from . import Route
from .models import ONE_MODEL

_WEIGHTS_TYPE = "application/octet-stream"
ARTIFACTS = tuple(f"{path}/{{artifact:model\\.json|weights(?:\\.[0-9a-f]+)?\\.bin}}" for path in ONE_MODEL[:1])


async def load_model(call: Call) -> web.StreamResponse:
    """By ``Accept``: a mapped answer, the model body, else the ModelArtifactsInfo; or one artifact."""
    target, origin = call.model(), await call.origin()
    if target.artifact == MODEL_JSON:
        return await _model_json(call, origin, target.url)
    if target.artifact is not None:
        digest = digest_in(target.artifact)
        return await (
            _weights(call, origin, target.url) if digest is None else _named_weights(call, origin, target.url, digest)
        )
    accepted = call.request.headers.get("Accept", "")
    if MAPPED_TYPE in accepted and call.is_own_user:
        return await _whole(call, origin, target.url, mapped=True)
    if MODEL_TYPE in accepted:
        return await _whole(call, origin, target.url, mapped=False)
    return text_answer(origin.models.info(target.url).to_json())


async def _whole(call: Call, origin: Origin, url: str, *, mapped: bool) -> web.StreamResponse:
    generation = origin.bucket.generation
    with await call.service.workers.long(open_model, origin, url, _check(call), mapped=mapped) as opened:
        if opened.header.blob is not None:
            text = opened.header.to_text().encode()
            call.service.mapped.keep(origin, url, generation, opened.header.blob, text)
            return web.Response(body=text, content_type=MAPPED_TYPE)
        binary = Binary(opened.weights, opened.size, MODEL_TYPE, prefix=encode_header(opened.header))
        return await send_binary(call, binary)


async def _weights(call: Call, origin: Origin, url: str) -> web.StreamResponse:
    """The weights as they are."""
    with await call.service.workers.long(open_model, origin, url, _check(call)) as opened:
        return await _send_weights(call, opened)


async def _named_weights(call: Call, origin: Origin, url: str, digest: str) -> web.StreamResponse:
    """The weights that a model.json has named, those of that moment."""
    generation = Generation(origin.name, url, f'"{digest}"')
    try:
        opened = await call.service.workers.long(open_model, origin, url, _check_of(digest, _check(call)))
    except ModelNotFoundError:
        return await _earlier_weights(call, generation)
    except (CorruptionError, InvalidArtifactsError):
        if not call.service.served.has(generation):
            raise
        return await _earlier_weights(call, generation)
    with opened:
        if opened.etag == generation.etag:
            return await _send_weights(call, opened)
    return await _earlier_weights(call, generation)


async def _send_weights(call: Call, opened: OpenModel) -> web.StreamResponse:
    return await send_binary(call, Binary(opened.weights, opened.size, _WEIGHTS_TYPE, etag=opened.etag))


def _check_of(digest: str, check: Check) -> Check:
    """Other weights than those are not sent: whether they are damaged makes no difference, and takes long to tell."""

    def check_named(blobs: BlobStore, blob: Blob) -> None:
        if blob.digest == digest:
            check(blobs, blob)

    return check_named


async def _earlier_weights(call: Call, generation: Generation) -> web.StreamResponse:
    """409 has no body here: TensorFlow.js looks at no status here and would take the words of an error for weights."""
    held = call.service.served.find(generation)
    if held is None:
        return web.Response(status=409, reason="The model was replaced or removed while it was loaded")
    try:
        if f'"{await call.service.workers.long(held.digest)}"' != generation.etag:
            raise CorruptionError(f"The weights of '{generation.url}' are damaged.")
        return await send_binary(call, Binary(held.content, held.size, _WEIGHTS_TYPE, etag=generation.etag))
    finally:
        held.close()


def _check(call: Call) -> Check:
    if call.request.method == "HEAD":
        return trust
    return call.service.verified.check if "Range" in call.request.headers else verify


async def _model_json(call: Call, origin: Origin, url: str) -> web.StreamResponse:
    """Names the weights by their digest, and keeps them for who comes for them."""

    def build() -> tuple[bytes, str, HeldWeights | None]:
        with open_model(origin, url, trust) as opened:
            texts = opened.header.texts
            if opened.header.weight_data_bytes is None:
                return model_json_text(texts, []).encode(), opened.etag, None
            text = model_json_text(texts, [weights_artifact(opened.etag.strip('"'))])
            return text.encode(), opened.etag, HeldWeights.of(opened)

    content, etag, weights = await call.service.workers.short(build)
    if weights is not None:
        call.service.served.keep(Generation(origin.name, url, etag), weights)
    return await send_binary(call, Binary.of_bytes(content, JSON_TYPE))


ROUTES = tuple(Route(method, path, load_model) for path in (*ONE_MODEL, *ARTIFACTS) for method in ("GET", "HEAD"))
