"""Canonical JSON text standing for the object it describes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

_LARGEST_NUMBER = 1 << 53


@dataclass(frozen=True, slots=True)
class JsonText:
    """JSON text as ``JSON.stringify`` writes it, stored as it is and read back as the object, parsed when asked for."""

    text: str

    def parse(self) -> Any:
        """What ``JSON.parse`` gives: numbers beyond 2^53 are the nearest double."""
        return json.loads(self.text, parse_int=_number)


def _number(digits: str) -> int | float:
    number = int(digits) if len(digits) < 20 else None
    if number is not None and -_LARGEST_NUMBER < number < _LARGEST_NUMBER:
        return number
    return float(digits)
