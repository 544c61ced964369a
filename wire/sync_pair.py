"""What a sync pair is told, wherever it comes from: command line, API, ``config.toml``, the daemon's own register."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, cast

from ..errors import BadRequestError, UnsupportedURLError
from ..model_io import model_url
from ..model_io.origin_name import checked_origin

Direction = Literal["both", "in", "out"]
OnConflict = Literal["newest", "dir", "store", "keep-both", "fail"]
Keep = Literal["dir", "store", "both"]

DIRECTIONS = ("both", "in", "out")
ON_CONFLICT = ("newest", "dir", "store", "keep-both", "fail")
KEEP = ("dir", "store", "both")
MEMBERS = ("name", "directory", "prefix", "origin", "direction", "include", "exclude", "on_conflict")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class SyncPair:
    """``prefix`` is a URL up to where a model's relative path begins: ``indexeddb://`` or ``indexeddb://team/``."""

    name: str
    directory: Path
    prefix: str
    origin: str
    direction: Direction = "both"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    on_conflict: OnConflict = "newest"

    @classmethod
    def of(cls, members: Mapping[str, Any], *, origin: str) -> SyncPair:
        """Checks a JSON object or a TOML table; without a name, the pair is called after its directory.

        Raises BadRequestError that names the member, and a near one where it is unknown.
        """
        for member in members:
            if member not in MEMBERS:
                near = difflib.get_close_matches(member, MEMBERS, 1)
                raise BadRequestError(f"unknown member {member!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        directory = _directory(members.get("directory"))
        return cls(
            _name(members.get("name"), directory),
            directory,
            _prefix(members.get("prefix")),
            _origin(members, origin),
            cast(Direction, _word(members, "direction", DIRECTIONS, "both")),
            _globs(members, "include"),
            _globs(members, "exclude"),
            cast(OnConflict, _word(members, "on_conflict", ON_CONFLICT, "newest")),
        )

    def to_json(self) -> dict[str, Any]:
        """What ``of`` reads."""
        return {
            "name": self.name,
            "directory": os.fspath(self.directory),
            "prefix": self.prefix,
            "origin": self.origin,
            "direction": self.direction,
            "include": list(self.include),
            "exclude": list(self.exclude),
            "on_conflict": self.on_conflict,
        }

    def takes(self, model: str) -> bool:
        """Whether the patterns let a model's relative path in."""
        wanted = not self.include or any(fnmatchcase(model, pattern) for pattern in self.include)
        return wanted and not any(fnmatchcase(model, pattern) for pattern in self.exclude)


def _directory(value: object) -> Path:
    if not isinstance(value, str) or not os.path.isabs(value) or "\0" in value:
        raise BadRequestError(f'"directory" must be an absolute path, not {value!r}')
    return Path(os.path.normpath(value))


def _name(value: object, directory: Path) -> str:
    if value is None:
        value = re.sub(r"[^a-z0-9._-]+", "-", directory.name.lower()).strip("-._") or "models"
        value = str(value)[:64]
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise BadRequestError(f'"name" must be lower-case letters, digits and ._- (at most 64), not {value!r}')
    return value


def _prefix(value: object) -> str:
    if not isinstance(value, str) or model_url.scheme_of(value) not in model_url.MEDIA:
        raise BadRequestError(
            f'"prefix" must be the beginning of a model URL, not {value!r}', hint="indexeddb:// or localstorage://team/"
        )
    scheme, path = model_url.parse(value)
    return f"{scheme}://{path}" if not path or path.endswith("/") else f"{scheme}://{path}/"


def _origin(members: Mapping[str, Any], default: str) -> str:
    try:
        return checked_origin(_text(members, "origin", default))
    except UnsupportedURLError as error:
        raise BadRequestError(f'"origin": {error}', hint=error.hint) from error


def _text(members: Mapping[str, Any], name: str, default: str) -> str:
    value = members.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise BadRequestError(f'"{name}" must be a text, not {value!r}')
    return default if value is None else value


def _word(members: Mapping[str, Any], name: str, words: tuple[str, ...], default: str) -> str:
    value = members.get(name)
    if value is None:
        return default
    if value not in words:
        raise BadRequestError(f'"{name}" must be one of {", ".join(words)}, not {value!r}')
    return str(value)


def _globs(members: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = members.get(name)
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not all(isinstance(glob, str) and glob for glob in value):
        raise BadRequestError(f'"{name}" must be an array of patterns, not {value!r}')
    return tuple(value)
