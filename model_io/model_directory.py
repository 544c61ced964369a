"""A model's files in a directory, replaced as one.

tfjs-node writes ``model.json`` and then ``weights.bin`` in place (tfjs-node/src/io/file_system.ts): a crash leaves new
JSON over old weights. Here, at every moment and after any crash, the ``model.json`` of the directory names weight files
that are whole and its own; these steps see to it:

1. Everything is written under temporary names and synced.
2. Where a weight file of the new model would replace one that is there, the new weights first get a second, passing
   name (``weights.<16 hex digits>.bin``), and ``model.json`` is replaced by one that names the passing files.
3. The weights take their final names, then ``model.json`` is replaced by one that names these.
4. The passing names and the replaced model's own weight files are removed.

Each step is durable before the next one begins. A reader that looks at ``model.json`` again after it opened the weights
(``model_files.py`` does) never mixes two models. Other files of the directory are not touched, and the directory stays
the same one, for mounts and for whoever watches it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..storage_backends import durable
from ..storage_backends.abc import Buffer

MODEL_JSON = "model.json"
MAX_MODEL_JSON = 64 << 20
"""Bytes of a ``model.json`` that is read."""

_TEMPORARY = re.compile(re.escape(durable.TEMPORARY_PREFIX) + "[0-9a-f]{16}")
_OWN_STEM = r"weights|group1-shard\d+of\d+"
_MODE = 0o666  # less the umask, as any program's new file
_NO_LOCKS = frozenset({errno.ENOLCK, errno.EBADF, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
_NO_LINKS = frozenset({errno.EPERM, errno.EMLINK, errno.EXDEV, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})

ModelJSON = Callable[[Sequence[str]], Buffer]
"""The bytes of a ``model.json`` whose manifest names the given files."""


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A weight file to be: its path below the model's directory, by directories that exist, and the buffers that it
    consists of."""

    name: str
    pieces: Iterable[Buffer]


def replace_model(
    directory: Path,
    weights: Sequence[WeightFile],
    model_json: ModelJSON,
    *,
    json_name: str = MODEL_JSON,
    grace: float = 0.0,
    discard: Callable[[Path], None] | None = None,
) -> None:
    """Makes the existing ``directory`` hold this model; durable on return, the old model or the new one at any crash.

    A reader that does not look at ``model.json`` again, such as tfjs-node's, needs time to open the weights that the
    ``model.json`` it has read names: ``grace`` seconds before step 3, and as long as ``discard`` puts off step 4, which
    it is asked to do for each file.

    Savers of one directory take turns (where its file system has locks). Raises OSError: before step 2 began nothing
    was changed, afterwards the directory holds one of the two models, whole.
    """
    with _turn(directory) as alone, contextlib.ExitStack() as temporaries:
        names = [weight.name for weight in weights]
        places = {directory, *((directory / name).parent for name in names)}
        if alone:
            for place in places:
                durable.sweep(place, _is_abandoned)
        _refuse_directories(directory, [json_name, *names])
        before = _present_model_json(directory / json_name)
        staged = [
            temporaries.enter_context(_staged((directory / weight.name).parent, weight.pieces)) for weight in weights
        ]
        final = temporaries.enter_context(_staged(directory, [model_json(names)]))
        if before is not None and any(os.path.lexists(directory / name) for name in names):
            _publish_under_passing_names(directory / json_name, weights, staged, model_json)
            time.sleep(grace)
        for file, name in zip(staged, names, strict=True):
            file.publish(directory / name)
        _sync(places)
        final.publish(directory / json_name)
        durable.fsync_path(directory)
        for path in _replaced(directory, places, before or b"", frozenset(names)):
            (discard or durable.unlink)(path)


def _publish_under_passing_names(
    json_path: Path, weights: Sequence[WeightFile], staged: Sequence[durable.StagedFile], model_json: ModelJSON
) -> None:
    directory = json_path.parent
    mark = secrets.token_hex(8)
    passing = [f"{weight.name.removesuffix('.bin')}.{mark}.bin" for weight in weights]
    with _staged(directory, [model_json(passing)]) as interim:
        try:
            for weight, file, name in zip(weights, staged, passing, strict=True):
                _give_second_name(file, directory / name, weight.pieces)
            _sync({(directory / name).parent for name in passing})
            interim.publish(json_path)
        except BaseException:
            for name in passing:
                durable.unlink(directory / name)
            raise
    durable.fsync_path(directory)


def _sync(places: Iterable[Path]) -> None:
    for place in places:
        durable.fsync_path(place)


def _give_second_name(file: durable.StagedFile, target: Path, pieces: Iterable[Buffer]) -> None:
    try:
        durable.link(file.path, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with _staged(target.parent, pieces) as copy:
            copy.publish(target)


def _replaced(directory: Path, places: Iterable[Path], before: bytes, kept: frozenset[str]) -> Iterator[Path]:
    """Passing names in ``places``, and weight files in our layout that the replaced ``model.json`` named."""
    stems = "|".join([_OWN_STEM, *(re.escape(name.removesuffix(".bin")) for name in kept)])
    own_weights = re.compile(rf"(?:{stems})(?P<passing>\.[0-9a-f]{{16}})?\.bin")
    for path in (place / name for place in places for name in os.listdir(place)):
        name = str(path.relative_to(directory))
        found = own_weights.fullmatch(name)
        if found and name not in kept and (found["passing"] or _is_named(name, before)):
            yield path


def _is_named(name: str, model_json: bytes) -> bool:
    return any(f'"{prefix}{name}"'.encode() in model_json for prefix in ("", "./"))


def _staged(directory: Path, pieces: Iterable[Buffer]) -> durable.StagedFile:
    """A temporary file that holds the synced pieces; removed unless it is published."""
    staged = durable.StagedFile(directory, mode=_MODE)
    try:
        for piece in pieces:
            staged.write(piece)
        staged.sync()
    except BaseException:
        staged.close()
        raise
    return staged


def _refuse_directories(directory: Path, names: Sequence[str]) -> None:
    for name in names:
        path = directory / name
        if path.is_dir() and not path.is_symlink():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))


def _present_model_json(path: Path) -> bytes | None:
    """What is there; empty for something that no reader would take for a model."""
    if not path.is_file():
        return b"" if os.path.lexists(path) else None
    return path.read_bytes() if path.stat().st_size <= MAX_MODEL_JSON else b""


def _is_abandoned(entry: os.DirEntry[str]) -> bool:
    return _TEMPORARY.fullmatch(entry.name) is not None and entry.is_file(follow_symlinks=False)


@contextlib.contextmanager
def _turn(directory: Path) -> Iterator[bool]:
    """Waits for other savers of the directory; False where the file system has no locks."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield _locked(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True
