"""Leaving out what only training needs (``SaveConfig.includeOptimizer`` of tfjs-core/src/io/types.ts)."""

from __future__ import annotations

from .absent import ABSENT
from .composite_buffer import CompositeBuffer
from .types import ModelArtifacts
from .weight_specs import byte_ranges, parse_weight_specs

OPTIMIZER_GROUP = "optimizer"


def without_optimizer(artifacts: ModelArtifacts) -> ModelArtifacts:
    """The artifacts without training configuration and without the weights of the optimizer's group.

    Remaining weights are not copied: they become a list of views. Raises InvalidArtifactsError where the specs
    contradict the bytes.
    """
    kept = artifacts.replace(training_config=ABSENT)
    specs = parse_weight_specs(artifacts.weight_specs)
    if artifacts.weight_data is None or all(spec.group != OPTIMIZER_GROUP for spec in specs):
        return kept
    weights = CompositeBuffer(artifacts.weight_data)
    ranges = list(byte_ranges(specs, weights))
    entries = [
        entry for entry, spec in zip(artifacts.weight_specs or [], specs, strict=True) if spec.group != OPTIMIZER_GROUP
    ]
    views = [view for spec, start, end in ranges if spec.group != OPTIMIZER_GROUP for view in weights.views(start, end)]
    return kept.replace(weight_specs=entries, weight_data=views)
