"""Operations on models."""

from __future__ import annotations

from ...wire.protocol import JSON_TYPE, MAPPED_TYPE, MODEL_TYPE
from .operation import Operation
from .schema_forms import TEXT, object_schema, reference
from .schemas import INFO

_FORM = {**object_schema(**{"model.json": {"type": "object"}, "model.weights.bin": TEXT}), "required": ["model.json"]}
_SAVE_BODY = {MODEL_TYPE: None, "multipart/form-data": _FORM}
_SAVED = {JSON_TYPE: object_schema(modelArtifactsInfo=reference(INFO))}
_LOADED = {JSON_TYPE: reference(INFO), MODEL_TYPE: None, MAPPED_TYPE: object_schema(blob=reference("Blob"))}
_WRITE = ("origin", "overwrite", "durability")
_SAVE = (*_WRITE, "expected")
_WRITE_ERRORS = (400, 403, 404, 409, 413, 503, 507)
_TRANSFER = {JSON_TYPE: reference("Transfer")}
_LOAD = "The model's info; with `Accept: application/vnd.tfjsd.model` the whole model"

ARTIFACT = "/v1/models/{medium}/{path}/{artifact}"
_ARTIFACT_PLACE = ("medium", "path", "artifact", "origin")
_ARTIFACT_ERRORS = (400, 403, 404, 409, 416, 503)


def _one_model(path: str, *place: str) -> list[Operation]:
    return [
        Operation("GET", path, _LOAD, _LOADED, (*place, "origin"), errors=(400, 403, 404, 503)),
        Operation("HEAD", path, "Whether the model exists", {}, (*place, "origin"), errors=(400, 403, 404, 503)),
        Operation("PUT", path, "Saves a model", _SAVED, (*place, *_SAVE), _SAVE_BODY, _WRITE_ERRORS),
        Operation("POST", path, "Saves a model, as tfjs does", _SAVED, (*place, *_SAVE), _SAVE_BODY, _WRITE_ERRORS),
        Operation(
            "DELETE",
            path,
            "Removes a model",
            {JSON_TYPE: reference(INFO)},
            (*place, "origin", "durability", "expected"),
            errors=(400, 403, 404, 409, 503),
        ),
    ]


MODEL_OPERATIONS = (
    Operation(
        "GET",
        "/v1/models",
        "All models: URL to info",
        {JSON_TYPE: {"type": "object", "additionalProperties": reference(INFO)}},
        head=True,
    ),
    Operation(
        "POST",
        "/v1/models/copy",
        "Copies a model",
        {JSON_TYPE: reference(INFO)},
        _WRITE,
        _TRANSFER,
        _WRITE_ERRORS,
    ),
    Operation(
        "POST",
        "/v1/models/move",
        "Moves a model, atomically",
        {JSON_TYPE: reference(INFO)},
        _WRITE,
        _TRANSFER,
        _WRITE_ERRORS,
    ),
    *_one_model("/v1/models/{medium}/{path}", "medium", "path"),
    *_one_model("/v1/models/{medium}", "medium", "queryPath"),
    Operation(
        "GET",
        ARTIFACT,
        "model.json, or its weights (Range, If-None-Match)",
        {JSON_TYPE: {"type": "object"}, "application/octet-stream": None},
        _ARTIFACT_PLACE,
        errors=_ARTIFACT_ERRORS,
    ),
    Operation("HEAD", ARTIFACT, "The headers of the same", {}, _ARTIFACT_PLACE, errors=_ARTIFACT_ERRORS),
)
