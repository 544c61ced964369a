"""What engines do differently in IndexedDB, as data. What is the same for all is the specification's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ..browsers import Browser
from .key_coding import MAX_DEPTH


@dataclass(frozen=True, slots=True)
class EngineBehaviour:
    """One engine."""

    key_depth: int = MAX_DEPTH
    """Arrays in arrays that a key may have."""
    keeps_negative_zero: bool = True
    """A key -0 reads back as -0."""
    clones_before_keys: bool = True
    """``put`` clones the value before it looks at an out-of-line key: DataCloneError comes before DataError."""
    undefined_is_absent: bool = False
    """A key path that finds undefined has found nothing: a generated key takes its place."""
    indexes_lost_keys: bool = False
    """An index on existing records has the generated keys of values that keep no properties (a Date), too."""
    commit_failure: Literal["request", "abort", "none"] = "request"
    """``tx.error`` after ``commit()`` met a failing request: that request's error, AbortError, or none."""
    commit_refuses_failures: bool = False
    """After ``commit()`` a failing request aborts only once all others have settled: with its error, or, where
    ``prevent_default`` was called, nevertheless (UnknownError)."""


_ENGINES: Final = {
    "chromium": EngineBehaviour(indexes_lost_keys=True, commit_refuses_failures=True),
    "firefox": EngineBehaviour(
        key_depth=64, keeps_negative_zero=False, clones_before_keys=False, commit_failure="abort"
    ),
    "webkit": EngineBehaviour(undefined_is_absent=True, commit_failure="none"),
}


def behaviour_of(browser: Browser) -> EngineBehaviour:
    return _ENGINES[browser.engine]
