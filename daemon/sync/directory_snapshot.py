"""The models below a directory, as they are now."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import InvalidArtifactsError, TfjsdError
from ...model_io.model_directory import MODEL_JSON
from ...wire.sync_pair import SyncPair
from .directory_model import DirectoryModel, FileStamp, own_directory, read_model, stamp
from .ignored_names import is_passing, objection
from .planning import State, Unready, Version
from .settling import Settling

_WRITER_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that was read: its files as they were, and what they held."""

    files: tuple[FileStamp, ...]
    digest: str
    modified: float

    @property
    def json(self) -> str:
        return self.files[0].path


@dataclass(slots=True)
class DirectorySnapshot:
    """``found``: where each model's JSON file is; ``known``: what need not be read again; ``rest``: seconds until
    something that is still changing may be looked at again, or None; ``read``: models whose files were read."""

    states: dict[str, State] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    known: dict[str, KnownModel] = field(default_factory=dict)
    rest: float | None = None
    read: int = 0


@dataclass(slots=True)
class _Walk:
    """``models``: relative path to the JSON files that claim it; ``unreadable``: directories that were not listed."""

    models: dict[str, list[str]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)


def take_directory(
    pair: SyncPair, known: Mapping[str, KnownModel], expected: Mapping[str, str], settling: Settling
) -> DirectorySnapshot:
    """Looks at every file's stamp, and reads what is not as ``known``. ``expected``: the models that were last equal;
    of these, one that cannot be seen is not taken for deleted. Raises OSError where the directory cannot be listed."""
    snapshot = DirectorySnapshot()
    walk = _walk(pair.directory, {model.json for model in known.values()})
    for model, files in sorted(walk.models.items()):
        if pair.takes(model):
            _examine(snapshot, pair.directory, model, files, known.get(model), settling)
    hidden = {
        model: reason
        for model in expected
        if model not in snapshot.states and (reason := _hidden(pair.directory, model, walk, settling, snapshot))
    }
    if any(not reason.problem for reason in hidden.values()):
        # What went away just now may have come back under another name: wait, to see both at once as a rename.
        for model in snapshot.states.keys() - expected.keys():
            if isinstance(snapshot.states[model], Version):
                snapshot.states[model] = Unready("something else went away just now")
    snapshot.states |= hidden
    return snapshot


def _walk(root: Path, known: set[str]) -> _Walk:
    walk, left = _Walk(), [""]
    while left:
        place = left.pop()
        try:
            names, below = _listed(root / place)
        except (FileNotFoundError, NotADirectoryError):
            if not place:
                raise
            continue  # gone since its parent was listed
        except OSError as error:
            if not place:
                raise
            walk.unreadable[place] = f"{place} cannot be listed: {error.strerror}"
            continue
        left += [posixpath.join(place, name) for name in below]
        for json in _model_files(place, names, known):
            walk.models.setdefault(_model_of(json), []).append(json)
    return walk


def _listed(path: Path) -> tuple[set[str], list[str]]:
    files, directories = set[str](), list[str]()
    with os.scandir(path) as entries:
        for entry in entries:
            if is_passing(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                directories.append(entry.name)
            elif entry.is_file(follow_symlinks=False):
                files.add(entry.name)
    return files, directories


def _model_files(place: str, names: set[str], known: set[str]) -> Iterator[str]:
    for name in names:
        if name.endswith(".json"):
            path = posixpath.join(place, name)
            is_download = f"{name.removesuffix('.json')}.weights.bin" in names
            if name == MODEL_JSON or (is_download and name != ".json") or path in known:
                yield path


def _model_of(json: str) -> str:
    place, name = posixpath.split(json)
    return place if place and name == MODEL_JSON else json.removesuffix(".json")


def _examine(
    snapshot: DirectorySnapshot,
    root: Path,
    model: str,
    files: list[str],
    known: KnownModel | None,
    settling: Settling,
) -> None:
    if len(files) > 1:
        snapshot.states[model] = Unready(f"{' and '.join(sorted(files))} are both this model", problem=True)
        return
    if (reason := objection(model)) is not None:
        snapshot.states[model] = Unready(reason, problem=True)
        return
    snapshot.found[model] = files[0]
    if known is None or known.json != files[0] or not is_unchanged(root, known):
        known = _read(snapshot, root, model, files[0], settling)
    if known is not None:
        snapshot.known[model] = known
        snapshot.states[model] = Version(known.digest, known.modified)


def is_unchanged(root: Path, known: KnownModel) -> bool:
    """Whether every file has the size, time and inode that it had, and none is behind a symbolic link now."""
    below = {posixpath.dirname(file.path) for file in known.files} - {posixpath.dirname(known.json)}
    return all(stamp(root, file.path) == file for file in known.files) and all(_is_own(root, place) for place in below)


def _is_own(root: Path, place: str) -> bool:
    try:
        own_directory(root, place)
    except InvalidArtifactsError:
        return False
    return True


def _read(snapshot: DirectorySnapshot, root: Path, model: str, json: str, settling: Settling) -> KnownModel | None:
    try:
        read = read_model(root, json)
        rest = settling.rest(read.changed)
        if not rest:
            return _known(snapshot, root, model, read, settling)
        snapshot.states[model] = Unready("it is still changing")
    except BlockingIOError as error:
        rest = settling.seconds or _WRITER_SECONDS
        snapshot.states[model] = Unready(_sentence(error))
    except (OSError, TfjsdError) as error:
        rest = _rest_of_place(root, json, settling)
        snapshot.states[model] = Unready(_sentence(error), problem=not rest)
    _look_again(snapshot, rest)
    return None


def _known(
    snapshot: DirectorySnapshot, root: Path, model: str, read: DirectoryModel, settling: Settling
) -> KnownModel | None:
    digest = read.digest()
    snapshot.read += 1
    known = KnownModel(read.files, digest, read.modified)
    if is_unchanged(root, known):
        return known
    snapshot.states[model] = Unready("it changed while it was read")
    _look_again(snapshot, settling.seconds)
    return None


def _look_again(snapshot: DirectorySnapshot, rest: float) -> None:
    if rest and (snapshot.rest is None or rest < snapshot.rest):
        snapshot.rest = rest


def _rest_of_place(root: Path, json: str, settling: Settling) -> float:
    """How long until the directory and the JSON file rest: a missing file may be on its way."""
    places = (root / json, (root / json).parent)
    return max((settling.rest(place.lstat().st_ctime) for place in places if os.path.lexists(place)), default=0.0)


def _hidden(root: Path, model: str, walk: _Walk, settling: Settling, snapshot: DirectorySnapshot) -> Unready | None:
    """Why a model that was there may still be: its directory cannot be listed, or something changed there just now."""
    for place, reason in walk.unreadable.items():
        if model == place or model.startswith(f"{place}/"):
            return Unready(reason, problem=True)
    nearest = root / model
    while nearest != root and not nearest.is_dir():
        nearest = nearest.parent
    try:
        rest = settling.rest(nearest.stat().st_ctime)
    except FileNotFoundError:
        rest = settling.seconds
    _look_again(snapshot, rest)
    return Unready("it went away just now") if rest else None


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, TfjsdError):
        name = "" if error.filename is None else f": {os.fsdecode(error.filename)}"
        return f"{error.strerror}{name}"
    return str(error)
