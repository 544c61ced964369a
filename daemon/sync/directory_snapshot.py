"""The models below a directory, as they are now."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import InvalidArtifactsError, TfjsdError
from ...wire.sync_pair import SyncPair
from .directory_model import DirectoryModel, FileStamp, own_directory, read_model, stamp
from .directory_walk import Walk, walk
from .ignored_names import objection
from .planning import State, Step, Unready, Version
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

    @property
    def places(self) -> set[str]:
        """The directories of its files."""
        return {posixpath.dirname(file.path) for file in self.files}


@dataclass(slots=True)
class DirectorySnapshot:
    """``found``: where each model's JSON file is; ``known``: what need not be read again; ``rest``: seconds until
    something that is still changing may be looked at again, or None; ``read``: models whose files were read."""

    states: dict[str, State] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    known: dict[str, KnownModel] = field(default_factory=dict)
    rest: float | None = None
    read: int = 0

    def take(self, model: str, known: KnownModel) -> None:
        """The model is there and whole."""
        self.found[model] = known.json
        self.known[model] = known
        self.states[model] = Version(known.digest, known.modified)


@dataclass(slots=True)
class DirectoryView:
    """What one look leaves for the next, so that it costs only what was touched meanwhile. ``unready``: the models that
    have to be looked at in any case; ``written``: the directories that were written to since."""

    walk: Walk | None = None
    unready: frozenset[str] = frozenset()
    written: set[str] = field(default_factory=set)

    def forget(self) -> None:
        """The next look is at everything."""
        self.walk = None

    def expect(self, step: Step, known: KnownModel | None) -> None:
        """The directory is about to be changed by this step of a plan."""
        if step.kind == "copy" and known is not None:
            self.written.update(known.places)
        else:
            self.forget()


def take_directory(
    pair: SyncPair,
    known: Mapping[str, KnownModel],
    expected: Mapping[str, str],
    settling: Settling,
    *,
    view: DirectoryView | None = None,
    touched: Collection[str] = (),
) -> DirectorySnapshot:
    """Looks at every file's stamp, and reads what is not as ``known``. ``expected``: the models that were last equal;
    of these, one that cannot be seen is not taken for deleted. With the ``view`` of the look before, only what lies in
    directories that were ``touched`` since is looked at. Raises OSError where the directory cannot be listed."""
    snapshot = DirectorySnapshot()
    view = view or DirectoryView()
    touched = view.written.union(touched)
    walked, partial = _walked(pair.directory, known, view, touched)
    for model, files in sorted(walked.models().items()):
        if pair.takes(model):
            before = known.get(model)
            is_clean = partial and model not in view.unready
            if is_clean and before and files == [before.json] and before.places.isdisjoint(touched):
                snapshot.take(model, before)
            else:
                _examine(snapshot, pair.directory, model, files, before, settling)
    hidden = {
        model: reason
        for model in expected
        if model not in snapshot.states and (reason := _hidden(pair.directory, model, walked, settling, snapshot))
    }
    if any(not reason.problem for reason in hidden.values()):
        # What went away just now may have come back under another name: wait, to see both at once as a rename.
        for model in snapshot.states.keys() - expected.keys():
            if isinstance(snapshot.states[model], Version):
                snapshot.states[model] = Unready("something else went away just now")
    snapshot.states |= hidden
    view.walk, view.written = walked, set()
    view.unready = frozenset(model for model, state in snapshot.states.items() if isinstance(state, Unready))
    return snapshot


def _walked(
    root: Path, known: Mapping[str, KnownModel], view: DirectoryView, touched: Collection[str]
) -> tuple[Walk, bool]:
    """The directories, and whether what lies in others than the ``touched`` is as it was."""
    jsons, before = {model.json for model in known.values()}, view.walk
    view.forget()  # unless this look comes to its end
    if before is not None and before.renewed(root, jsons, touched):
        return before, True
    return walk(root, jsons), False


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
        snapshot.take(model, known)


def is_unchanged(root: Path, known: KnownModel) -> bool:
    """Whether every file has the size, time and inode that it had, and none is behind a symbolic link now."""
    below = known.places - {posixpath.dirname(known.json)}
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


def _hidden(root: Path, model: str, walked: Walk, settling: Settling, snapshot: DirectorySnapshot) -> Unready | None:
    """Why a model that was there may still be: its directory cannot be listed, or something changed there just now."""
    for place, reason in walked.unreadable.items():
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
