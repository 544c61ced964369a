"""What callers and their handlers hand over, checked once for every kind of store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import ecma_json
from .artifacts_info import ModelArtifactsInfo
from .types import ModelArtifacts, SaveResult

if TYPE_CHECKING:
    from .router_registry import SaveHandler


def checked_artifacts(artifacts: object) -> ModelArtifacts:
    """The artifacts. Raises TypeError for anything else."""
    if isinstance(artifacts, ModelArtifacts):
        return artifacts
    raise TypeError(
        f"a model to save must be tfjsd.ModelArtifacts, not {type(artifacts).__name__}; "
        "ModelArtifacts.from_model_json and ModelArtifacts.from_weights make them"
    )


def save_result(handler: SaveHandler, artifacts: ModelArtifacts, returned: object) -> SaveResult:
    """What a handler's ``save`` returned, as a SaveResult. Handlers of one's own may also return None, or a mapping as
    in TensorFlow.js: ``modelArtifactsInfo`` and perhaps ``responses``.

    Raises TypeError for anything else.
    """
    if isinstance(returned, SaveResult):
        return returned
    if returned is None:
        return SaveResult(artifacts.info())
    info = returned.get("modelArtifactsInfo") if isinstance(returned, Mapping) else None
    if isinstance(info, Mapping):
        info = ModelArtifactsInfo.from_json(ecma_json.stringify(info))
    if not isinstance(info, ModelArtifactsInfo):
        raise TypeError(
            f"{type(handler).__name__}.save must return a SaveResult, None, or a mapping with modelArtifactsInfo, "
            f"not {type(returned).__name__}"
        )
    assert isinstance(returned, Mapping)
    return SaveResult(info, tuple(returned.get("responses") or ()))
