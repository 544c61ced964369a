"""What a setting's value has to be. Each function makes it of what a flag, a variable or a file holds, or raises
ValueError (BadRequestError, UnsupportedURLError) that says what is expected."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadRequestError
from ..model_io.origin_name import checked_origin
from .addresses import without_scheme
from .protocol import DEFAULT_ORIGIN

if TYPE_CHECKING:
    from .sync_pair import SyncPair


class MistakenTableError(BadRequestError):
    """The mistake is in the ``number``-th table of an array, at its ``member`` (empty: one is missing)."""

    def __init__(self, number: int, member: str, error: BadRequestError) -> None:
        super().__init__(str(error), hint=error.hint)
        self.number, self.member = number, member


def path(value: Any) -> Path:
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise ValueError("a path is expected")
    return Path(os.path.expanduser(value)).absolute()


def socket_path(value: Any) -> Path:
    if isinstance(value, str):
        value = without_scheme(value)
    if "://" in os.fspath(value if isinstance(value, str | os.PathLike) else ""):
        raise ValueError("a socket's path is expected")
    return path(value)


def text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text is expected")
    return value


def origin(value: Any) -> str:
    return checked_origin(text(value))


def seconds(value: Any) -> float | None:
    if isinstance(value, bool):
        raise ValueError("a number of seconds is expected")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError("a number of seconds is expected") from None
    if not 0 <= number < 1e9:
        raise ValueError("a number of seconds from 0 is expected")
    return number or None


def switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    if not isinstance(value, str) or value.lower() not in words:
        raise ValueError("true or false is expected")
    return words[value.lower()]


def off(value: Any) -> bool:
    if switch(value):
        raise ValueError("only false is possible in this version")
    return False


def names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) and name for name in value):
        raise ValueError("an array of names is expected")
    return tuple(value)


def share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("a share between 0 and 1 is expected")
    return float(value)


def sync_pairs(value: Any) -> tuple[SyncPair, ...]:
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise ValueError("an array of tables, [[sync.pairs]], is expected")
    from .sync_pair import SyncPair

    pairs = []
    for number, table in enumerate(value):
        try:
            pairs.append(SyncPair.of(table, origin=DEFAULT_ORIGIN))
        except BadRequestError as error:
            member = next(
                (member for member in table if f"'{member}'" in str(error) or f'"{member}"' in str(error)), ""
            )
            raise MistakenTableError(number, member, error) from error
    if len({pair.name for pair in pairs}) < len(pairs):
        raise ValueError("each pair needs a name of its own")
    return tuple(pairs)


def one_of(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)} is expected{suggestion(value, words)}")
        return str(value)

    return read


def suggestion(word: object, known: Iterable[str]) -> str:
    """``; did you mean …?`` where something known is near."""
    import difflib

    near = difflib.get_close_matches(str(word), list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
