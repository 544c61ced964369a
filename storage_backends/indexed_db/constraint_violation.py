"""What a mutation may run into, said so that the front end can tell it in its browser's words."""

from __future__ import annotations

from typing import Literal

from ...errors import ConstraintError

Reason = Literal["key", "index", "generator"]

_TEXTS = {
    "key": "Key already exists in the object store.",
    "index": "Unable to add key to index '{index}': at least one key does not satisfy the uniqueness requirements.",
    "generator": "Maximum key generator value reached.",
}


class ConstraintViolation(ConstraintError):
    """``key``: add met an existing record. ``index``: a unique index has the key. ``generator``: it is past 2^53."""

    def __init__(self, reason: Reason, index: str = "") -> None:
        super().__init__(_TEXTS[reason].replace("{index}", index))
        self.reason = reason
        self.index = index
