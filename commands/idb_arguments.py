"""Keys and ranges as the command line has them."""

from __future__ import annotations

import json
import math
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from .arguments import UsageError

if TYPE_CHECKING:
    from ..storage_backends.indexed_db.idb_key_range import IDBKeyRange


def key_of(word: str) -> Any:
    """JSON where it parses, else the word; ``{"$date"}``, ``{"$bytes"}`` and ``{"$number"}`` as they are printed.

    Raises UsageError where one of these is not what it says, or lists are nested too deeply.
    """
    try:
        parsed = _parse(word)
    except ValueError:
        return word
    return _key(parsed)


def _parse(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)  # NaN and Infinity are not JSON
    except RecursionError:
        raise UsageError("a key is nested too deeply") from None


def _refuse(name: str) -> None:
    raise ValueError(name)


def _key(parsed: Any) -> Any:
    if isinstance(parsed, list):
        return [_key(item) for item in parsed]
    if not isinstance(parsed, dict) or len(parsed) != 1:
        return parsed
    [(kind, content)] = parsed.items()
    try:
        read = _FORMS.get(kind)
        return parsed if read is None else read(content)
    except (ValueError, TypeError, KeyError):
        raise UsageError(f"this is not what {kind} stands for: {content!r}") from None


def moment(content: Any) -> Any:
    """A date as it is printed. Raises ValueError and TypeError."""
    from ..storage_backends.script_types import Date

    if isinstance(content, str):
        found = datetime.fromisoformat(content)
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return Date(float(content))


_FORMS: Final[dict[str, Callable[[Any], Any]]] = {
    "$date": moment,
    "$bytes": lambda content: b64decode(content, validate=True),
    "$number": {"Infinity": math.inf, "-Infinity": -math.inf}.__getitem__,
}
"""What a key can be that JSON has no form for (``value_json``)."""


def range_of(word: str | None) -> IDBKeyRange | None:
    """``[LOWER,UPPER]`` with keys as JSON; ``(`` or ``)`` leaves that end out, null is no bound.

    Raises:
        UsageError: it is none.
        DataError: a bound is no key, or the lower one is above the upper one.
    """
    from ..storage_backends.indexed_db.idb_key_range import IDBKeyRange

    if word is None:
        return None
    text = word.strip()
    try:
        if len(text) < 2 or text[0] not in "[(" or text[-1] not in "])":
            raise ValueError
        lower, upper = map(_key, _parse(f"[{text[1:-1]}]"))
    except ValueError:
        raise UsageError(f"--range takes an interval such as '[1,5]' or '(\"a\",null)', not {word!r}") from None
    lower_open, upper_open = text[0] == "(", text[-1] == ")"
    if lower is None and upper is None:
        return None
    if upper is None:
        return IDBKeyRange.lower_bound(lower, lower_open)
    if lower is None:
        return IDBKeyRange.upper_bound(upper, upper_open)
    return IDBKeyRange.bound(lower, upper, lower_open, upper_open)
