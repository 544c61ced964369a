"""What mapped loads were answered with, for as long as nothing has changed since."""

from __future__ import annotations

from typing import NamedTuple

from ..model_io.origin import Origin
from ..wire.model_body import MappedBlob
from .stored_weights import is_in_place

_MOST_BYTES = 4 << 20
_LONGEST = 256 * 1024
"""What a socket takes at once, more or less."""


class _Answer(NamedTuple):
    origin: Origin
    generation: int
    blob: MappedBlob
    text: bytes


class MappedAnswers:
    """Belongs to the event loop. Looking one up reads nothing from the store."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], _Answer] = {}
        self._bytes = 0

    def get(self, origin: Origin, url: str) -> bytes | None:
        """The answer to a mapped load of now, if it is known: the bucket is what it was, and the file is there."""
        answer = self._answers.get((origin.name, url))
        if answer is None or answer.origin is not origin or answer.generation != origin.bucket.generation:
            return None
        return answer.text if is_in_place(answer.blob) else None

    def keep(self, origin: Origin, url: str, generation: int, blob: MappedBlob, text: bytes) -> None:
        """``generation``: the bucket's, read before the model was."""
        if len(text) > _LONGEST:
            return
        before = self._answers.pop((origin.name, url), None)
        self._bytes += len(text) - (0 if before is None else len(before.text))
        if self._bytes > _MOST_BYTES:
            self._answers.clear()
            self._bytes = len(text)
        self._answers[origin.name, url] = _Answer(origin, generation, blob, text)
