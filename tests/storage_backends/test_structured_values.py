"""Structured values: what goes in comes out, and what has no stored form is refused."""

from __future__ import annotations

import asyncio
import copy
import math
import pickle
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from idb_support.strategies import numbers, strings, values

from tfjsd.errors import CorruptionError, DataCloneError
from tfjsd.storage_backends.abc import INLINE_LIMIT
from tfjsd.storage_backends.abc import Blob as StagedBlob
from tfjsd.storage_backends.json_text import JsonText
from tfjsd.storage_backends.script_collections import Map, Set
from tfjsd.storage_backends.script_types import (
    HOLE,
    UNDEFINED,
    Array,
    BigInt,
    BinaryView,
    Blob,
    Boxed,
    Date,
    File,
    RegExp,
    ScriptError,
)
from tfjsd.storage_backends.values import blobs_of, cannot_stage, decode, decode_all, encode


class Shelf:
    """Holds what is staged under a made-up digest."""

    def __init__(self):
        self.blobs = {}

    def stage(self, data):
        blob = StagedBlob(f"{len(self.blobs):064x}", memoryview(data).nbytes)
        self.blobs[blob] = bytes(data)
        return blob

    def open(self, blob):
        return memoryview(self.blobs[blob])


def through(value, **options):
    shelf = Shelf()
    return decode(encode(value, shelf.stage).data, shelf.open, **options)


