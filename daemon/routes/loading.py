"""A stored model on its way out: its info, the whole of it, or what ``tf.loadLayersModel(url)`` fetches."""

from __future__ import annotations

from aiohttp import web

from ...model_io.artifacts_info import ModelArtifactsInfo
from ...model_io.model_json import model_json_text
from ...model_io.origin import Origin
from ...wire.model_body import encode_header
from ...wire.protocol import JSON_TYPE, MAPPED_TYPE, MODEL_JSON, MODEL_TYPE, WEIGHTS_BIN
from ..binary_answer import Binary, send_binary
from ..service import Call, text_answer
from ..stored_weights import Check, open_model, trust, verify
from . import Route
from .models import ONE_MODEL

_SHORT_TEXTS = 16 * 1024
ARTIFACTS = tuple(f"{path}/{{artifact:model\\.json|weights\\.bin}}" for path in ONE_MODEL[:1])


async def load_model(call: Call) -> web.StreamResponse:
    """By ``Accept``: a mapped answer, the model body, else the ModelArtifactsInfo; or one artifact."""
    target, origin = call.model(), await call.origin()
    if target.artifact == MODEL_JSON:
        return await _model_json(call, origin, target.url)
    if target.artifact is not None:
        return await _weights(call, origin, target.url)
    accepted = call.request.headers.get("Accept", "")
    if MAPPED_TYPE in accepted and call.is_own_user:
        return await _whole(call, origin, target.url, mapped=True)
    if MODEL_TYPE in accepted:
        return await _whole(call, origin, target.url, mapped=False)
    return text_answer(origin.models.info(target.url).to_json())


async def _whole(call: Call, origin: Origin, url: str, *, mapped: bool) -> web.StreamResponse:
    if mapped and _is_short(origin.models.info(url)):
        opening = open_model(origin, url, trust, mapped=True)
    else:
        opening = await call.service.workers.long(open_model, origin, url, _check(call), mapped=mapped)
    with opening as opened:
        if opened.header.blob is not None:
            return web.Response(body=opened.header.to_text().encode(), content_type=MAPPED_TYPE)
        binary = Binary(opened.weights, opened.size, MODEL_TYPE, prefix=encode_header(opened.header))
        return await send_binary(call, binary)


def _is_short(info: ModelArtifactsInfo) -> bool:
    """Whether reading the model, but for weights in a file, takes less time than a change of threads."""
    sizes = (info.model_topology_bytes, info.weight_specs_bytes)
    return None not in sizes and sum(size or 0 for size in sizes) <= _SHORT_TEXTS


async def _weights(call: Call, origin: Origin, url: str) -> web.StreamResponse:
    with await call.service.workers.long(open_model, origin, url, _check(call)) as opened:
        binary = Binary(opened.weights, opened.size, "application/octet-stream", etag=opened.etag)
        return await send_binary(call, binary)


def _check(call: Call) -> Check:
    if call.request.method == "HEAD":
        return trust
    return call.service.verified.check if "Range" in call.request.headers else verify


async def _model_json(call: Call, origin: Origin, url: str) -> web.StreamResponse:
    def build() -> bytes:
        model = origin.models.open(url)
        return model_json_text(model.texts, [WEIGHTS_BIN] if model.weights is not None else []).encode()

    return await send_binary(call, Binary.of_bytes(await call.service.workers.short(build), JSON_TYPE))


ROUTES = tuple(Route(method, path, load_model) for path in (*ONE_MODEL, *ARTIFACTS) for method in ("GET", "HEAD"))
