"""Optimizer state inside a model: the training configuration and the weights of group ``optimizer``."""

from __future__ import annotations

from .absent import ABSENT
from .composite_buffer import CompositeBuffer
from .types import ModelArtifacts
from .weight_specs import byte_ranges, parse_weight_specs


def without_optimizer(artifacts: ModelArtifacts) -> ModelArtifacts:
    """The model as ``includeOptimizer: false`` saves it: neither training configuration nor optimizer weights.

    Artifacts that have none come back as they are; the bytes that stay are not copied. Raises InvalidArtifactsError
    for malformed weight specs.
    """
    entries = artifacts.weight_specs or []
    specs = parse_weight_specs(entries)
    if not any(spec.group == "optimizer" for spec in specs):
        return artifacts.replace(training_config=ABSENT) if artifacts.has("trainingConfig") else artifacts
    kept = [entry for entry, spec in zip(entries, specs, strict=True) if spec.group != "optimizer"]
    weights = artifacts.weight_pieces
    if weights is None:
        return artifacts.replace(training_config=ABSENT, weight_specs=kept)
    ranges = [(start, end) for spec, start, end in byte_ranges(specs, weights) if spec.group != "optimizer"]
    pieces = [piece for start, end in _merged(ranges) for piece in weights.views(start, end)]
    data = CompositeBuffer(pieces or b"")
    return artifacts.replace(training_config=ABSENT, weight_specs=kept, weight_data=data)


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges that adjoin as one: tfjs appends the optimizer's weights, so there is mostly a single one."""
    merged: list[tuple[int, int]] = []
    for start, end in ranges:
        if merged and merged[-1][1] == start:
            start = merged.pop()[0]
        merged.append((start, end))
    return merged