def normal(text):
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def plain(value):
    """The value with strings normalized, for comparison."""
    if isinstance(value, str):
        return normal(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {normal(key): plain(item) for key, item in value.items()}
    if isinstance(value, Map):
        return Map((plain(key), plain(item)) for key, item in value.items())
    if isinstance(value, set):
        return {plain(item) for item in value}
    if isinstance(value, RegExp):
        return RegExp(normal(value.source), value.flags)
    if isinstance(value, ScriptError):
        return ScriptError(normal(value.name), normal(value.message))
    return value


@given(values)
def test_every_value_comes_back(value):
    assert plain(through(value)) == plain(value)


primitives = st.none() | st.booleans() | numbers | st.integers() | st.floats() | strings
plain_objects = st.dictionaries(strings | st.sampled_from(["id", "n", "__proto__", "0"]), primitives, max_size=5)


@given(plain_objects)
def test_a_plain_object_reads_back_as_within_a_list(value):
    [inside] = through([value])
    again = through(value)
    assert repr(again) == repr(inside)
    assert list(again) == list(inside)


@given(st.lists(plain_objects | values, max_size=5))
def test_many_values_read_as_each_by_itself(several):
    shelf = Shelf()
    stored = [encode(value, shelf.stage).data for value in several]
    assert repr(decode_all(stored, shelf.open)) == repr([decode(data, shelf.open) for data in stored])


class Name(str):
    __slots__ = ()


@pytest.mark.parametrize("value", [{Name("a"): 1}, {"a": Name("x")}, {1: 2}, {"a": BigInt(1)}, {"a": 2**60}])
def test_what_only_looks_plain_keeps_its_type(value):
    again = through(value)
    [inside] = through([value])
    assert (type(again), repr(again)) == (type(inside), repr(inside))


def test_a_long_string_of_a_plain_object_lies_out_of_line():
    shelf = Shelf()
    value = {"a": "x" * (INLINE_LIMIT + 1)}
    assert blobs_of(encode(value, shelf.stage).data) == list(shelf.blobs)


@pytest.mark.parametrize("text", [b"", b"1", b"{", b'{"a":1}x', b'{"a":\xff}', b"[" * 100_000])
def test_a_damaged_plain_object_is_told(text):
    with pytest.raises(CorruptionError):
        decode(b"\x01\x00p" + text, cannot_stage)


@pytest.mark.parametrize("texts", [[b"1},{", b"{}"], [b"{},{}", b""], [b'{"a":1', b"{}"]])
def test_damage_of_one_of_many_is_told(texts):
    with pytest.raises(CorruptionError):
        decode_all([b"\x01\x00p" + text for text in texts], cannot_stage)


@given(strings)
def test_text_keeps_its_code_units(text):
    assert through(text) == normal(text)


@pytest.mark.parametrize(
    "value",
    [
        UNDEFINED,
        None,
        [1, HOLE, 3],
        Array([1], {"x": [2]}),
        Array([1]),
        Boxed(5),
        Boxed("s"),
        Boxed(False),
        BinaryView("DataView", b"ab"),
        BinaryView("Uint8ClampedArray", b""),
        Blob(b"hello", "text/plain"),
        File(b"abc", "text/plain", "n.txt", 5.5),
        Set([1, True, {}]),
        Set([[], {"a": Set()}]),
        Map([({"o": 1}, 2), (1, "number"), (True, "bool"), (None, 0)]),
        RegExp("a/b\n", "giu"),
        ScriptError("TypeError", "boom"),
        Date(math.nan),
        Date(-8.64e15),
        datetime(2026, 11, 20, tzinfo=UTC),
        {"": {"\ud800": []}},
        "中" * 1000,
    ],
)
def test_script_types_come_back(value):
    again = through(value)
    assert again == value
    assert type(again) is type(value) or isinstance(value, Array)


@pytest.mark.parametrize(
    ("value", "read", "kind"),
    [
        (5.0, 5, int),
        (2**53 - 1, 2**53 - 1, int),
        (2.0**53, 2.0**53, float),
        (2**53 + 1, 2**53 + 1, int),
        (-(2**70), -(2**70), int),
        (BigInt(5), 5, BigInt),
        (BigInt(-(2**53)), -(2**53), BigInt),
        (1.5, 1.5, float),
        (math.inf, math.inf, float),
        (True, True, bool),
        ((1, (2,)), [1, [2]], list),
        (bytearray(b"x"), b"x", bytes),
        (memoryview(b"xyz")[::2], b"xz", bytes),
        ({1: 2}, {1: 2}, Map),
        ({}, {}, dict),
        (frozenset({1}), {1}, set),
        (np.float32(1.5), 1.5, float),
        (np.int64(7), 7, int),
    ],
)
def test_what_a_value_reads_back_as(value, read, kind):
    again = through(value)
    assert again == read
    assert type(again) is kind


def test_nan_and_minus_zero_stay_what_they_are():
    nan, zero = through([math.nan, -0.0])
    assert math.isnan(nan)
    assert math.copysign(1, zero) == -1


def test_references_stay_shared_and_cycles_closed():
    shared: dict = {"v": 1}
    value: dict = {"a": shared, "b": shared, "list": [], "map": Map(), "set": Set()}
    value["self"] = value
    value["list"].append(value["list"])
    value["map"]["m"] = value["map"]
    value["set"].add(value["set"])
    again = through(value)
    assert again["a"] is again["b"]
    assert again["self"] is again
    assert again["list"][0] is again["list"]
    assert again["map"]["m"] is again["map"]
    assert again["set"] in again["set"]


def test_equal_objects_stay_apart():
    one, other = through([{}, {}])
    assert one is not other
    first, second = through([(), ()])
    assert first is not second


def test_depth_is_no_limit():
    value: list = []
    for _ in range(100_000):
        value = [value]
    again, depth = through(value), 0
    while again:
        again, depth = again[0], depth + 1
    assert depth == 100_000


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "f2", "f4", "f8", "i8", "u8"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (0, 4), (2, 1, 2)])
def test_arrays_keep_dtype_and_shape(dtype, shape):
    array = np.arange(math.prod(shape), dtype=dtype).reshape(shape)
    again = through(array)
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array, strict=True)
    np.testing.assert_array_equal(through(array.copy("F")), array, strict=True)
    np.testing.assert_array_equal(through(array.astype(">" + dtype)), array)


def test_small_arrays_are_the_readers_own():
    array = through(np.zeros(3))
    array[0] = 1


@pytest.mark.parametrize(
    "value",
    [
        len,
        lambda: None,
        object(),
        type,
        1j,
        ValueError("x"),
        datetime(2026, 1, 1),
        np.zeros(1, bool),
        np.zeros(1, complex),
        np.array([object()]),
        np.ma.array([1.0, 2.0], mask=[True, False]),
        np.ma.masked,
        Fraction(1, 3),
        Decimal(1),
        Boxed([]),
        BinaryView("Int8Array", b""),
        asyncio.Lock(),
        iter(()),
    ],
)
def test_what_cannot_be_cloned_is_refused(value):
    for holder in (value, [value], {"a": {"b": value}}):
        with pytest.raises(DataCloneError, match="could not be cloned"):
            encode(holder, cannot_stage)


