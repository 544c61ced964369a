"""What engines do differently in IndexedDB, as data. What is the same for all is the specification's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from ..browsers import Browser
from .key_coding import MAX_DEPTH
from .schema import IndexSchema, StoreSchema


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
    """A key path that finds undefined has found nothing: a generated key takes its place, where it is no array."""
    indexes_lost_keys: bool = False
    """An index on existing records has the generated keys of values that keep no properties (a Date), too."""
    checks_given_keys_first: bool = False
    """A key that is none is refused as such also where none may be given."""
    has_get_all_options: bool = True
    """``get_all`` and ``get_all_keys`` take a dict in place of the query; without, it is a key that is none. (Such an
    engine has no ``getAllRecords`` either: here it stays.)"""
    primitives_are_options: bool = False
    """What is given there and is neither of a key's types nor an object is taken for such a dict, and a TypeError."""
    multi_entry_on_key_path: Literal["each", "whole", "given"] = "each"
    """What a multi-entry index on the key path of its store has of a key that is an array: each of its items, or the
    whole; with ``given`` each, but nothing of a key that is generated with its record."""
    key_cursors_on_keys_have_values: bool = False
    """``open_key_cursor`` of a store, asked for a key and not for a range, gives a cursor with values."""
    opens_empty_unique_cursors: bool = True
    """A cursor of direction ``nextunique`` or ``prevunique`` may find no record; else its request fails."""
    commit_failure: Literal["request", "abort", "none"] = "request"
    """``tx.error`` after ``commit()`` met a failing request: that request's error, AbortError, or none."""
    commit_refuses_failures: bool = False
    """After ``commit()`` a failing request aborts only once all others have settled: with its error, or, where
    ``prevent_default`` was called, nevertheless (UnknownError)."""

    def as_filled(self, index: IndexSchema, store: StoreSchema) -> IndexSchema:
        """The index as its entries are made."""
        if self.multi_entry_on_key_path == "whole" and index.multi_entry and index.key_path == store.key_path:
            return replace(index, multi_entry=False)
        return index


_ENGINES: Final = {
    "chromium": EngineBehaviour(indexes_lost_keys=True, commit_refuses_failures=True),
    "firefox": EngineBehaviour(
        key_depth=64,
        keeps_negative_zero=False,
        clones_before_keys=False,
        primitives_are_options=True,
        multi_entry_on_key_path="given",
        commit_failure="abort",
    ),
    "webkit": EngineBehaviour(
        undefined_is_absent=True,
        checks_given_keys_first=True,
        has_get_all_options=False,
        multi_entry_on_key_path="whole",
        key_cursors_on_keys_have_values=True,
        opens_empty_unique_cursors=False,
        commit_failure="none",
    ),
}


def behaviour_of(browser: Browser) -> EngineBehaviour:
    return _ENGINES[browser.engine]
