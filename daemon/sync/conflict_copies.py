"""The conflict copies of a pair on one of its sides: there or not, dropped, or given the model's name."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Protocol

from ...model_io.composite_buffer import CompositeBuffer
from ...model_io.model_directory import MODEL_JSON
from ...model_io.model_files import translated
from ...model_io.origin import Origin
from ...wire.sync_pair import SyncPair
from .directory_model import DirectoryModel, layout_of, read_model, remove_files, stamp, write_model
from .discards import Discards
from .file_users import FileUsers
from .memory import Memory
from .reading_time import READER_SECONDS, reading_seconds


class Copies(Protocol):
    """One side's. ``promote``: the copy replaces the model, whole at any crash, and gives its own name up."""

    def holds(self, name: str) -> bool: ...
    def drop(self, name: str) -> None: ...
    def promote(self, name: str, model: str) -> None: ...


class StoredCopies:
    """Those in the store; each method is one atomic commit."""

    def __init__(self, pair: SyncPair, origin: Origin) -> None:
        self._prefix = pair.prefix
        self._models = origin.models
        self._stored = origin.models.list_models_text()

    def holds(self, name: str) -> bool:
        return f"{self._prefix}{name}" in self._stored

    def drop(self, name: str) -> None:
        """Raises ModelNotFoundError, StoreFailedError."""
        self._models.remove(f"{self._prefix}{name}").result()

    def promote(self, name: str, model: str) -> None:
        """Raises ModelNotFoundError, StoreFailedError."""
        self._models.move(f"{self._prefix}{name}", f"{self._prefix}{model}").result()


class FiledCopies:
    """Those in the directory, as the last pass has seen it. Errors are AccessDeniedError, StoreFailedError, and what
    ``read_model`` raises for a model that is no longer whole."""

    def __init__(self, pair: SyncPair, memory: Memory, discards: Discards) -> None:
        self._root = pair.directory
        self._known = memory.directory
        self._discards = discards

    def holds(self, name: str) -> bool:
        return self._json(name) is not None

    def drop(self, name: str) -> None:
        with translated(f"Cannot write below {self._root}"):
            self._remove(self._read(name))

    def promote(self, name: str, model: str) -> None:
        """The model keeps its file layout."""
        with translated(f"Cannot write below {self._root}"):
            copy = self._read(name)
            old = self._read(model) if self.holds(model) else None
            json = f"{model}/{MODEL_JSON}" if old is None else old.json
            layout = layout_of(copy).renamed(MODEL_JSON) if old is None else layout_of(old)
            write_model(
                self._root,
                json,
                copy.texts,
                CompositeBuffer(copy.pieces).join(),
                layout,
                taken=partial(self._users.is_of_another, json),
                grace=reading_seconds(old.files, READER_SECONDS) if old is not None else 0.0,
                discard=lambda path: self._discards.add(path.relative_to(self._root).as_posix()),
            )
            if old is not None:
                self._users.discard_left_over(old.files, self._discards)
            self._remove(copy)

    def _json(self, name: str) -> str | None:
        """The JSON file; a copy that was made just now is not known yet."""
        known = self._known.get(name)
        forms = (f"{name}/{MODEL_JSON}", f"{name}.json") if known is None else (known.json,)
        return next((form for form in forms if stamp(self._root, form) is not None), None)

    def _read(self, name: str) -> DirectoryModel:
        return read_model(self._root, self._json(name) or name)

    def _remove(self, model: DirectoryModel) -> None:
        remove_files(self._root, self._users.own_files(model.files))

    @cached_property
    def _users(self) -> FileUsers:
        return FileUsers(self._root, self._known.values())
