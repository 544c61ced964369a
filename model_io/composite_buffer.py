"""One logical buffer over several (``CompositeArrayBuffer``), without copying any of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from ..errors import InvalidArtifactsError
from ..storage_backends.abc import Buffer


def flat_view(data: object) -> memoryview:
    """The bytes of anything that has the buffer protocol (bytes, mmap, a numpy array), read-only and not copied.

    Raises InvalidArtifactsError for what is no buffer or not contiguous.
    """
    try:
        view = memoryview(data)  # type: ignore[arg-type]
        flat = view.cast("B") if view.nbytes else memoryview(b"")
    except (TypeError, ValueError) as error:
        raise InvalidArtifactsError(f"binary data must be a contiguous buffer: {error}") from None
    return flat.toreadonly()


class CompositeBuffer:
    """Bytes of the given buffers in their order.

    Unlike TensorFlow.js, which takes the whole ArrayBuffer behind a typed array, a view counts as what it shows.
    """

    __slots__ = ("_ends", "parts")

    def __init__(self, data: Buffer | Sequence[Buffer] | CompositeBuffer | None = None) -> None:
        if isinstance(data, CompositeBuffer):
            data = data.parts
        several = isinstance(data, Iterable) and not _is_buffer(data)
        self.parts: tuple[memoryview, ...] = ()
        if data is not None:
            self.parts = tuple(map(flat_view, data)) if several else (flat_view(data),)
        self._ends = list(accumulate(len(part) for part in self.parts))

    @property
    def byte_length(self) -> int | None:
        """Total bytes; None (JavaScript: undefined) where no buffer was given at all."""
        return self._ends[-1] if self._ends else None

    def slice(self, start: float = 0, end: float | None = None) -> bytes:
        """A copy of the bytes from ``start`` to ``end``.

        As in TensorFlow.js: NaN and negative starts are 0, ends are clamped, an end before the start gives nothing.
        """
        return b"".join(self.views(start, end))

    def views(self, start: float = 0, end: float | None = None) -> list[memoryview]:
        """The same range as read-only views, one per buffer that it touches."""
        total = self.byte_length or 0
        first = 0 if start != start else int(min(max(start, 0), total))
        last = total if end is None or end > total else 0 if end != end else int(end)
        found = []
        index = bisect_right(self._ends, first)
        while first < last:
            part, stop = self.parts[index], self._ends[index]
            begin = stop - len(part)
            if piece := part[first - begin : last - begin]:
                found.append(piece)
            first, index = max(first, stop), index + 1
        return found

    def join(self) -> memoryview:
        """All bytes as one read-only buffer; copies only where there are several to join."""
        if len(self.parts) == 1:
            return self.parts[0]
        return memoryview(b"".join(self.parts))


def _is_buffer(data: object) -> bool:
    try:
        memoryview(data).release()  # type: ignore[arg-type]
    except TypeError:
        return False
    return True
