"""Weights as numpy arrays: what ``encodeWeights`` and ``decodeWeights`` of TensorFlow.js do."""

import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjsd.errors import InvalidArtifactsError
from tfjsd.model_io.arrays import Weights, encode_weights
from tfjsd.model_io.types import ModelArtifacts


def encoded(arrays, group=None):
    pieces, specs = encode_weights(arrays, group)
    return b"".join(pieces), specs


def dequantized(stored: np.ndarray, dtype="float32", quantization=None, dequantize=True):
    spec = {"name": "w", "shape": list(stored.shape), "dtype": dtype, "quantization": quantization}
    return Weights([spec], stored.tobytes(), dequantize=dequantize)["w"]


def test_arrays_are_written_one_after_the_other():
    arrays = {
        "x1": np.array([[10, 20], [30, 40]], np.int32),
        "x2": np.float32(13.37),
        "x3": np.array([True, False, False, True]),
        "x4": np.array([1 + 2j, 1 + 2j], np.complex64),
    }
    data, specs = encoded(arrays)
    assert data == struct.pack("<4if4B4f", 10, 20, 30, 40, 13.37, 1, 0, 0, 1, 1, 2, 1, 2)
    assert specs == [
        {"name": "x1", "shape": [2, 2], "dtype": "int32"},
        {"name": "x2", "shape": [], "dtype": "float32"},
        {"name": "x3", "shape": [4], "dtype": "bool"},
        {"name": "x4", "shape": [2], "dtype": "complex64"},
    ]
    assert [list(spec) for spec in encoded(arrays, "optimizer")[1]] == [["name", "shape", "dtype", "group"]] * 4
    assert encoded([("b", np.float32(1)), ("a", np.float32(2))])[1][0]["name"] == "b"
    assert encoded([]) == (b"", [])


def test_strings_are_written_with_their_lengths():
    data, specs = encoded({"x1": np.array([["a", "bc"], ["def", "g"]]), "x2": "", "x3": np.array(["здраво"], object)})
    assert data == (
        b"\1\0\0\0a\2\0\0\0bc\3\0\0\0def\1\0\0\0g" + b"\0\0\0\0" + b"\x0c\0\0\0" + "здраво".encode()
    )  # fmt: skip
    assert [spec["shape"] for spec in specs] == [[2, 2], [], [1]]
    assert {spec["dtype"] for spec in specs} == {"string"}


def test_contiguous_arrays_are_not_copied_and_others_are_written_in_order():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    pieces, _ = encode_weights({"a": array, "b": array.T})
    assert np.shares_memory(np.frombuffer(pieces[0], np.float32), array)
    assert pieces[0].readonly
    assert bytes(pieces[1]) == array.T.tobytes()
    assert encoded({"a": array.astype(">f4")})[0] == array.tobytes()


@pytest.mark.parametrize(
    ("value", "dtype", "hint"),
    [(1.5, "float64", "float32"), (np.int64(1), "int64", "int32"), (np.float16(1), "float16", "float32"),
     (np.uint8(1), "uint8", "int32"), (np.array([b"x", 3], object), "int", None),
     (np.datetime64(1, "s"), r"datetime64\[s\]", None)],
)  # fmt: skip
def test_other_dtypes_are_refused_with_the_text_of_tensorflow_js(value, dtype, hint):
    with pytest.raises(InvalidArtifactsError, match=f"^Unsupported dtype in weight 'x': {dtype}$") as caught:
        encode_weights({"x": value})
    assert hint is None or hint in str(caught.value.hint)


def test_mixed_dtypes_round_trip():
    arrays = {
        "x1": np.array([[10, 20], [30, 40]], np.int32),
        "x2": np.array(13.37, np.float32),
        "x3": np.array([True, False, False]),
        "x4": np.array([["здраво", "a"], ["b", ""]]),
        "x6": np.array("hello"),
        "y1": np.array([[-10], [-20], [-30]], np.float32),
        "y2": np.array([1 + 2j, 3 - 4j], np.complex64),
        "z": np.zeros((0, 4), np.float32),
    }
    data, specs = encoded(arrays)
    for buffers in (data, [data[index : index + 5] for index in range(0, len(data), 5)]):
        weights = Weights(specs, buffers)
        assert list(weights) == list(arrays)
        for name, array in arrays.items():
            if np.asarray(array).dtype.kind == "U":
                array = np.vectorize(str.encode, otypes=[object])(array)
            assert weights[name].shape == array.shape
            np.testing.assert_array_equal(weights[name], array)
        assert weights["x3"].dtype == np.bool_
        assert weights["x4"].dtype == object


shapes = st.lists(st.integers(0, 4), max_size=3)


