"""Buffers that tell how much of them was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..storage_backends.abc import Buffer

OnWritten = Callable[[int, int | None], None]
"""Called with the bytes done and their total."""

_SLICE = 8 << 20


class ReportedPieces:
    """Iterates over buffers in slices (no copies); ``written(count)`` is called when the next slice is asked for, so
    when whoever writes them is done with the one before."""

    def __init__(self, pieces: Iterable[Buffer], written: Callable[[int], None]) -> None:
        self._pieces = pieces
        self._written = written

    def __iter__(self) -> Iterator[memoryview]:
        for piece in self._pieces:
            view = memoryview(piece).cast("B")
            for start in range(0, len(view), _SLICE):
                part = view[start : start + _SLICE]
                yield part
                self._written(len(part))
