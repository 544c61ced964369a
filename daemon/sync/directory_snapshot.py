"""The models below a directory, as they are now."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import InvalidArtifactsError, TfjsdError
from ...model_io.model_directory import MODEL_JSON
from ...wire.sync_pair import SyncPair
from .directory_model import DirectoryModel, FileStamp, own_directory, read_model, stamp
from .directory_walk import Walk, walk
from .ignored_names import objection
from .planning import State, Step, Unready, Version
from .running_writers import unrest_of
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
    """``found``: where each model's JSON file is; ``known``: what need not be read again; ``mounts``: the directories
    that are file systems of their own, and their devices; ``rest``: seconds until something that is still changing may
    be looked at again, or None; ``read``: models whose files were read."""

    states: dict[str, State] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    known: dict[str, KnownModel] = field(default_factory=dict)
    mounts: Mapping[str, int] = field(default_factory=dict)
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
    have to be looked at in any case, and the directories of their files; ``written``: the directories that were written
    to since."""

    walk: Walk | None = None
    unready: Mapping[str, set[str]] = field(default_factory=dict)
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

    def places(self, touched: Collection[str]) -> set[str]:
        """The directories to look at again."""
        return self.written.union(touched, *self.unready.values())


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
    view = view or DirectoryView()
    touched = view.places(touched)
    walked, partial = _walked(pair.directory, known, view, touched)
    look = _Look(pair.directory, settling, walked)
    snapshot = look.snapshot
    for model, files in sorted(walked.models().items()):
        if pair.takes(model):
            before = known.get(model)
            is_clean = partial and model not in view.unready
            if is_clean and before and files == [before.json] and before.places.isdisjoint(touched):
                snapshot.take(model, before)
            else:
                look.examine(model, files, before)
    look.miss(expected, known)
    snapshot.mounts = walked.mounts()
    view.walk, view.written = walked, set()
    view.unready = {
        model: _places(model, known, snapshot) for model, state in snapshot.states.items() if isinstance(state, Unready)
    }
    return snapshot


def _places(model: str, known: Mapping[str, KnownModel], snapshot: DirectorySnapshot) -> set[str]:
    if model in known:
        return known[model].places
    return {posixpath.dirname(snapshot.found[model])} if model in snapshot.found else set()


def _walked(
    root: Path, known: Mapping[str, KnownModel], view: DirectoryView, touched: Collection[str]
) -> tuple[Walk, bool]:
    """The directories, and whether what lies in others than the ``touched`` is as it was."""
    jsons, before = {model.json for model in known.values()}, view.walk
    view.forget()  # unless this look comes to its end
    if before is not None and before.renewed(root, jsons, touched):
        return before, True
    return walk(root, jsons), False


@dataclass(slots=True)
class _Look:
    """One look at the directories of ``walked``, which fills the ``snapshot``."""

    root: Path
    settling: Settling
    walked: Walk
    snapshot: DirectorySnapshot = field(default_factory=DirectorySnapshot)

    def examine(self, model: str, files: list[str], known: KnownModel | None) -> None:
        """Takes the model that these JSON files claim to be, or says why not."""
        states = self.snapshot.states
        if len(files) > 1:
            states[model] = Unready(f"{' and '.join(sorted(files))} are both this model", problem=True)
            return
        if (reason := objection(model)) is not None:
            states[model] = Unready(reason, problem=True)
            return
        self.snapshot.found[model] = files[0]
        if known is None or known.json != files[0] or not is_unchanged(self.root, known):
            known = self._read(model, files[0], known)
        if known is not None:
            self.snapshot.take(model, known)

    def miss(self, expected: Mapping[str, str], known: Mapping[str, KnownModel]) -> None:
        """Says which of the ``expected`` models that were not seen may be there all the same."""
        states = self.snapshot.states
        missing = {model: known[model].json if model in known else f"{model}/{MODEL_JSON}" for model in expected}
        hidden = {
            model: reason
            for model, json in missing.items()
            if model not in states and (reason := self._hidden(model, json)) is not None
        }
        if any(not reason.problem for reason in hidden.values()):
            # What went away just now may have come back under another name: wait, to see both at once as a rename.
            for model in states.keys() - expected.keys():
                if isinstance(states[model], Version):
                    states[model] = Unready("something else went away just now")
        states |= hidden

    def _read(self, model: str, json: str, before: KnownModel | None) -> KnownModel | None:
        try:
            read = read_model(self.root, json)
            on_their_way = self.walked.on_their_way({posixpath.dirname(file.path) for file in read.files})
            unrest = unrest_of(self.root, read, () if before is None else before.files, on_their_way, self.settling)
            if unrest is None:
                return self._known(model, read)
            self.snapshot.states[model], rest = Unready(unrest.reason), unrest.seconds
        except BlockingIOError as error:
            rest = self.settling.seconds or _WRITER_SECONDS
            self.snapshot.states[model] = Unready(_sentence(error))
        except (OSError, TfjsdError) as error:
            rest = self._rest_of_place(json)
            self.snapshot.states[model] = Unready(_sentence(error), problem=not rest)
        self._look_again(rest)
        return None

    def _known(self, model: str, read: DirectoryModel) -> KnownModel | None:
        digest = read.digest()
        self.snapshot.read += 1
        known = KnownModel(read.files, digest, read.modified)
        if is_unchanged(self.root, known):
            return known
        self.snapshot.states[model] = Unready("it changed while it was read")
        self._look_again(self.settling.seconds)
        return None

    def _look_again(self, rest: float) -> None:
        if rest and (self.snapshot.rest is None or rest < self.snapshot.rest):
            self.snapshot.rest = rest

    def _rest_of_place(self, json: str) -> float:
        """How long until the directory and the JSON file rest: a missing file may be on its way."""
        places = (self.root / json, (self.root / json).parent)
        rests = (self.settling.rest(place.lstat().st_ctime) for place in places if os.path.lexists(place))
        return max(rests, default=0.0)

    def _hidden(self, model: str, json: str) -> Unready | None:
        """Why a model that was there may still be: its directory cannot be listed, it is behind a symbolic link now, or
        something changed there just now."""
        for place, reason in self.walked.unreadable.items():
            if model == place or model.startswith(f"{place}/"):
                return Unready(reason, problem=True)
        if (link := _link_to(self.root, json)) is not None:
            return Unready(f"{link} is a symbolic link now, which is not followed", problem=True)
        nearest = self.root / model
        while nearest != self.root and not nearest.is_dir():
            nearest = nearest.parent
        try:
            rest = self.settling.rest(nearest.stat().st_ctime)
        except FileNotFoundError:
            rest = self.settling.seconds
        self._look_again(rest)
        return Unready("it went away just now") if rest else None


def is_unchanged(root: Path, known: KnownModel) -> bool:
    """Whether every file has the size, time and inode that it had, and none is behind a symbolic link now."""
    below = known.places - {posixpath.dirname(known.json)}
    return all(stamp(root, file.path) == file for file in known.files) and all(_is_own(root, place) for place in below)


def _link_to(root: Path, path: str) -> str | None:
    """The symbolic link that the path leads through or is."""
    parts = path.split("/")
    places = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    return next((place for place in places if (root / place).is_symlink()), None)


def _is_own(root: Path, place: str) -> bool:
    try:
        own_directory(root, place)
    except InvalidArtifactsError:
        return False
    return True


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, TfjsdError):
        name = "" if error.filename is None else f": {os.fsdecode(error.filename)}"
        return f"{error.strerror}{name}"
    return str(error)
