"""A model as it lies in a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import InvalidArtifactsError
from ..storage_backends.abc import Blob
from .types import ModelArtifacts


@dataclass(frozen=True, slots=True)
class StoredModel:
    """Canonical JSON texts by wire name (``modelTopology``, ``weightSpecs``, ``format``, …) and the raw weight bytes.

    ``weights`` is one buffer, a blob of the origin's store, or None where the artifacts have no weight data. The texts
    are never parsed on the way from one place to another.
    """

    texts: Mapping[str, str]
    weights: memoryview | Blob | None

    @property
    def weight_bytes(self) -> int | None:
        """Bytes of the weights; None where there are none."""
        if self.weights is None:
            return None
        return self.weights.size if isinstance(self.weights, Blob) else self.weights.nbytes

    @classmethod
    def of(cls, artifacts: ModelArtifacts) -> StoredModel:
        """The artifacts' texts and joined weights. Raises InvalidArtifactsError with tfjs's text for a binary topology
        (the same in both media: indexed_db.ts repeats the one of local_storage.ts)."""
        if artifacts.has_binary_topology:
            raise InvalidArtifactsError(
                "BrowserLocalStorage.save() does not support saving model topology in binary formats yet."
            )
        return cls(artifacts.texts(), artifacts.joined_weight_data())
