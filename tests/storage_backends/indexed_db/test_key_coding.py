"""Keys: what is one, their order, and that bytes keep both."""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from idb_support.strategies import keys, strings

from tfjsd.errors import CorruptionError
from tfjsd.storage_backends.indexed_db.key_coding import (
    AFTER,
    MAX_DEPTH,
    InvalidKeyError,
    compare,
    decode_key,
    encode_key,
    end_of_key,
    exact_form,
    read_key,
)
from tfjsd.storage_backends.script_types import HOLE, UNDEFINED, BigInt, Date, milliseconds_of

_RANK = {int: 0, float: 0, Date: 1, datetime: 1, str: 2, bytes: 3, list: 4}


def _units(text):
    data = text.encode("utf-16-le", "surrogatepass")
    return struct.unpack(f"<{len(data) // 2}H", data)


def _model_compare(one, other):
    """https://w3c.github.io/IndexedDB/#compare-two-keys, step by step."""
    ranks = _RANK[type(one)], _RANK[type(other)]
    if ranks[0] != ranks[1]:
        return 1 if ranks[0] > ranks[1] else -1
    if isinstance(one, list):
        for a, b in zip(one, other, strict=False):
            if order := _model_compare(a, b):
                return order
        one, other = len(one), len(other)
    elif isinstance(one, str):
        one, other = _units(one), _units(other)
    elif isinstance(one, Date | datetime):
        one, other = (m.ms if isinstance(m, Date) else milliseconds_of(m) for m in (one, other))
    return (one > other) - (one < other)


def _same(one, other):
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, str):
        return isinstance(other, str) and _units(one) == _units(other)
    return one == other


def _deep(arrays):
    key: list = []
    for _ in range(arrays - 1):
        key = [key]
    return key


@given(keys, keys)
def test_bytes_sort_as_the_specification_compares(one, other):
    assert compare(encode_key(one), encode_key(other)) == _model_compare(one, other)


@given(keys)
def test_a_key_comes_back(key):
    assert _same(decode_key(encode_key(key)), key)


@given(keys, keys)
def test_a_key_ends_where_the_next_begins(one, other):
    data = encode_key(one) + encode_key(other)
    assert end_of_key(data, 0) == read_key(data, 0)[1] == len(encode_key(one))


@given(keys, keys)
def test_after_a_key_comes_everything_greater_and_nothing_less(one, other):
    first, second = encode_key(one), encode_key(other)
    assert (second < first + AFTER) == (second <= first)
    assert (second + first < first + AFTER) == (second <= first)


@given(strings)
def test_a_pair_of_surrogates_is_the_character(text):
    split = "".join(chr(unit) for unit in _units(text))
    assert encode_key(split) == encode_key(text)


@pytest.mark.parametrize(
    "value",
    [
        None,
        UNDEFINED,
        HOLE,
        True,
        False,
        math.nan,
        Date(math.nan),
        datetime(2020, 1, 1),
        {},
        {"a": 1},
        set(),
        object(),
        len,
        2**53 + 1,
        -(2**53) - 1,
        BigInt(1),
        1j,
        Fraction(1, 3),
        [1, None],
        [[], [UNDEFINED]],
        [1, HOLE],
        [True],
        ("a", {}),
        [BigInt(1)],
    ],
)
def test_what_is_no_key_is_refused(value):
    with pytest.raises(InvalidKeyError):
        encode_key(value)


def test_an_array_that_holds_itself_is_no_key():
    cyclic: list = [1]
    cyclic.append([cyclic])
    with pytest.raises(InvalidKeyError):
        encode_key(cyclic)


def test_an_array_may_appear_twice():
    shared = [1]
    assert decode_key(encode_key([shared, shared])) == [[1], [1]]


@pytest.mark.parametrize("limit", [64, MAX_DEPTH])
def test_arrays_nest_as_deep_as_the_browser_lets_them(limit):
    assert len(encode_key(_deep(limit), limit)) == 2 * limit
    with pytest.raises(InvalidKeyError):
        encode_key(_deep(limit + 1), limit)


def test_minus_zero_is_zero_and_can_be_told_apart():
    assert encode_key(-0.0) == encode_key(0) == encode_key(0.0)
    assert encode_key([1, [-0.0]]) == encode_key([1, [0]])
    assert exact_form(0) is exact_form(0.0) is exact_form("x") is exact_form([1, [0]]) is None
    exact = exact_form(-0.0)
    assert exact is not None
    assert math.copysign(1, decode_key(exact)) == -1
    nested = exact_form([1, [-0.0]])
    assert nested is not None
    assert math.copysign(1, decode_key(nested)[1][0]) == -1


def test_numbers_come_back_as_int_where_integral_and_below_2_to_the_53():
    read = [decode_key(encode_key(number)) for number in (5.0, 2**53 - 1, 2**53, 0.5, math.inf)]
    assert read == [5, 2**53 - 1, 2.0**53, 0.5, math.inf]
    assert [type(number) for number in read] == [int, int, float, float, float]


def test_dates_come_back_aware_and_to_the_millisecond():
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_999, tzinfo=UTC)
    assert decode_key(encode_key(moment)) == moment.replace(microsecond=678_000)
    assert decode_key(encode_key(Date(8.64e15))) == Date(8.64e15)


def test_buffers_are_keys_by_their_bytes():
    np = pytest.importorskip("numpy")
    buffers = (b"\1\2", bytearray(b"\1\2"), memoryview(b"\1\2"), np.array([1, 2], "u1"))
    assert len({encode_key(buffer) for buffer in buffers}) == 1
    assert decode_key(encode_key(bytearray(b"\0\1"))) == b"\0\1"


@pytest.mark.parametrize(
    "data", [b"", b"\x10\x00", b"\x60", b"\x50\x10", b"\x30abc", b"\x30a\x00\x00", b"\x30\xff\x00"]
)
def test_damaged_bytes_are_no_key(data):
    with pytest.raises(CorruptionError):
        decode_key(data)


@pytest.mark.parametrize(
    ("key", "golden"),
    [
        (0, "108000000000000000"),
        (1, "10bff0000000000000"),
        (-1, "10400fffffffffffff"),
        (math.inf, "10fff0000000000000"),
        (Date(0), "208000000000000000"),
        ("a\0\1é😀\ud800", "30610101" + "0102c3a9eda0bdedb880eda08000"),
        (b"\0\1\2", "400101010202" + "00"),
        ([], "5000"),
        ([1, ["a"]], "5010bff000000000000050306100" + "0000"),
    ],
)
def test_the_encoding_never_changes(key, golden):
    assert encode_key(key).hex() == golden
