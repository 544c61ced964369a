"""``ABSENT``: a field that is not there, as opposed to one that is null."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Absent(Enum):
    """The type of ``ABSENT`` (an enum, so that it pickles to itself and type checkers narrow it)."""

    ABSENT = "absent"

    @property
    def is_undefined(self) -> bool:
        """How ``ecma_json`` knows a value that ``JSON.stringify`` drops."""
        return True

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent.ABSENT
