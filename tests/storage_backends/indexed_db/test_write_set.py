"""What a transaction has written, and what is taken back of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sortedcontainers import SortedDict

from tfjsd.errors import UnknownError
from tfjsd.storage_backends.abc import Blob
from tfjsd.storage_backends.catalogue import REFERENCES
from tfjsd.storage_backends.indexed_db import write_set
from tfjsd.storage_backends.indexed_db.layout import prefix_of
from tfjsd.storage_backends.indexed_db.record_head import PLAIN, stored_blobs
from tfjsd.storage_backends.indexed_db.write_set import WriteSet
from tfjsd.storage_backends.values import Encoded, encode

PREFIXES = (prefix_of(1, 1), prefix_of(1, 2))
KEYS = [prefix + bytes((number,)) for prefix in PREFIXES for number in range(4)]
BLOBS = [Blob(f"{number:064x}", number) for number in (1_000, 2_000)]


def referring_to(*blobs: Blob) -> Encoded:
    """A record's value that keeps these out of line."""
    return encode(list(blobs), lambda _: BLOBS[0])


class Base:
    """What lies beneath."""

    def __init__(self, records: dict[bytes, bytes]) -> None:
        self.records = SortedDict(records)

    def get(self, key):
        return b"" if key[:1] == REFERENCES else self.records.get(key)  # each blob is referred to

    def first(self, start, stop):
        return next(self.scan(start, stop), None)

    def scan(self, start, stop, *, reverse=False):
        keys = self.records.irange(start, stop, (True, False), reverse=reverse)
        return ((key, self.records[key]) for key in keys)


keys = st.sampled_from(KEYS)
values = st.lists(st.sampled_from(BLOBS)).map(lambda blobs: referring_to(*blobs))
changes = st.lists(
    st.one_of(
        st.tuples(st.just("put"), keys, values),
        st.tuples(st.just("delete"), keys),
        st.tuples(st.just("scan")),
        st.tuples(st.just("forget"), st.sampled_from(PREFIXES)),
    )
)
bases = st.dictionaries(keys, values.map(lambda value: PLAIN + value.data)).map(Base)


def apply(writes: WriteSet, change: tuple[Any, ...]) -> None:
    match change:
        case "put", key, value:
            writes.put(key, PLAIN + value.data, value.blobs)
        case "delete", key:
            writes.delete(key)
        case "forget", prefix:
            writes.forget(prefix, prefix + b"\xff")
        case _:
            everything(writes)


def everything(writes: WriteSet, *, reverse: bool = False) -> list[tuple[bytes, bytes]]:
    return list(writes.scan(b"", b"\xff", reverse=reverse))


def state(writes: WriteSet) -> Any:
    by_key = (writes.writes, writes.before, writes.blobs, writes.old_blobs)
    return copy.deepcopy([sorted(found.items()) for found in by_key]), writes.size, writes.replaced, writes.growth


@given(bases, changes, changes, changes)
def test_what_is_taken_back_was_never_written(base, before, failed, after):
    writes, other = WriteSet(base), WriteSet(base)
    for change in before:
        apply(writes, change)
        apply(other, change)
    writes.mark()
    for change in failed:
        if change[0] != "forget":
            apply(writes, change)
    writes.take_back()
    for change in [("scan",), *after, ("scan",)]:
        assert state(writes) == state(other)
        assert everything(writes) == everything(other)
        assert everything(writes, reverse=True) == everything(other)[::-1]
        apply(writes, change)
        apply(other, change)


@given(bases, changes)
def test_growth_is_what_the_base_would_grow_by(base, made):
    """``forget`` leaves to the reclaimer what lies beneath: that is no growth, and no shrinking either."""
    writes = WriteSet(base)
    for change in made:
        apply(writes, change)
    expected = 0
    for key, value in writes.writes.items():
        expected += _size(key, value) - _size(key, writes.before[key])
    assert writes.growth == expected
    assert writes.size == sum(len(key) + len(value or b"") for key, value in writes.writes.items())
    assert writes.replaced == sum(len(key) + len(old) for key, old in writes.before.items() if old is not None)


def _size(key: bytes, record: bytes | None) -> int:
    if record is None:
        return 0
    return len(key) + len(record) + sum(blob.size for blob in stored_blobs(key, record))


def test_nothing_is_taken_back_beyond_a_forgotten_prefix():
    writes = WriteSet(Base({}))
    writes.put(KEYS[0], b"\x00")
    writes.mark()
    writes.put(KEYS[-1], b"\x00")
    writes.forget(PREFIXES[0], PREFIXES[0] + b"\xff")
    writes.take_back()
    assert list(writes.writes) == [KEYS[-1]]


def test_a_refused_write_changes_nothing(monkeypatch):
    writes = WriteSet(Base({}))
    writes.put(KEYS[0], b"\x00")
    before = state(writes)
    monkeypatch.setattr(write_set, "MAX_INLINE_BYTES", 64)
    for key in KEYS[:2]:
        with pytest.raises(UnknownError):
            writes.put(key, bytes(64))
        assert state(writes) == before


def test_a_refused_deletion_changes_nothing(monkeypatch):
    writes = WriteSet(Base({key: PLAIN + encode("x" * 20, lambda _: BLOBS[0]).data for key in KEYS}))
    monkeypatch.setattr(write_set, "MAX_INLINE_BYTES", 64)
    writes.delete(KEYS[0])
    before = state(writes)
    with pytest.raises(UnknownError, match="deletes or replaces more than 64 bytes"):
        writes.delete(KEYS[1])
    with pytest.raises(UnknownError, match="deletes or replaces more than 64 bytes"):
        writes.put(KEYS[1], b"\x00")
    assert state(writes) == before
