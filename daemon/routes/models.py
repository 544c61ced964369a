"""Listing, info, copy, move, removal of models."""

from __future__ import annotations

from aiohttp import web

from ...errors import BadRequestError
from ...model_io.artifacts_info import ModelArtifactsInfo
from ...wire.protocol import MODELS
from ...wire.schemas import parse_transfer
from ..service import Call, text_answer
from . import Route, readable

ONE_MODEL = (MODELS + "/{medium}/{path:[^/]*}", MODELS + "/{medium:(?!(?:copy|move)$)[^/]+}")
"""The second form goes with ``?path=``; ``copy`` and ``move`` are no media but have addresses of their own."""


async def list_models(call: Call) -> web.StreamResponse:
    """``tf.io.listModels()``: stored texts are joined, none is parsed."""
    origin = await call.origin()
    return text_answer(await call.service.workers.short(origin.models.list_models_json))


async def copy_model(call: Call) -> web.StreamResponse:
    request, origin = parse_transfer(await call.json()), await call.origin()
    overwrite, durability = call.switch("overwrite", True), call.durability()
    info = await call.service.workers.long_commit(
        origin.models.copy, request.source, request.dest, overwrite=overwrite, durability=durability
    )
    return text_answer(info.to_json())


async def move_model(call: Call) -> web.StreamResponse:
    request, origin = parse_transfer(await call.json()), await call.origin()
    overwrite, durability = call.switch("overwrite", True), call.durability()
    info = await call.service.workers.long_commit(
        origin.models.move, request.source, request.dest, overwrite=overwrite, durability=durability
    )
    return text_answer(info.to_json())


async def remove_model(call: Call) -> web.StreamResponse:
    """``?expected=``: the ModelArtifactsInfo of the model that is meant; another one that took its place is kept."""
    target, origin = call.model(), await call.origin()
    if target.artifact is not None:
        raise BadRequestError("Only whole models are removed.")
    info = await call.service.workers.commit(
        origin.models.remove, target.url, expected=expected_model(call), durability=call.durability()
    )
    return text_answer(info.to_json())


def expected_model(call: Call) -> ModelArtifactsInfo | None:
    """``?expected=``: what the caller takes for the present model. Raises InvalidArtifactsError."""
    text = call.parameters.get("expected")
    return None if text is None else ModelArtifactsInfo.from_json(text)


ROUTES = (
    *readable(MODELS, list_models),
    Route("POST", f"{MODELS}/copy", copy_model),
    Route("POST", f"{MODELS}/move", move_model),
    *(Route("DELETE", path, remove_model) for path in ONE_MODEL),
)
