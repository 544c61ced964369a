"""The weights that a model.json has named: whoever loads a model in two requests gets both of one moment."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import NamedTuple

from .stored_weights import OpenModel

_SECONDS = 60.0
_MOST = 64
_MOST_BYTES = 16 << 20


class Generation(NamedTuple):
    """Which weights of which model: a digest stands for nothing outside it."""

    origin: str
    url: str
    etag: str


@dataclass(slots=True)
class HeldWeights:
    """Weights as a buffer, or as a descriptor of their own, which outlives the model's removal."""

    content: memoryview | int | None
    size: int

    @classmethod
    def of(cls, opened: OpenModel) -> HeldWeights:
        return cls(opened.weights, opened.size).again()

    @property
    def bytes_in_memory(self) -> int:
        return 0 if isinstance(self.content, int) else self.size

    def again(self) -> HeldWeights:
        """The same, to be closed apart."""
        return HeldWeights(os.dup(self.content) if isinstance(self.content, int) else self.content, self.size)

    def digest(self) -> str:
        """BLAKE3 of all bytes."""
        from blake3 import blake3

        if not isinstance(self.content, int):
            return blake3(self.content or b"").hexdigest()
        hashing, offset = blake3(), 0
        while piece := os.pread(self.content, 1 << 20, offset):
            hashing.update(piece)
            offset += len(piece)
        return hashing.hexdigest()

    def close(self) -> None:
        if isinstance(self.content, int):
            os.close(self.content)


class ServedWeights:
    """What was named within the last minute, the newest of it. For the event loop's thread alone."""

    def __init__(self) -> None:
        self._held: dict[Generation, tuple[HeldWeights, asyncio.TimerHandle]] = {}

    def keep(self, generation: Generation, weights: HeldWeights) -> None:
        """Closes the weights later."""
        self._drop(generation)
        timer = asyncio.get_running_loop().call_later(_SECONDS, self._drop, generation)
        self._held[generation] = weights, timer
        while len(self._held) > _MOST or sum(held.bytes_in_memory for held, _ in self._held.values()) > _MOST_BYTES:
            self._drop(next(iter(self._held)))

    def has(self, generation: Generation) -> bool:
        return generation in self._held

    def find(self, generation: Generation) -> HeldWeights | None:
        """To be closed by the caller."""
        found = self._held.get(generation)
        return None if found is None else found[0].again()

    def close(self) -> None:
        for generation in list(self._held):
            self._drop(generation)

    def _drop(self, generation: Generation) -> None:
        if generation in self._held:
            weights, timer = self._held.pop(generation)
            timer.cancel()
            weights.close()
