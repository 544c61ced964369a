"""Handlers without a medium: a model from memory, a save into a function (tfjs-core/src/io/passthrough.ts)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from .types import ABSENT, WIRE_NAMES, ModelArtifacts, SaveResult


class PassthroughLoader:
    """``load`` returns the artifacts that it was made with, the very same object each time."""

    def __init__(self, artifacts: ModelArtifacts) -> None:
        self._artifacts = artifacts

    def load(self) -> ModelArtifacts:
        return self._artifacts


class PassthroughSaver:
    """``save`` hands the artifacts to a function and returns what that returns."""

    def __init__(self, function: Callable[[ModelArtifacts], SaveResult]) -> None:
        self._function = function

    def save(self, artifacts: ModelArtifacts) -> SaveResult:
        return self._function(artifacts)


def from_memory(
    artifacts: ModelArtifacts | Mapping[str, Any],
    weight_specs: object = ABSENT,
    weight_data: Any = ABSENT,
    training_config: object = ABSENT,
) -> PassthroughLoader:
    """A handler that loads artifacts held in memory.

    ``artifacts`` is a ModelArtifacts, or a mapping with tfjs's names (``modelTopology``, ``weightSpecs``,
    ``weightData``, …). As in TensorFlow.js a mapping with neither topology nor specs is taken for a bare topology, with
    a DeprecationWarning; so is the first of several arguments (topology, specs, data, training config).
    """
    if (weight_specs, weight_data, training_config) != (ABSENT, ABSENT, ABSENT):
        _warn_of_legacy_form()
        return PassthroughLoader(ModelArtifacts(artifacts, weight_specs, weight_data, training_config=training_config))
    if isinstance(artifacts, ModelArtifacts):
        return PassthroughLoader(artifacts)
    if artifacts.get("modelTopology") is None and artifacts.get("weightSpecs") is None:
        _warn_of_legacy_form()
        return PassthroughLoader(ModelArtifacts(artifacts))
    fields = {attribute: artifacts[wire] for attribute, wire in WIRE_NAMES.items() if wire in artifacts}
    return PassthroughLoader(ModelArtifacts(weight_data=artifacts.get("weightData", ABSENT), **fields))


def with_save_handler(function: Callable[[ModelArtifacts], SaveResult]) -> PassthroughSaver:
    """A handler that saves by calling ``function(artifacts)``, for a medium of one's own: a database, an archive."""
    return PassthroughSaver(function)


def _warn_of_legacy_form() -> None:
    warnings.warn(
        "Please call tf.io.fromMemory() with only one argument. "
        "The argument should be of type ModelArtifacts. "
        "The multi-argument signature of tf.io.fromMemory() has been "
        "deprecated and will be removed in a future release.",
        DeprecationWarning,
        stacklevel=3,
    )
