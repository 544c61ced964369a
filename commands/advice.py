"""What leads further after an error that has no advice of its own: mostly another command."""

from __future__ import annotations

from ..errors import ModelNotFoundError, QuotaExceededError, TfjsdError

_NAMES = "a stored model is named indexeddb://NAME or localstorage://NAME"


def advice(error: TfjsdError) -> str | None:
    """The error's own hint, else what the command line has for its class."""
    if error.hint:
        return error.hint
    if isinstance(error, ModelNotFoundError):
        return f"tfjsd list shows what is stored in the origin, with -A in all; {_NAMES}"
    if isinstance(error, QuotaExceededError):
        return "tfjsd quota shows the limits, tfjsd list --sort size:desc which models take most"
    return None
