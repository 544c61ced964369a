"""Playwright's storage state without Playwright: what goes in comes out."""

import math
from datetime import UTC, datetime

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjsd.errors import DataCloneError
from tfjsd.storage_backends.script_collections import Map, Set
from tfjsd.storage_backends.script_types import UNDEFINED, BigInt, BinaryView, Blob, RegExp, ScriptError
from tfjsd.testing import make_artifacts, simulate_browser
from tfjsd.testing.playwright import from_storage_state, storage_state
from tfjsd.testing.playwright.script_values import is_plain, member, read_member

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False).filter(bool)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ODD = [
    UNDEFINED,
    [UNDEFINED, None, True, "x", 1.5],
    math.inf,
    {"a": -0.0, "b": [math.inf, -math.inf]},
    BigInt(5),
    2**70,
    b"bytes",
    datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC),
    RegExp("a+", "gi"),
    Map([(1, "a"), ("k", Map())]),
    Set([1, "x"]),
    BinaryView("Uint8ClampedArray", b"\x01\x02"),
    ScriptError("TypeError", "no"),
    {"__proto__": b""},
]


@settings(max_examples=60, deadline=None)
@given(PLAIN)
def test_plain_json_stays_readable(value):
    assert is_plain(value)
    assert member("value", value) == {"value": value}
    assert read_member("value", {"value": value}) == value


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_other_values_are_encoded(value):
    record = member("value", value)
    assert list(record) == ["valueEncoded"]
    found = read_member("value", record)
    assert found == value
    assert type(found) is type(value)


def test_shared_and_cyclic_references_are_kept():
    loop = {"bytes": b"x"}
    loop["self"] = loop
    found = read_member("value", member("value", [loop, loop]))
    assert found[0] is found[1]
    assert found[0]["self"] is found[0]


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8", "i8", "u8"])
def test_typed_arrays(dtype):
    array = numpy.arange(3).astype(dtype)
    found = read_member("value", member("value", {"x": array}))["x"]
    assert found.dtype == array.dtype
    assert (found == array).all()


@pytest.mark.parametrize(
    "value", [Blob(b"x"), BinaryView("DataView", b"x"), object()], ids=lambda value: type(value).__name__
)
def test_what_the_format_cannot_hold_is_refused(value):
    with pytest.raises(DataCloneError, match="has no form for"):
        member("value", [value])


def test_origins_keep_apart(tmp_path):
    with simulate_browser() as browser:
        other = browser.with_origin("https://other.example:8443")
        browser.local_storage()["k"] = "\ud800"
        other.save("indexeddb://m", make_artifacts())
        state = storage_state(browser, tmp_path / "state.json")
    assert [entry["origin"] for entry in state["origins"]] == ["http://localhost", "https://other.example:8443"]
    for source in (state, tmp_path / "state.json"):
        with from_storage_state(source, "firefox", quirks=None) as again:
            assert again.local_storage()["k"] == "\ud800"
            assert list(again.with_origin("https://other.example:8443").list_models()) == ["indexeddb://m"]
            assert again.list_models() == {}


def test_an_empty_state():
    with from_storage_state({"cookies": [], "origins": []}) as browser:
        assert browser.origins() == {}
        assert storage_state(browser) == {"cookies": [], "origins": []}
