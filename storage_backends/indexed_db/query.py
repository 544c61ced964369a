"""What is read of a store or an index."""

from __future__ import annotations

from typing import Literal, NamedTuple

from .layout import Bounds

Direction = Literal["next", "nextunique", "prev", "prevunique"]

Source = tuple[int, int]
"""A store and 0, or a store and one of its indexes."""

Row = tuple[bytes, bytes, bytes | None]
"""Key, primary key (both exact) and, where asked for, the stored value."""


class Query(NamedTuple):
    """Which records to read: ``limit`` of them (None: all) in a direction, after ``skip`` others."""

    source: Source
    bounds: Bounds
    direction: Direction = "next"
    limit: int | None = None
    skip: int = 0
    values: bool = False
