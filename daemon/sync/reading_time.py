"""How long a reader of a model in the directory takes from ``model.json`` to the last weight file."""

from __future__ import annotations

from collections.abc import Sequence

from .directory_model import FileStamp

READER_SECONDS = 0.25
"""How long a reader may take at least, where other files are to get the names of those that it has read of."""
LINGER_SECONDS = 2.0
"""How long it may take where they are only to go."""

_BYTES = 25 << 20
_FILES = 10
_MOST = 8


def reading_seconds(files: Sequence[FileStamp], least: float) -> float:
    """Seconds for a model of these ``files``, its JSON first: ``least`` for a small one, as much again for each 10
    weight files and for each 25 MiB, at most eight times as much. ``least`` is 0 where readers need no time."""
    size = sum(file.size for file in files)
    return least * min(1 + len(files[2:]) / _FILES + size / _BYTES, _MOST)
