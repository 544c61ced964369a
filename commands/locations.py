"""What a SOURCE or DEST stands for: a stored model, another URL, a path, a tar on a pipe."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..errors import InvalidArtifactsError, ModelNotFoundError, UnsupportedURLError
from .arguments import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..client import Client

Kind = Literal["stored", "path", "archive", "downloads", "http", "other"]
STORE_MEDIA = ("localstorage", "indexeddb")
MODEL_JSON = "model.json"


class Location(NamedTuple):
    """An argument as given, and what it is."""

    text: str
    kind: Kind

    @property
    def scheme(self) -> str:
        """The URL's scheme; a path is a file."""
        return self.text.partition("://")[0] if "://" in self.text else "file"

    @property
    def path(self) -> Path:
        """Of a path or a ``file://`` URL (which tfjs-node takes relative to the working directory, not decoded)."""
        return Path(self.text.removeprefix("file://"))

    def source_path(self) -> Path:
        """The path to read: a directory means its model.json."""
        path = self.path
        return path / MODEL_JSON if path.is_dir() else path

    @property
    def is_bare_name(self) -> bool:
        """A word that is written like a path and is none that exists: perhaps a model's name without its scheme."""
        plain = self.kind == "path" and "://" not in self.text and not self.text.startswith(("./", "../", "/"))
        return plain and not os.path.lexists(self.text)

    @property
    def model_name(self) -> str:
        """The name under which ``--into`` puts the model."""
        if self.kind == "stored":
            return self.text.partition("://")[2]
        if self.kind == "path":
            path = Path(os.path.abspath(self.source_path()))
            return path.parent.name if path.name == MODEL_JSON else path.stem
        steps = [step for step in re.split(r"[?#]", self.text.partition("://")[2])[0].split("/") if step]
        if steps[1:] and steps[-1] == MODEL_JSON:
            steps.pop()
        return steps[-1].removesuffix(".json") if steps[1:] else "model"


def locate(word: str) -> Location:
    """What an argument is. Without ``://`` it is a path, ``-`` is standard input or output."""
    if word == "-":
        return Location(word, "archive")
    scheme, separator, _ = word.partition("://")
    if not separator or scheme == "file":
        return Location(word, "path")
    if scheme in STORE_MEDIA:
        return Location(word, "stored")
    if scheme in ("http", "https"):
        return Location(word, "http")
    return Location(word, "downloads" if scheme == "downloads" else "other")


def check_bare_name(location: Location, store: Client) -> None:
    """Refuses a word that is no path but the name of a stored model, its scheme forgotten or half written.

    Raises:
        UnsupportedURLError: with the URL that was meant as its hint.
    """
    word = location.text
    if not location.is_bare_name:
        return
    medium, colon, name = word.partition(":")
    if colon and medium.lower() in STORE_MEDIA:
        meant = [f"{medium.lower()}://{name.lstrip('/')}"]
    else:
        meant = [url for url in store.list_models() if url.partition("://")[2] == word]
    if meant:
        raise UnsupportedURLError(
            f"{word!r} is neither a path nor a model URL",
            hint=f"did you mean {' or '.join(meant)}? A path of that name is written ./{word}",
        )


def expand(words: Iterable[str], store: Client, *, glob: bool) -> list[Location]:
    """The locations that the arguments name, each once; with ``glob`` patterns stand for what matches them.

    Raises:
        ModelNotFoundError: a pattern matches nothing.
    """
    locations: dict[str, Location] = {}
    for word in words:
        for found in _matching(word, store) if glob else [word]:
            locations.setdefault(found, locate(found))
    return list(locations.values())


def matching_urls(words: Iterable[str], store: Client, *, ignore_missing: bool) -> tuple[str, ...]:
    """The URLs of the stored models that patterns match; a word without wildcards stands for itself.

    Raises:
        UsageError: a pattern without a scheme.
        ModelNotFoundError: a pattern matches nothing, and that is not to be ignored.
    """
    listed, found = list(store.list_models()), list[str]()
    for word in words:
        if not _is_pattern(word):
            found.append(word)
            continue
        if "://" not in word:
            raise UsageError(f"{word!r} is no pattern of model URLs", hint=f"for example 'indexeddb://{word}'")
        matches = [url for url in listed if fnmatchcase(url, word)]
        if not matches and not ignore_missing:
            raise ModelNotFoundError(f"nothing matches {word!r}")
        found += matches
    return tuple(found)


def _is_pattern(word: str) -> bool:
    return any(mark in word for mark in "*?[")


def _matching(word: str, store: Client) -> list[str]:
    location = locate(word)
    if not _is_pattern(word):
        return [word]
    if location.kind == "stored":
        found = [url for url in store.list_models() if fnmatchcase(url, word)]
    elif location.kind == "path":
        from glob import glob

        found = sorted(glob(word))
    else:
        return [word]
    if not found:
        raise ModelNotFoundError(f"nothing matches {word!r}")
    return found


def join(prefix: str, source: Location) -> Location:
    """Where ``--into PREFIX`` puts a source.

    Raises:
        InvalidArtifactsError: the model's name would leave the directory.
    """
    name = source.model_name
    target = locate(prefix)
    if target.kind == "archive":
        raise UsageError("--into takes a URL prefix or a directory; - holds one model")
    if target.kind == "path":
        steps = name.split("/")
        if any(step in ("", ".", "..") or "\0" in step for step in steps):
            raise InvalidArtifactsError(f"the model's name {name!r} is no path below {prefix!r}")
    separator = "" if prefix.endswith("/") else "/"
    return locate(f"{prefix}{separator}{name}")
