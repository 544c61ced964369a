"""One step of a plan, done: conditional on both sides being as the plan saw them.

What changed meanwhile raises ModelChangedError and is left for the next pass. A write into a store is one atomic
commit; a write into the directory is ``replace_model``'s, so that no reader sees half a model.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

from ...errors import InvalidArtifactsError, ModelChangedError
from ...model_io.model_directory import MODEL_JSON
from ...model_io.model_files import translated
from ...model_io.origin import Origin
from ...model_io.stored_model import StoredModel
from ...storage_backends.abc import Blob
from ...wire.sync_pair import SyncPair
from .content_digest import stored_digest
from .directory_model import (
    DirectoryModel,
    layout_of,
    own_directory,
    read_model,
    remove_files,
    stamp,
    write_model,
)
from .directory_snapshot import DirectorySnapshot, is_unchanged
from .discards import Discards
from .file_layout import FileLayout
from .file_users import FileUsers
from .planning import Step, Version
from .reading_time import reading_seconds
from .store_snapshot import StoreSnapshot

_COPIED_BELOW = 1 << 20
"""Bytes up to which a file's content is a copy in memory already (``model_files.content_of``)."""


class Applier:
    """Applies steps to one pair's sides, as two snapshots saw them."""

    def __init__(
        self,
        pair: SyncPair,
        origin: Origin,
        directory: DirectorySnapshot,
        store: StoreSnapshot,
        discards: Discards,
        *,
        grace: float,
    ) -> None:
        """``grace``: seconds that readers of a replaced model get at least (``reading_seconds``), besides what
        ``discards`` gives them."""
        self._pair = pair
        self._root: Path = pair.directory
        self._origin = origin
        self._directory = directory
        self._store = store
        self._discards = discards
        self._grace = grace

    def apply(self, step: Step) -> None:
        """Done and durable on return. Raises ModelChangedError, QuotaExceededError, and any other of the tree."""
        if step.to == "store":
            self._store_steps()[step.kind](step)
        elif step.to == "directory":
            with translated(f"Cannot write below {self._root}"):
                self._directory_steps()[step.kind](step)

    def waits(self, step: Step) -> bool:
        """Whether the step gives readers of the directory time."""
        return step.to == "directory" and step.kind == "copy" and step.model in self._directory.known

    def _store_steps(self) -> dict[str, Callable[[Step], None]]:
        return {
            "copy": self._save,
            "delete": self._remove,
            "move": self._rename,
            "keep_copy": self._copy_stored,
        }

    def _directory_steps(self) -> dict[str, Callable[[Step], None]]:
        return {
            "copy": self._write,
            "delete": self._delete,
            "move": self._move_files,
            "keep_copy": self._copy_files,
        }

    # -- Into the store ------------------------------------------------------------------------------------------------

    def _save(self, step: Step) -> None:
        read = self._read(step.model, step.digest)
        weights = self._staged(read)
        try:
            model = StoredModel(read.texts, weights)
            if stored_digest(model) != step.digest:
                raise _changed(step.model)
            self._origin.models.save(
                self._url(step.model),
                model,
                overwrite=step.model in self._store.infos,
                expected=self._store.info(step.model),
            ).result()
        finally:
            if isinstance(weights, Blob):
                self._origin.bucket.blobs.redeem(weights)

    def _staged(self, read: DirectoryModel) -> memoryview | Blob | None:
        """Bytes that nobody changes any more: mapped files are copied into a blob first."""
        if not read.has_weights:
            return None
        if all(len(piece) < _COPIED_BELOW for piece in read.pieces) and sum(map(len, read.pieces)) < _COPIED_BELOW:
            return memoryview(b"".join(read.pieces))
        return self._origin.bucket.blobs.stage(read.pieces)

    def _remove(self, step: Step) -> None:
        self._origin.models.remove(self._url(step.model), expected=self._store.info(step.model)).result()

    def _rename(self, step: Step) -> None:
        self._require_stored(step)
        self._origin.models.move(self._url(step.model), self._url(step.name), overwrite=False).result()

    def _copy_stored(self, step: Step) -> None:
        self._require_stored(step)
        if step.name in self._store.infos:  # a killed pass has got this far
            return
        self._origin.models.copy(self._url(step.model), self._url(step.name), overwrite=False).result()

    def _require_stored(self, step: Step) -> None:
        if stored_digest(self._origin.models.open(self._url(step.model))) != step.digest:
            raise _changed(step.model)

    # -- Into the directory --------------------------------------------------------------------------------------------

    def _write(self, step: Step) -> None:
        model = self._origin.models.open(self._url(step.model))
        if stored_digest(model) != step.digest:
            raise _changed(step.model)
        weights = memoryview(b"") if model.weights is None else model.weights
        if isinstance(weights, Blob):
            self._origin.bucket.blobs.verify(weights)
            weights = self._origin.bucket.blobs.map(weights)
        known = self._directory.known.get(step.model)
        json = f"{step.model}/{MODEL_JSON}" if known is None else known.json
        self._require_files(step.model, json)
        layout = FileLayout.new(MODEL_JSON) if known is None else layout_of(self._read(step.model, known.digest))
        taken = partial(self._users.is_of_another, json)
        grace = 0.0 if known is None else reading_seconds(known.files, self._grace)
        write_model(self._root, json, model.texts, weights, layout, taken=taken, grace=grace, discard=self._discard)
        if known is not None:
            self._users.discard_left_over(known.files, self._discards)

    def _delete(self, step: Step) -> None:
        known = self._directory.known[step.model]
        self._require_files(step.model, known.json)
        remove_files(self._root, self._users.own_files(known.files))

    def _move_files(self, step: Step) -> None:
        self._copy_files(step)
        self._delete(step)

    def _copy_files(self, step: Step) -> None:
        if step.name in self._directory.known:  # a killed pass has got this far
            return
        read = self._read(step.model, step.digest)
        weights = memoryview(read.pieces[0]) if len(read.pieces) == 1 else memoryview(b"".join(read.pieces))
        json, layout = self._form_of_copy(read, step.name)
        if stamp(self._root, json) is not None:
            raise _changed(step.name)
        write_model(self._root, json, read.texts, weights, layout, taken=partial(self._users.is_of_another, json))

    def _form_of_copy(self, read: DirectoryModel, name: str) -> tuple[str, FileLayout]:
        """The JSON file and the layout of a copy: of a directory a directory, of a download two files where it will be
        known as one by them, and no file of another kind has their names."""
        layout = layout_of(read)
        if layout.json_name == MODEL_JSON:
            return f"{name}/{MODEL_JSON}", layout
        files = (f"{name}.json", f"{name}.weights.bin")
        if (
            posixpath.basename(files[0]) == MODEL_JSON
            or not any(map(len, read.pieces))
            or any(os.path.lexists(self._root / file) for file in files)
        ):
            return f"{name}/{MODEL_JSON}", layout.renamed(MODEL_JSON)
        return files[0], layout.renamed(posixpath.basename(files[0])).with_own_files()

    def _read(self, model: str, digest: str) -> DirectoryModel:
        """The files as the snapshot saw them, checked against the digest unless they are mapped and change yet."""
        known = self._directory.known.get(model)
        if known is None or known.digest != digest:
            raise _changed(model)
        try:
            read = read_model(self._root, known.json)
        except (FileNotFoundError, BlockingIOError, InvalidArtifactsError) as error:
            raise _changed(model) from error
        if read.files != known.files or not is_unchanged(self._root, known):
            raise _changed(model)
        return read

    def _require_files(self, model: str, json: str) -> None:
        """The directory holds what the snapshot saw."""
        own_directory(self._root, posixpath.dirname(json))
        state, known = self._directory.states.get(model), self._directory.known.get(model)
        there = isinstance(state, Version) and known is not None and is_unchanged(self._root, known)
        absent = state is None and stamp(self._root, json) is None
        if not there and not absent:
            raise _changed(model)

    def _discard(self, path: Path) -> None:
        self._discards.add(path.relative_to(self._root).as_posix())

    @cached_property
    def _users(self) -> FileUsers:
        return FileUsers(self._root, self._directory.known.values())

    def _url(self, model: str) -> str:
        return f"{self._pair.prefix}{model}"


def _changed(model: str) -> ModelChangedError:
    return ModelChangedError(f"'{model}' changed meanwhile")
