"""Keys and ranges as the command line has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .arguments import UsageError

if TYPE_CHECKING:
    from ..storage_backends.indexed_db.idb_key_range import IDBKeyRange


def key_of(word: str) -> Any:
    """JSON where it parses, else the word itself."""
    try:
        return json.loads(word)
    except ValueError:
        return word


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
        lower, upper = json.loads(f"[{text[1:-1]}]")
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
