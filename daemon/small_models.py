"""Models whose records are known to be small: reading one takes less time than a change of threads."""

from __future__ import annotations

from ..model_io.indexed_db import IndexedDBModels
from ..model_io.model_url import scheme_of
from ..model_io.origin import Origin
from .stored_weights import OpenModel

_SHORT_TEXTS = 16 * 1024
_MOST = 1024


class SmallModels:
    """Belongs to the event loop. An info does not say how long the metadata are: only who has read a model knows.

    Those of localStorage are never among them, whose weights are read whole.
    """

    def __init__(self) -> None:
        self._infos: dict[tuple[str, str], str] = {}

    def has(self, origin: Origin, url: str) -> bool:
        """Whether the present model is one that was noted. Raises ModelNotFoundError."""
        noted = self._infos.get((origin.name, url))
        return noted is not None and noted == origin.models.info_text(url)

    def note(self, origin: Origin, url: str, opened: OpenModel) -> None:
        """What was just read is the model at ``url``."""
        size = sum(len(text) for text in opened.header.texts.values())
        if scheme_of(url) != IndexedDBModels.scheme or size > _SHORT_TEXTS or opened.header.info is None:
            return
        if len(self._infos) >= _MOST:
            self._infos.clear()
        self._infos[origin.name, url] = opened.header.info
