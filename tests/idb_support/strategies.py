"""Hypothesis strategies for keys and structured values."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from tfjsd.storage_backends.script_collections import Map
from tfjsd.storage_backends.script_types import UNDEFINED, BigInt, Date, RegExp, ScriptError

strings = st.text(st.characters(exclude_categories=())) | st.text("\ud800\udc00\x00\x01a😀\uffff", max_size=6)
moments = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
far_dates = st.integers(-8_640_000_000_000_000, -62_200_000_000_000).map(Date)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False)

simple_keys = numbers | moments | far_dates | strings | st.binary(max_size=20)
keys = st.recursive(simple_keys, lambda inner: st.lists(inner, max_size=4), max_leaves=8)

leaves = (
    st.none()
    | st.just(UNDEFINED)
    | st.booleans()
    | numbers
    | st.integers()
    | st.integers(-5, 5).map(BigInt)
    | strings
    | st.binary(max_size=40)
    | moments
    | far_dates
    | st.builds(RegExp, strings, st.just("g"))
    | st.builds(ScriptError, strings, strings)
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(strings, inner, max_size=5)
        | st.lists(st.tuples(strings | numbers, inner), max_size=4).map(Map)
        | st.sets(strings | st.integers(2, 99), max_size=4)
    ),
    max_leaves=12,
)
