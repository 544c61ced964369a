"""The models that the suites save, and what they ask about a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ...errors import TfjsdError
from ...model_io.types import ModelArtifacts, SaveResult

MEDIA = ("localstorage", "indexeddb")
PATHS = (
    "a",
    "my/model",
    "/",
    "a/",
    "a b",
    "a?b#c%20d",
    "Wörter/模型/🎈",
    "a://b",
    ".",
    "..",
    "__proto__",
    "7",
    "info",
    "\ud800",
)
TOPOLOGY = {"class_name": "Sequential", "config": {"layers": [], "name": "sé"}, "keras_version": "tfjs-layers 4.22.0"}
BLOB = 300 << 10
"""Weights of this size lie outside the records."""
INGEST = 3 << 19
"""Weights of this size may be handed over as a file."""


def example(size: int = 8, **fields: Any) -> ModelArtifacts:
    """A small model with ``size`` bytes of weights."""
    specs = [{"name": "dense/kernel", "shape": [size], "dtype": "bool"}]
    pattern = bytes(range(251)) * (size // 251 + 1)
    options = {"format": "layers-model", "generated_by": "test", "converted_by": None} | fields
    return ModelArtifacts(TOPOLOGY, specs, pattern[:size], **options)


def other(size: int = 8) -> ModelArtifacts:
    """Another model."""
    return example(size, user_defined_metadata={"other": True})


class Handler:
    """A custom IOHandler."""

    def __init__(self, artifacts: ModelArtifacts | None = None) -> None:
        self.artifacts = artifacts

    def save(self, artifacts: ModelArtifacts) -> SaveResult:
        self.artifacts = artifacts
        return SaveResult(artifacts.info())

    def load(self) -> ModelArtifacts:
        assert self.artifacts is not None
        return self.artifacts


def refusal(attempt: Callable[[], object]) -> str:
    """The text of the error that the attempt raises."""
    with pytest.raises(TfjsdError) as caught:
        attempt()
    return caught.value.message
