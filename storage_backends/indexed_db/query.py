"""What is read of a store or an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from ..values import blobs_of
from .layout import Bounds

Direction = Literal["next", "nextunique", "prev", "prevunique"]

Source = tuple[int, int]
"""A store and 0, or a store and one of its indexes."""

Row = tuple[bytes, bytes, bytes | None]
"""Key, primary key (both exact) and, where asked for, the stored value."""


class Query(NamedTuple):
    """Which records to read: ``limit`` of them (None: all) in a direction, after ``skip`` others.

    ``max_bytes``: fewer come where more would pass it, but always one.
    """

    source: Source
    bounds: Bounds
    direction: Direction = "next"
    limit: int | None = None
    skip: int = 0
    values: bool = False
    max_bytes: int | None = None


def within(max_bytes: int | None, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows up to the one that would pass ``max_bytes``, what lies out of line included; always the first."""
    if max_bytes is None:
        yield from rows
        return
    held = 0
    for row in rows:
        size = _size_of(row)
        if held and held + size > max_bytes:
            return
        held += size
        yield row


def _size_of(row: Row) -> int:
    key, primary, value = row
    size = len(key) + len(primary)
    return size if value is None else size + len(value) + sum(blob.size for blob in blobs_of(value))
