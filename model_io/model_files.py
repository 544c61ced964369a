"""Reading a model from files: its JSON by a path that the caller names, its weights by names that the JSON gives."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from ..errors import (
    AccessDeniedError,
    InvalidArtifactsError,
    ModelNotFoundError,
    StoreFailedError,
    TfjsdError,
    TooLargeError,
)
from ..storage_backends import durable
from .composite_buffer import CompositeBuffer
from .confined_directory import ConfinedDirectory
from .model_json import WeightsGroup, get_weight_specs
from .weight_specs import MAX_MODEL_BYTES, check_weights, parse_weight_specs

MAX_MANIFEST_PATHS = 100_000

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MAPPED_FROM = 1 << 20  # smaller files are read: a copy costs less than a mapping, and cannot be cut under its reader
_ATTEMPTS = 100
_NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NO_SUCH_PATH = frozenset({errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR})
_LAYOUT = (
    "a model on disk is a model.json, and beside it the weight files that it names; "
    "a stored model is named indexeddb://NAME or localstorage://NAME"
)
_Model = TypeVar("_Model")


def absolute(path: str | os.PathLike[str]) -> str:
    """The path as of the working directory. Raises InvalidArtifactsError where no file can have it (a NUL, a lone
    surrogate that stands for no byte)."""
    resolved = os.path.abspath(path)
    try:
        encoded = os.fsencode(resolved)
    except UnicodeEncodeError as error:
        raise InvalidArtifactsError(f"no file can be named {_shown(resolved)}") from error
    if b"\0" in encoded:
        raise InvalidArtifactsError(f"no file can be named {_shown(resolved)}")
    return resolved


def _shown(path: object) -> str:
    text = ascii(path)
    return text if len(text) <= 200 else f"{text[:200]}…"


def require_file(path: str, *, called: str, not_a_file: str) -> None:
    """Raises ModelNotFoundError where nothing is there, InvalidArtifactsError with ``not_a_file`` for no regular file;
    looks without opening."""
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelNotFoundError(f"{called} {path} does not exist: loading failed", hint=_LAYOUT) from error
    if not stat.S_ISREG(mode):
        raise InvalidArtifactsError(not_a_file)


def read_file(path: str, *, limit: int) -> memoryview:
    """The content of a regular file, mapped where it is large. Raises OSError, and as ``content_of`` does."""
    descriptor = os.open(path, _READ)
    try:
        return content_of(descriptor, path, limit=limit)
    finally:
        os.close(descriptor)


def content_of(descriptor: int, name: str, *, limit: int) -> memoryview:
    """The content of an open regular file, mapped where it is large.

    Raises TooLargeError above ``limit`` bytes, InvalidArtifactsError where it is no regular file or shrinks meanwhile.
    """
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise InvalidArtifactsError(f"{name} is no regular file.")
    if status.st_size > limit:
        raise TooLargeError(f"{name} has {status.st_size} bytes; at most {limit} are taken")
    if status.st_size < _MAPPED_FROM:
        return memoryview(_read(descriptor, name, limit))
    try:
        return memoryview(mmap.mmap(descriptor, status.st_size, access=mmap.ACCESS_READ))
    except ValueError as error:
        raise InvalidArtifactsError(f"{name} became shorter while it was opened.") from error


def _read(descriptor: int, name: str, limit: int) -> bytes:
    """Reads to the end, which for a file of /proc is not where its size says."""
    pieces: list[bytes] = []
    while piece := os.read(descriptor, _MAPPED_FROM):
        pieces.append(piece)
        if sum(map(len, pieces)) > limit:
            raise TooLargeError(f"{name} has more than {limit} bytes")
    return b"".join(pieces)


def read_settled(path: str, read: Callable[[ConfinedDirectory, memoryview], _Model], *, limit: int) -> _Model:
    """``read(directory, content)`` of a JSON file and what it names, while nobody replaced the file.

    A save changes ``model.json`` before it changes a weight file that the old one names, so a reader that finds it
    unchanged after it opened the weights has one model. Raises InvalidArtifactsError where it never settles.
    """
    for _ in range(_ATTEMPTS):
        with _json_and_directory(path) as (descriptor, directory):
            before = _identity(os.fstat(descriptor))
            failure = None
            try:
                model = read(directory, content_of(descriptor, path, limit=limit))
            except TfjsdError as error:
                error.hint = error.hint or f"it was read from {path}"
                failure = error
            if _present_identity(path) == before:
                if failure is not None:
                    raise failure
                return model
    raise InvalidArtifactsError(f"{path} is being replaced all the time.")


@contextlib.contextmanager
def _json_and_directory(path: str) -> Iterator[tuple[int, ConfinedDirectory]]:
    descriptor = os.open(path, _READ)
    try:
        with ConfinedDirectory(os.path.dirname(path)) as directory:
            yield descriptor, directory
    finally:
        os.close(descriptor)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _present_identity(path: str) -> tuple[int, ...] | None:
    try:
        return _identity(os.stat(path))
    except FileNotFoundError:
        return None


def read_weights(directory: ConfinedDirectory, manifest: Sequence[WeightsGroup]) -> list[memoryview]:
    """The weight files of a manifest, in the order of their bytes.

    Raises InvalidArtifactsError for names that lead elsewhere, a missing file, and bytes that the specs contradict;
    TooLargeError for too many files, specs or bytes.
    """
    paths = [path for group in manifest for path in group.paths]
    if len(paths) > MAX_MANIFEST_PATHS:
        raise TooLargeError(f"the weights manifest has {len(paths)} paths; at most {MAX_MANIFEST_PATHS} are taken")
    specs = get_weight_specs(manifest)
    parse_weight_specs(specs)
    files: list[memoryview] = []
    left = MAX_MODEL_BYTES
    for path in paths:
        files.append(_weight_file(directory, path, left))
        left -= len(files[-1])
    check_weights(specs, CompositeBuffer(files))
    return files


def _weight_file(directory: ConfinedDirectory, name: str, limit: int) -> memoryview:
    shown = os.path.normpath(os.path.join(directory.path, name))
    try:
        descriptor = directory.open(name)
    except FileNotFoundError as error:
        raise InvalidArtifactsError(f"Weight file {shown} does not exist: loading failed") from error
    try:
        return content_of(descriptor, f"Weight file {shown}", limit=limit)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Raises an error of the tree in place of OSError: QuotaExceededError (unit ``disk``), AccessDeniedError,
    InvalidArtifactsError for a path that cannot be one, StoreFailedError."""
    try:
        yield
    except TfjsdError:
        raise
    except OSError as error:
        if error.errno in durable.DISK_FULL:
            raise durable.disk_full(error.filename or what) from error
        if error.errno in _NOT_ALLOWED:
            raise AccessDeniedError(f"{what}: {error.strerror}: {error.filename}") from error
        if error.errno in _NO_SUCH_PATH:
            raise InvalidArtifactsError(f"{what}: {error.strerror}: {_shown(error.filename)}") from error
        raise StoreFailedError(f"{what}: {error.strerror or error}") from error
