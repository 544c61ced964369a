"""Which models have a weight file: one that several name is not taken away with one of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from .directory_model import FileStamp, read_model, stamp
from .directory_snapshot import KnownModel
from .discards import Discards


class FileUsers:
    """As a look at the directory has found them. A model is told by its JSON file."""

    def __init__(self, root: Path, known: Iterable[KnownModel]) -> None:
        self._root = root
        self._users = defaultdict[str, set[str]](set)
        for model in known:
            for file in model.files:
                self._users[file.path].add(model.json)

    def is_of_another(self, json: str, path: str) -> bool:
        """Whether another model than that of ``json`` has the file."""
        return bool(self._users.get(path, set()) - {json})

    def own_files(self, files: Sequence[FileStamp]) -> list[str]:
        """The files of a model, its JSON first, without those that another one has."""
        json = files[0].path
        return [json, *(file.path for file in files[1:] if not self.is_of_another(json, file.path))]

    def discard_left_over(self, old: Sequence[FileStamp], discards: Discards) -> None:
        """Gives ``discards`` the weight files that the model (its JSON first) named before it was replaced and does not
        name now, as far as they are still those."""
        json = old[0].path
        kept = {file.path for file in read_model(self._root, json).files}
        for file in old[1:]:
            is_left = file.path not in kept and not self.is_of_another(json, file.path)
            if is_left and stamp(self._root, file.path) == file:
                discards.add(file.path)
