"""The small facts of ``io_utils.ts`` and ``composite_array_buffer.ts``."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjsd.errors import InvalidArtifactsError
from tfjsd.model_io.composite_buffer import CompositeBuffer, flat_view
from tfjsd.model_io.io_utils import basename, string_byte_length


def test_string_byte_length_is_utf_8():
    assert [string_byte_length(text) for text in ("", "_Lorem ipsum 1337!", "aЖ文1", "😀", "\ud800")] == [
        0,
        18,
        7,
        4,
        3,
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [("foo.txt", "foo.txt"), ("bar", "bar"), ("qux/My Model.json", "My Model.json"), ("/foo/bar/baz", "baz"),
     ("foo/bar/baz/", "baz"), ("foo/bar/baz//", "baz"), ("", ""), ("/", ""), ("//", ""), (" \ufeffa/b \n", "b"),
     ("a\\b", "a\\b"), ("a/\x1c", "\x1c")],
)  # fmt: skip
def test_basename_is_the_last_component(path, expected):
    assert basename(path) == expected


UNIFORM = [bytes([0, 1, 2, 3]), bytes([4, 5, 6, 7]), bytes([8, 9, 10, 11]), bytes([12, 13, 14, 15]), bytes([16])]
NON_UNIFORM = [bytes([0, 1, 2]), bytes([3, 4, 5, 6, 7]), b"", bytes([8, 9, 10, 11]), bytes([12, 13, 14, 15, 16])]


@pytest.mark.parametrize("buffers", [UNIFORM, NON_UNIFORM], ids=["uniform", "non-uniform"])
@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(1, 13, range(1, 13)), (5, None, range(5, 17)), (0, None, range(17)), (-4, 5, range(5)), (7, 1000, range(7, 17)),
     (13, 15, range(13, 15)), (0, 2, range(2)), (9, 13, range(9, 13)), (math.nan, 2, range(2)), (0, math.nan, []),
     (5, 5, []), (6, 5, []), (100, 200, []), (0, -1, []), (0, math.inf, range(17))],
)  # fmt: skip
def test_slices_go_across_buffers(buffers, start, end, expected):
    composite = CompositeBuffer(buffers)
    assert composite.slice(start, end) == bytes(expected)
    assert b"".join(composite.views(start, end)) == bytes(expected)


def test_nothing_has_no_length_and_joins_to_nothing():
    for composite in (CompositeBuffer(), CompositeBuffer([]), CompositeBuffer(None)):
        assert composite.byte_length is None
        assert composite.slice() == b""
        assert bytes(composite.join()) == b""
    assert CompositeBuffer(b"").byte_length == 0


def test_a_view_counts_as_what_it_shows():
    data = memoryview(bytes(range(16)))[4:12]
    assert CompositeBuffer(data).join() == data
    array = np.arange(4, dtype=np.float32)
    assert CompositeBuffer([array[1:].data, array.data]).byte_length == 28
    assert flat_view(np.zeros((0, 3), np.float32)).nbytes == 0


def test_a_single_buffer_is_joined_without_a_copy():
    data = bytearray(4)
    joined = CompositeBuffer([data]).join()
    assert joined.obj is data
    assert joined.readonly
    assert bytes(CompositeBuffer([data, b"", b"x"]).join()) == b"\0\0\0\0x"


@pytest.mark.parametrize("data", [3, "text", object(), [1, 2], np.zeros((4, 4), np.uint8)[:, :2]])
def test_what_is_no_contiguous_buffer_is_refused(data):
    with pytest.raises(InvalidArtifactsError, match="contiguous buffer"):
        CompositeBuffer(data)


@given(st.lists(st.binary(max_size=7), max_size=6), st.integers(-3, 40), st.integers(-3, 40))
@settings(deadline=None)
def test_slices_are_those_of_the_joined_bytes(buffers, start, end):
    whole = b"".join(buffers)
    assert CompositeBuffer(buffers).slice(start, end) == whole[max(start, 0) : max(end, 0)]
