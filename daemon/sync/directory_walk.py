"""Where models are below a directory: the directories, and the JSON files in them that claim to be one."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ...model_io.model_directory import MODEL_JSON
from .ignored_names import is_on_its_way, is_passing


@dataclass(frozen=True, slots=True)
class Place:
    """One directory: the paths of models' JSON files in it, the names of the directories, and those of the files that
    may be about to get another name; its device."""

    models: tuple[str, ...]
    below: frozenset[str]
    on_their_way: frozenset[str]
    device: int


@dataclass(slots=True)
class Walk:
    """``places``: relative path to what was there; ``unreadable``: directories that were not listed, and why."""

    places: dict[str, Place] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def models(self) -> dict[str, list[str]]:
        """Relative path of each model to the JSON files that claim it."""
        found: dict[str, list[str]] = {}
        for place in self.places.values():
            for json in place.models:
                found.setdefault(_model_of(json), []).append(json)
        return found

    def on_their_way(self, places: Collection[str]) -> list[str]:
        """The paths of the files in these directories that may be about to get another name."""
        found = {place: self.places[place].on_their_way for place in places if place in self.places}
        return [posixpath.join(place, name) for place, names in found.items() for name in names]

    def mounts(self) -> dict[str, int]:
        """The directories that are on another device than the one above them, and that device."""
        devices = {path: place.device for path, place in self.places.items()}
        above = {path: devices.get(posixpath.dirname(path)) for path in devices if path}
        return {path: devices[path] for path in above if devices[path] != above[path]}

    def renewed(self, root: Path, known: Collection[str], touched: Collection[str]) -> bool:
        """Lists the ``touched`` directories again, and says whether that was all there is to do: it is not where
        directories came or went."""
        if self.unreadable:
            return False
        for place in touched:
            before = self.places.get(place)
            try:
                now = _listed(root, place, known)
            except OSError:
                return False
            if before is None or before.below != now.below:
                return False
            self.places[place] = now
        return True


def walk(root: Path, known: Collection[str]) -> Walk:
    """Lists all directories. ``known``: JSON files that are models whatever lies beside them. Raises OSError where the
    root cannot be listed."""
    found, left = Walk(), [""]
    while left:
        path = left.pop()
        try:
            place = _listed(root, path, known)
        except OSError as error:
            if not path:
                raise
            if not isinstance(error, FileNotFoundError | NotADirectoryError):  # gone since its parent was listed
                found.unreadable[path] = f"{path} cannot be listed: {error.strerror}"
            continue
        found.places[path] = place
        left += [posixpath.join(path, name) for name in place.below]
    return found


def _listed(root: Path, path: str, known: Collection[str]) -> Place:
    files, directories, on_their_way = set[str](), set[str](), set[str]()
    with _opened(f"{root}/{path}") as directory, os.scandir(directory) as entries:
        device = os.fstat(directory).st_dev
        for entry in entries:
            if is_passing(entry.name):
                if is_on_its_way(entry.name) and entry.is_file(follow_symlinks=False):
                    on_their_way.add(entry.name)
            elif entry.is_dir(follow_symlinks=False):
                directories.add(entry.name)
            elif entry.is_file(follow_symlinks=False):
                files.add(entry.name)
    return Place(tuple(_model_files(path, files, known)), frozenset(directories), frozenset(on_their_way), device)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    """What is listed and its device are those of one directory, whatever is mounted there meanwhile."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _model_files(place: str, names: set[str], known: Collection[str]) -> Iterator[str]:
    for name in names:
        if name.endswith(".json"):
            path = posixpath.join(place, name)
            is_download = f"{name.removesuffix('.json')}.weights.bin" in names
            if name == MODEL_JSON or (is_download and name != ".json") or path in known:
                yield path


def _model_of(json: str) -> str:
    place, name = posixpath.split(json)
    return place if place and name == MODEL_JSON else json.removesuffix(".json")
