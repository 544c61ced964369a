"""Pairs that would feed each other: a model of one comes back into it through the other, under an ever longer name."""

from __future__ import annotations

import os

from ...wire.sync_pair import SyncPair


def feed_each_other(one: SyncPair, other: SyncPair) -> bool:
    """Whether the pairs share both directories and a part of a store, and do not agree which model belongs where."""
    if one.origin != other.origin:
        return False
    outer, inner = sorted((one, other), key=lambda pair: len(os.path.realpath(pair.directory)))
    below = os.path.relpath(os.path.realpath(inner.directory), os.path.realpath(outer.directory))
    if below.split("/")[0] == "..":
        return False
    if not (outer.prefix.startswith(inner.prefix) or inner.prefix.startswith(outer.prefix)):
        return False
    return inner.prefix != outer.prefix + ("" if below == "." else f"{below}/")