@given(
    st.lists(st.tuples(st.sampled_from(["float32", "int32", "bool", "complex64", "string"]), shapes), max_size=5),
    st.data(),
)
@settings(deadline=None, max_examples=60)
def test_any_arrays_round_trip_however_the_bytes_are_cut(kinds, data):
    arrays = {}
    for index, (dtype, shape) in enumerate(kinds):
        size = int(np.prod(shape))
        if dtype == "string":
            items = data.draw(st.lists(st.binary(max_size=9), min_size=size, max_size=size))
            array = np.empty(size, object)
            array[:] = items
            arrays[f"w{index}"] = array.reshape(shape)
        else:
            arrays[f"w{index}"] = (np.arange(size) * 3 % 7).astype(dtype).reshape(shape)
    whole, specs = encoded(arrays)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    artifacts = ModelArtifacts({}, specs, pieces)
    artifacts.check()
    decoded = artifacts.weights()
    for name, array in arrays.items():
        np.testing.assert_array_equal(decoded[name], array)
        assert decoded[name].dtype == array.dtype


def test_views_are_read_only_and_not_copied_where_aligned():
    data = bytearray(np.arange(5, dtype=np.float32).tobytes())
    specs = [
        {"name": "a", "shape": [2], "dtype": "float32"},
        {"name": "b", "shape": [], "dtype": "bool"},
        {"name": "c", "shape": [2], "dtype": "float32"},
    ]
    view = np.frombuffer(data, np.uint8)
    weights = Weights(specs, memoryview(data)[:17])
    assert np.shares_memory(weights["a"], view)
    assert np.shares_memory(weights["b"], view)
    assert not np.shares_memory(weights["c"], view)
    assert weights["c"].flags.aligned
    for name in weights:
        assert not weights[name].flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        weights["a"][0] = 1
    copies = Weights(specs, memoryview(data)[:17], copy=True)
    for name in copies:
        assert copies[name].flags.writeable
        assert not np.shares_memory(copies[name], view)


def test_views_outlive_what_they_came_from():
    weights = Weights([{"name": "a", "shape": [2], "dtype": "float32"}], np.array([1, 2], np.float32).tobytes())
    array = weights["a"]
    del weights
    assert array.tolist() == [1, 2]


def test_names_choose_weights_and_unknown_ones_are_named_as_tensorflow_js_does():
    data, specs = encoded({"a": np.float32(1), "b": np.float32(2), "c": np.float32(3)})
    weights = Weights(specs, data, ["c", "a"])
    assert {name: float(array) for name, array in weights.items()} == {"a": 1, "c": 3}
    assert len(weights) == 2
    assert weights.spec("c").shape == ()
    with pytest.raises(KeyError):
        weights["b"]
    with pytest.raises(InvalidArtifactsError) as caught:
        Weights(specs, data, ["x", "a", "y"])
    assert caught.value.message == (
        "Could not find weights in manifest with names: x, y. \nManifest JSON has weights with names: a, b, c."
    )


def test_surplus_bytes_are_ignored_and_the_last_of_duplicates_counts():
    specs = [{"name": "a", "shape": [], "dtype": "int32"}] * 2
    assert Weights(specs, struct.pack("<3i", 1, 2, 3))["a"] == 2


@pytest.mark.parametrize("stored_dtype", ["uint8", "uint16"])
def test_affine_quantization_is_undone_in_double_arithmetic(stored_dtype):
    stored = np.array([0, 48, 255], stored_dtype)
    affine = {"dtype": stored_dtype, "scale": 0.1, "min": -1}
    floats = dequantized(stored, "float32", quantization=affine)
    assert floats.dtype == np.float32
    assert floats.tolist() == [float(np.float32(value * 0.1 - 1)) for value in (0, 48, 255)]
    integers = dequantized(stored, "int32", quantization=affine)
    assert integers.dtype == np.int32
    assert integers.tolist() == [-1, 4, 25]
    raw = dequantized(stored, quantization=affine, dequantize=False)
    assert raw.dtype == stored_dtype
    assert raw.tolist() == [0, 48, 255]


@pytest.mark.parametrize(
    ("scale", "minimum", "expected"),
    [(0.5, 0, [0, 1, 1, 2, 2, 3]), (0.5, -2, [-2, -1, -1, 0, 0, 1]),
     (2.0**31, 0, [0, -(2**31), 0, -(2**31), 0, -(2**31)]),
     (0.49999999999999994, 0, [0, 0, 1, 1, 2, 2]), (1e308, 0, [0, 0, 0, 0, 0, 0])],
)  # fmt: skip
def test_integers_round_half_up_as_javascript_does_and_wrap(scale, minimum, expected):
    affine = {"dtype": "uint8", "scale": scale, "min": minimum}
    assert dequantized(np.arange(6, dtype=np.uint8), "int32", quantization=affine).tolist() == expected


