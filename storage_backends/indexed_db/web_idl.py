"""Arguments as Web IDL converts them. https://webidl.spec.whatwg.org/#es-type-mapping"""

from __future__ import annotations

import math
from typing import Any, Final

from ..script_types import UNDEFINED
from .dom_exceptions import DOMExceptions

UNSIGNED_LONG: Final = (1 << 32) - 1
UNSIGNED_LONG_LONG: Final = (1 << 53) - 1


def unsigned(value: Any, maximum: int, exceptions: DOMExceptions, method: str, interface: str, argument: int) -> int:
    """``[EnforceRange] unsigned long`` or ``long long``: a number, cut to an integer. Raises TypeError."""
    kind = "unsigned long" if maximum == UNSIGNED_LONG else "unsigned long long"
    fields = {"kind": kind, "maximum": maximum, "value": _shown(value), "argument": argument}
    if isinstance(value, str | bytes) or not hasattr(value, "__float__") or value is UNDEFINED:
        raise exceptions.type_error("not-a-number", method, interface, **fields)
    if isinstance(value, float) and not math.isfinite(value):
        reason = "not-a-number" if value != value else "infinite"
        raise exceptions.type_error(reason, method, interface, **fields)
    number = int(value)
    if not 0 <= number <= maximum:
        raise exceptions.type_error("out-of-range", method, interface, **fields)
    return number


def dom_string(value: Any, what: str) -> str:
    """``DOMString``: code units, so that a pair of surrogates is the character that it stands for.

    Raises TypeError for what is no str: none of Python's own forms is what JavaScript would make of it.
    """
    if not isinstance(value, str):
        raise TypeError(f"{what} is a str, not {type(value).__name__}")
    if value.isascii():
        return str.__str__(value)  # a subclass's characters
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _shown(value: Any) -> str:
    if isinstance(value, float):
        if value != value:
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)
