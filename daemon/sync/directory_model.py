"""One model as files below a directory: found by its JSON file, read without following a symbolic link, written in the
layout that it has."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import posixpath
import signal
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ...errors import InvalidArtifactsError
from ...model_io import ecma_json
from ...model_io.composite_buffer import CompositeBuffer
from ...model_io.confined_directory import ConfinedDirectory
from ...model_io.model_directory import MAX_MODEL_JSON, replace_model
from ...model_io.model_files import content_of
from ...model_io.model_json import ModelJSON, parse_model_json
from ...model_io.weight_specs import MAX_MODEL_BYTES, check_weights
from ...storage_backends import durable
from .content_digest import content_digest, weights_digest
from .file_layout import FileLayout

_F_SETLEASE: int | None = getattr(fcntl, "F_SETLEASE", None)
_F_SETSIG: int = getattr(fcntl, "F_SETSIG", 0)


class FileStamp(NamedTuple):
    """A file as it was when it was read; unchanged while all of it is the same."""

    path: str
    size: int
    modified_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class DirectoryModel:
    """``json`` and the paths of ``files`` are relative to the pair's directory; the JSON file, whose content is
    ``document``, comes first. ``changes`` are when each file last changed in any way (its ctime), ``modified`` when the
    content of the youngest did."""

    json: str
    document: bytes
    files: tuple[FileStamp, ...]
    texts: Mapping[str, str]
    pieces: tuple[memoryview, ...]
    has_weights: bool
    changes: tuple[float, ...]
    modified: float

    @property
    def changed(self) -> float:
        """When the youngest file last changed in any way."""
        return max(self.changes)

    def digest(self) -> str:
        """Reads all of it."""
        return content_digest(self.texts, weights_digest(self.pieces))


def stamp(root: Path, path: str) -> FileStamp | None:
    """The file's stamp now; None where no regular file is there."""
    try:
        status = os.stat(f"{root}/{path}", follow_symlinks=False)
    except OSError:
        return None
    return _stamp(path, status) if stat.S_ISREG(status.st_mode) else None


def _stamp(path: str, status: os.stat_result) -> FileStamp:
    return FileStamp(path, status.st_size, status.st_mtime_ns, status.st_ino)


def read_model(root: Path, json: str) -> DirectoryModel:
    """Opens the files and checks that they are one whole model; large weights are mapped, not read.

    Raises FileNotFoundError where a file is missing, BlockingIOError where one is open for writing,
    InvalidArtifactsError, TooLargeError, OSError.
    """
    with ConfinedDirectory(root) as directory:
        statuses: dict[str, os.stat_result] = {}
        document = bytes(_content(directory, json, MAX_MODEL_JSON, statuses))
        parsed = parse_model_json(document)
        pieces, left = list[memoryview](), MAX_MODEL_BYTES
        for name in parsed.paths:
            pieces.append(_content(directory, posixpath.join(posixpath.dirname(json), name), left, statuses))
            left -= len(pieces[-1])
        _check(parsed, pieces)
    return DirectoryModel(
        json,
        document,
        tuple(_stamp(path, status) for path, status in statuses.items()),
        parsed.artifact_texts(),
        tuple(pieces),
        parsed.manifest is not None,
        tuple(status.st_ctime for status in statuses.values()),
        max(status.st_mtime for status in statuses.values()),
    )


def _content(directory: ConfinedDirectory, path: str, limit: int, statuses: dict[str, os.stat_result]) -> memoryview:
    descriptor = directory.open(path)
    try:
        if is_being_written(descriptor):
            raise BlockingIOError(errno.EAGAIN, "it is open for writing", path)
        statuses[posixpath.normpath(path)] = os.fstat(descriptor)
        return content_of(descriptor, path, limit=limit)
    finally:
        os.close(descriptor)


def _check(parsed: ModelJSON, pieces: Sequence[memoryview]) -> None:
    if parsed.manifest is None and "modelTopology" not in parsed.texts:
        raise InvalidArtifactsError("it has neither modelTopology nor weightsManifest")
    check_weights(parsed.weight_specs if parsed.manifest is not None else None, CompositeBuffer(pieces))


def is_being_written(descriptor: int) -> bool | None:
    """Whether a writer has the file open, as far as a read lease tells (Linux, own files): the kernel grants none then.
    It is given back at once. None where it does not tell."""
    if _F_SETLEASE is None:
        return None
    try:
        # A lease that is broken raises a signal; the default one would end the process.
        fcntl.fcntl(descriptor, _F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, _F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, _F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:  # another user's file, or a file system without leases
        return None
    return False


def layout_of(model: DirectoryModel) -> FileLayout:
    """How the files of a model that was read are laid out."""
    return FileLayout.of(posixpath.basename(model.json), model.document, [len(piece) for piece in model.pieces])


def write_model(
    root: Path,
    json: str,
    texts: Mapping[str, str],
    weights: memoryview,
    layout: FileLayout,
    *,
    taken: Callable[[str], bool] = lambda path: False,
    grace: float = 0.0,
    discard: Callable[[Path], None] | None = None,
) -> None:
    """Makes ``json`` name this model; durable on return, the old model or the new one at any crash. ``taken``: whether
    a file is another model's, so that this one gets no share of it. ``grace``, ``discard``: see ``replace_model``.

    Raises InvalidArtifactsError for weights that the specs contradict, and for a place that a symbolic link, a file or
    another model has taken; OSError.
    """
    specs = texts.get("weightSpecs", "null")
    if weights and specs == "null":
        raise InvalidArtifactsError("weights without weightSpecs could not be loaded again")
    check_weights(ecma_json.parse(specs), CompositeBuffer(weights))
    place = posixpath.dirname(json)
    arrangement = layout.arrange(texts, weights)
    if any(taken(posixpath.join(place, file.name)) for file in arrangement.files):
        arrangement = layout.with_own_files().arrange(texts, weights)
    for path in (posixpath.join(place, file.name) for file in arrangement.files):
        if taken(path):
            raise InvalidArtifactsError(f"{path} belongs to another model, too")
    for name in (posixpath.basename(json), *(file.name for file in arrangement.files)):
        directory = own_directory(root, posixpath.dirname(posixpath.join(place, name)))
        durable.make_directory(directory, mode=0o777)
    replace_model(
        own_directory(root, place),
        arrangement.files,
        arrangement.model_json,
        json_name=layout.json_name,
        grace=grace,
        discard=discard,
    )


def own_directory(root: Path, place: str) -> Path:
    """The path of a directory below ``root``, there or not. Raises InvalidArtifactsError where a symbolic link or a
    file stands in the way."""
    directory = root
    for part in place.split("/") if place else ():
        directory /= part
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISDIR(os.stat(directory, follow_symlinks=False).st_mode):
                raise InvalidArtifactsError(f"{directory} is no directory of its own")
    return directory


def remove_files(root: Path, paths: Sequence[str]) -> None:
    """Removes a model's files, its JSON first, and the directories that are empty then; durable on return."""
    for path in paths:
        durable.unlink(root / path)
        if path == paths[0]:
            durable.fsync_path((root / path).parent)
    for place in {posixpath.dirname(path) for path in paths}:
        _remove_empty(root, place)


def _remove_empty(root: Path, place: str) -> None:
    while place and durable.remove_empty_directory(root / place):
        place = posixpath.dirname(place)
    if (root / place).is_dir():
        durable.fsync_path(root / place)