def test_the_error_names_a_value_as_chromium_does():
    class WeakMap:
        pass

    for value, text in [
        (WeakMap(), "#<WeakMap> could not be cloned."),
        (lambda: 0, "function(){} could not be cloned."),
    ]:
        with pytest.raises(DataCloneError) as caught:
            encode(value, cannot_stage)
        assert str(caught.value) == text


def test_large_binaries_and_texts_go_out_of_line():
    shelf = Shelf()
    size = INLINE_LIMIT + 1
    value = {
        "bytes": b"b" * size,
        "array": np.ones(size, "u1").reshape(1, size),
        "latin": "é" * size,
        "wide": "中" * size,
        "json": JsonText('{"a":"' + "x" * size + '"}'),
        "blob": Blob(b"f" * size),
        "small": b"s" * INLINE_LIMIT,
    }
    encoded = encode(value, shelf.stage)
    assert len(encoded.data) < INLINE_LIMIT + 1000
    assert list(encoded.blobs) == blobs_of(encoded.data) == list(shelf.blobs)
    again = decode(encoded.data, shelf.open)
    assert isinstance(again["bytes"], memoryview)
    assert again["bytes"] == value["bytes"]
    assert not again["array"].flags.writeable
    np.testing.assert_array_equal(again["array"], value["array"])
    assert (again["latin"], again["wide"]) == (value["latin"], value["wide"])
    assert again["json"] == {"a": "x" * size}
    assert again["blob"].data == b"f" * size
    assert again["small"] == value["small"]


def test_a_staged_blob_stands_for_its_bytes_and_is_listed_once():
    shelf = Shelf()
    blob = shelf.stage(b"x" * 10)
    encoded = encode([blob, blob], cannot_stage)
    assert encoded.blobs == (blob,)
    assert decode(encoded.data, shelf.open) == [b"x" * 10, b"x" * 10]


def test_json_text_reads_back_as_its_object_or_its_text():
    text = '{"a":[1,1.5,1e400,12345678901234567890,"\\ud800"],"b":null}'
    assert through(JsonText(text)) == {"a": [1, 1.5, math.inf, 12345678901234567890.0, "\ud800"], "b": None}
    assert isinstance(through(JsonText(text))["a"][3], float)
    assert through({"t": JsonText(text)}, json_as_text=True) == {"t": JsonText(text)}


@pytest.mark.parametrize(
    "data",
    [b"", b"\x01", b"\x02\x00u", b"\x01\x00", b"\x01\x00?", b"\x01\x00uu", b"\x01\x00s\x05ab", b"\x01\x00^\x07"]
    + [b"\x01\x00O\x01\x80", b"\x01\x00B\x00", b"\x01\x00d\x00", b"\x01\x01\x05\x00", b"\x01\x00v\x63\x00b\x00"],
)
def test_damaged_bytes_are_reported(data):
    with pytest.raises(CorruptionError):
        decode(data, Shelf().open)


def test_undefined_is_one_falsy_object():
    assert not UNDEFINED
    assert copy.deepcopy([UNDEFINED])[0] is UNDEFINED
    assert pickle.loads(pickle.dumps(UNDEFINED)) is UNDEFINED
    assert repr(UNDEFINED) == "UNDEFINED"


def test_maps_compare_keys_as_javascript_does():
    key: list = []
    found = Map([(1, "one"), (math.nan, "nan"), (True, "true"), (key, "list")])
    assert found[1.0] == "one"
    assert found[math.nan] == "nan"
    assert found[True] == "true"
    assert found[key] == "list"
    assert [] not in found
    del found[1]
    assert len(found) == 3
    with pytest.raises(KeyError):
        found["nothing"]


def test_neither_coding_nor_storage_loads_numpy():
    program = (
        "import sys; from tfjsd.storage_backends.values import encode, decode, cannot_stage; "
        "decode(encode({'a': [1]}, cannot_stage).data, None); sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
