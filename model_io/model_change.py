"""What a medium writes through, and what it has prepared before the locks were taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..storage_backends.buckets import Mutation
from ..storage_backends.indexed_db.direct_transaction import BackingTransaction
from .types import ModelArtifactsInfo


@dataclass(frozen=True, slots=True)
class ModelChange:
    """One mutation of a bucket; ``transaction`` is there where IndexedDB takes part, and writes into that mutation."""

    mutation: Mutation
    transaction: BackingTransaction | None


class Prepared:
    """A model encoded for one medium, and what holds its blobs until the change that refers to them has ended."""

    def __init__(self, path: str, info: ModelArtifactsInfo, content: Any, discard: Callable[[], None]) -> None:
        self.path = path
        self.info = info
        self.content = content
        self._discard: Callable[[], None] | None = discard

    def discard(self) -> None:
        """Lets go of the blobs; a commit keeps those that it refers to. Idempotent."""
        discard, self._discard = self._discard, None
        if discard is not None:
            discard()