def half_to_float_bits(half: int) -> int:
    sign, exponent, fraction = (half & 0x8000) << 16, half >> 10 & 31, half & 1023
    if exponent == 31:
        return sign | 0x7F800000 | fraction << 13
    if exponent == 0:
        return sign | struct.unpack("<I", struct.pack("<f", fraction * 2.0**-24))[0]
    return sign | exponent + 112 << 23 | fraction << 13


def test_every_half_float_decodes_exactly():
    halves = np.arange(65536, dtype=np.uint16)
    floats = dequantized(halves, quantization={"dtype": "float16"})
    assert floats.dtype == np.float32
    expected = np.array([half_to_float_bits(half) for half in range(65536)], np.uint32)
    is_nan = np.isnan(floats)
    assert is_nan.sum() == 2 * 1023
    np.testing.assert_array_equal(floats.view(np.uint32)[~is_nan], expected[~is_nan])
    assert np.isnan(expected[is_nan].view(np.float32)).all()
    assert floats[[0x3400, 0x3800, 0x3A00, 0xFC00]].tolist() == [0.25, 0.5, 0.75, -np.inf]


@pytest.mark.parametrize(
    ("spec", "data", "text"),
    [
        ({"quantization": {"dtype": "uint8", "min": 0}}, b"x",
         "Weight w with quantization uint8 doesn't have corresponding metadata min and scale."),
        ({"quantization": {"dtype": "uint16", "scale": 1}}, b"xx",
         "Weight w with quantization uint16 doesn't have corresponding metadata min and scale."),
        ({"dtype": "int32", "quantization": {"dtype": "float16"}}, b"xx",
         "Weight w is quantized with float16 which only supports weights of type float32 not int32."),
        ({"quantization": {"dtype": "int8"}}, b"x",
         "Weight w has unknown quantization dtype int8. Supported quantization dtypes are: 'uint8', 'uint16', and "
         "'float16'."),
        ({"dtype": "bool", "quantization": {"dtype": "uint8", "min": 0, "scale": 1}}, b"x",
         "Unsupported dtype in weight 'w': bool"),
        *[({"dtype": dtype}, bytes(8), f"Unsupported dtype in weight 'w': {dtype}")
          for dtype in ("float16", "uint8", "uint16", "float64", "bfloat16", "int64")],
        ({}, b"xyz", "byte length of Float32Array should be a multiple of 4"),
        ({"dtype": "int32"}, b"xyz", "byte length of Int32Array should be a multiple of 4"),
        ({"quantization": {"dtype": "float16"}}, b"x", "byte length of Uint16Array should be a multiple of 2"),
        ({"shape": [2, 3]}, bytes(20), "Based on the provided shape, [2,3], the tensor should have 6 values but has 5"),
        ({"shape": [0, 2**53, 2**53]}, b"", f"weight 'w' has a shape beyond numpy: {[0, 2**53, 2**53]}"),
        ({"shape": [2], "dtype": "bool"}, b"\1",
         "Based on the provided shape, [2], the tensor should have 2 values but has 1"),
        ({"shape": [2], "dtype": "complex64"}, bytes(8),
         "Based on the provided shape, [2], the tensor should have 2 values but has 1"),
    ],
)  # fmt: skip
def test_undecodable_weights_fail_with_the_texts_of_tensorflow_js(spec, data, text):
    with pytest.raises(InvalidArtifactsError) as caught:
        Weights([{"name": "w", "shape": [], "dtype": "float32"} | spec], data)["w"]
    assert caught.value.message == text


def test_a_bool_is_any_byte_but_zero():
    weights = Weights([{"name": "w", "shape": [3], "dtype": "bool"}], b"\0\1\xff")
    assert weights["w"].tolist() == [False, True, True]


def test_from_weights_makes_artifacts_that_give_the_arrays_back():
    arrays = {"dense/kernel": np.ones((3, 2), np.float32), "dense/bias": np.zeros(2, np.float32)}
    artifacts = ModelArtifacts.from_weights({"class_name": "Sequential"}, arrays, format="layers-model")
    artifacts.check()
    assert artifacts.texts() == {
        "modelTopology": '{"class_name":"Sequential"}',
        "format": '"layers-model"',
        "weightSpecs": '[{"name":"dense/kernel","shape":[3,2],"dtype":"float32"},'
        '{"name":"dense/bias","shape":[2],"dtype":"float32"}]',
    }
    np.testing.assert_array_equal(artifacts.weights()["dense/kernel"], arrays["dense/kernel"])


def test_numpy_is_loaded_only_when_arrays_are_asked_for():
    program = (
        "import sys; from tfjsd.model_io.types import ModelArtifacts as A;"
        "a = A({}, [{'name': 'w', 'shape': [], 'dtype': 'float32'}], bytes(4)); a.check(); a.info(); a.to_multipart();"
        "assert not {'numpy', 'asyncio'} & set(sys.modules); a.weights(); assert 'numpy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
