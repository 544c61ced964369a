"""What weight specs say about the bytes is checked before anything is allocated."""

import numpy as np
import pytest

from tfjsd.errors import InvalidArtifactsError, TooLargeError
from tfjsd.model_io.composite_buffer import CompositeBuffer
from tfjsd.model_io.weight_specs import byte_ranges, check_byte_length, check_weights, parse_weight_specs


def spec(name="w", shape=(), dtype="float32", **more):
    return {"name": name, "shape": list(shape), "dtype": dtype, **more}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [(spec(shape=[2, 3]), 24), (spec(), 4), (spec(shape=[0, 2**50]), 0), (spec(dtype="int32"), 4),
     (spec(dtype="bool"), 1),
     (spec(dtype="complex64"), 8), (spec(dtype="uint8"), 1), (spec(dtype="uint16"), 2), (spec(dtype="float16"), 2),
     (spec(shape=[3], quantization={"dtype": "uint8", "scale": 1, "min": 0}), 3),
     (spec(shape=[3], quantization={"dtype": "float16", "original_dtype": "float32"}), 6),
     (spec(dtype="string"), None)],
)  # fmt: skip
def test_size_is_elements_times_stored_dtype(entry, expected):
    (parsed,) = parse_weight_specs([entry])
    assert parsed.byte_length == expected


def test_weights_of_exactly_the_described_bytes_pass():
    specs = [
        spec("a", [2]),
        spec("b", [3], "bool"),
        spec("c", [2], "string"),
        spec("d", [], "int32", group="optimizer"),
    ]
    data = bytes(8) + b"\1\0\1" + b"\2\0\0\0hi" + b"\0\0\0\0" + bytes(4)
    check_weights(specs, CompositeBuffer(data))
    check_weights(specs, CompositeBuffer([data[:13], data[13:]]))
    check_weights([], None)
    check_weights([], CompositeBuffer([]))
    check_weights(None, CompositeBuffer(b"whatever"))
    check_weights(None, None)
    ends = [(start, end) for _, start, end in byte_ranges(parse_weight_specs(specs), CompositeBuffer(data))]
    assert ends == [(0, 8), (8, 11), (11, 21), (21, 25)]


@pytest.mark.parametrize(
    ("specs", "data", "words"),
    [
        ([spec(shape=[2])], bytes(4), "describe 8 bytes, but the weights have 4"),
        ([spec(shape=[2])], bytes(9), "describe 8 bytes, but the weights have 9"),
        ([spec()], None, "describe 4 bytes, but the weights have 0"),
        ([], b"x", "describe 0 bytes, but the weights have 1"),
        ([spec(shape=[2**53, 2**53])], bytes(4), "describe"),
        ([spec(shape=[2**40], dtype="string")], bytes(4), "at least"),
        ([spec(shape=[1], dtype="string")], b"\1\0\0", "at least 4 bytes"),
        ([spec(shape=[1], dtype="string")], b"\5\0\0\0hi", "past the end"),
        ([spec(shape=[1], dtype="string")], b"\1\0\0\0hi", "describe 5 bytes, but the weights have 6"),
        ([spec(shape=[2], dtype="string")], b"\4\0\0\0hihi", "past the end"),
        ([spec(shape=[-1])], bytes(4), "impossible dimension: -1"),
        ([spec(shape=[1.5])], bytes(4), "impossible dimension"),
        ([spec(shape=[True])], bytes(4), "impossible dimension"),
        ([spec(shape=["2"])], bytes(4), "impossible dimension"),
        ([spec(shape=[2**53 + 2])], bytes(4), "impossible dimension"),
        ([spec(shape=[1] * 33)], bytes(4), "at most 32 dimensions"),
        ([spec() | {"shape": None}], bytes(4), "shape of weight 'w'"),
        ([spec("a"), spec("b"), spec("a")], bytes(12), "two weights named 'a'"),
        ([spec(dtype="int16")], bytes(2), "^Unsupported dtype in weight 'w': int16$"),
        ([spec() | {"dtype": None}], bytes(2), "^Unsupported dtype in weight 'w': None$"),
        (
            [spec(quantization={"dtype": "int4"})],
            b"x",
            "^Weight w has unknown quantization dtype int4. Supported quant",
        ),
        ([spec(quantization=None)], b"x", "quantization of weight 'w' must be an object"),
        ([spec(quantization={"dtype": "uint8", "scale": "1", "min": 0})], b"x", "no number"),
        ([{"shape": []}], b"", "with a name"),
        (["w"], b"", "with a name"),
        ({"name": "w"}, b"", "must be a list"),
        ("[]", b"", "must be a list"),
    ],
)
def test_specs_that_contradict_themselves_or_the_bytes_are_refused(specs, data, words):
    with pytest.raises(InvalidArtifactsError, match=words):
        check_weights(specs, None if data is None else CompositeBuffer(data))


def test_specs_made_in_python_may_have_tuples_and_other_integers():
    (parsed,) = parse_weight_specs(({"name": "w", "shape": (np.int64(2), 3), "dtype": "float32"},))
    assert parsed.shape == (2, 3)
    assert {type(size) for size in parsed.shape} == {int}


def test_limits_are_stated():
    many = [spec(str(index)) for index in range(11)]
    with pytest.raises(TooLargeError, match="11 entries; at most 10"):
        parse_weight_specs(many, max_specs=10)
    with pytest.raises(TooLargeError, match="at most 7"):
        check_byte_length(parse_weight_specs([spec(shape=[2])]), 8, limit=7)
    with pytest.raises(TooLargeError, match="10000001 strings"):
        list(byte_ranges(parse_weight_specs([spec(shape=[10_000_001], dtype="string")]), CompositeBuffer(b"")))
    with pytest.raises(TooLargeError):
        check_weights(None, CompositeBuffer(bytes(8)), limit=7)
