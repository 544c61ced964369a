"""Weights as numpy arrays: ``encodeWeights`` and ``decodeWeights`` of TensorFlow.js.

The only module of ``model_io`` that loads numpy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InvalidArtifactsError
from ..storage_backends.abc import Buffer
from .composite_buffer import CompositeBuffer
from .weight_specs import Quantization, WeightSpec, byte_ranges, parse_weight_specs

Array = npt.NDArray[Any]

_LITTLE_ENDIAN = {
    "float32": np.dtype("<f4"),
    "int32": np.dtype("<i4"),
    "bool": np.dtype(np.bool_),
    "complex64": np.dtype("<c8"),
    "uint8": np.dtype(np.uint8),
    "uint16": np.dtype("<u2"),
    "float16": np.dtype("<f2"),
}
_ENCODABLE = ("float32", "int32", "bool", "complex64")
_TYPED_ARRAY = {"float32": "Float32Array", "int32": "Int32Array", "complex64": "Float32Array"}

# -- Decoding ----------------------------------------------------------------------------------------------------------


class Weights(Mapping[str, Array]):
    """Name to array, decoded when it is asked for, in the order of the specs.

    Arrays are read-only views of the weight bytes where those lie together and aligned, else copies; they keep the
    bytes alive. String weights are arrays of ``bytes`` objects, as TensorFlow has them.
    """

    def __init__(
        self,
        specs: object,
        data: Buffer | Sequence[Buffer] | CompositeBuffer | None,
        names: Iterable[str] | None = None,
        *,
        copy: bool = False,
        dequantize: bool = True,
    ) -> None:
        """``specs`` is a ``weightSpecs`` value; ``names`` restricts to these weights, in the order of the specs.

        ``copy`` gives writable arrays of their own; without ``dequantize`` a quantized weight is the stored uint8,
        uint16 or float16 array. Raises InvalidArtifactsError for specs that say nothing sensible, and for names that
        are not there.
        """
        self._data = CompositeBuffer(data)
        ranges = byte_ranges(parse_weight_specs(specs), self._data)
        found = {spec.name: (spec, start, end) for spec, start, end in ranges}
        self._ranges = found if names is None else _only(found, list(names))
        self._copy = copy
        self._dequantize = dequantize

    def __getitem__(self, name: str) -> Array:
        """The array. Raises InvalidArtifactsError with tfjs's text where the bytes do not make one."""
        spec, start, end = self._ranges[name]
        array = decode_weight(spec, self._data.views(start, end), dequantize=self._dequantize)
        if self._copy:
            return array if array.flags.writeable else array.copy()
        array.flags.writeable = False
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._ranges)

    def __len__(self) -> int:
        return len(self._ranges)

    def __repr__(self) -> str:
        return f"<Weights {', '.join(self._ranges)}>"

    def spec(self, name: str) -> WeightSpec:
        """Shape, dtype, quantization and group of a weight, without decoding it."""
        return self._ranges[name][0]


def _only(found: Mapping[str, tuple[WeightSpec, int, int]], names: list[str]) -> dict[str, tuple[WeightSpec, int, int]]:
    if missing := [name for name in names if name not in found]:
        raise InvalidArtifactsError(
            f"Could not find weights in manifest with names: {', '.join(missing)}. \n"
            f"Manifest JSON has weights with names: {', '.join(found)}."
        )
    wanted = set(names)
    return {name: place for name, place in found.items() if name in wanted}


def decode_weight(spec: WeightSpec, pieces: Sequence[memoryview], *, dequantize: bool = True) -> Array:
    """One weight from its bytes, which may lie in several pieces; a view of them where that is possible.

    Raises InvalidArtifactsError with tfjs's texts.
    """
    view = pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))
    if spec.quantization is not None:
        _check_quantization(spec, spec.quantization)
        stored = _typed(spec, view)
        return _dequantized(spec, spec.quantization, stored) if dequantize else stored
    if spec.dtype == "string":
        return _strings(spec, view)
    if spec.dtype not in _ENCODABLE:
        raise InvalidArtifactsError(f"Unsupported dtype in weight '{spec.name}': {spec.dtype}")
    return _typed(spec, view)


def _typed(spec: WeightSpec, view: memoryview) -> Array:
    dtype = _LITTLE_ENDIAN[spec.stored_dtype]
    _check_enough(spec, len(view), dtype.itemsize)
    if spec.stored_dtype == "bool":
        # Any byte but 0 is true; numpy's own bool takes no others.
        flat: Array = np.frombuffer(view, np.uint8)
        flat = flat.view(np.bool_) if not len(flat) or flat.max() <= 1 else flat != 0
    else:
        flat = np.frombuffer(view, dtype)
    if not flat.flags.aligned:
        flat = flat.copy()
    return _shaped(spec, flat)


def _shaped(spec: WeightSpec, flat: Array) -> Array:
    try:
        return flat.reshape(spec.shape)
    except ValueError:  # an empty array of dimensions that no array may have
        raise InvalidArtifactsError(f"weight '{spec.name}' has a shape beyond numpy: {list(spec.shape)}") from None


def _check_enough(spec: WeightSpec, byte_length: int, item_size: int) -> None:
    """Raises what a typed array and a tensor made of too few bytes would (Chromium's text for the former)."""
    if byte_length == spec.elements * item_size:
        return
    unit = min(item_size, 4)  # complex64 is read as pairs of float32
    if byte_length % unit:
        name = _TYPED_ARRAY.get(spec.stored_dtype, "Uint16Array")
        raise InvalidArtifactsError(f"byte length of {name} should be a multiple of {unit}")
    shape = ",".join(map(str, spec.shape))
    raise InvalidArtifactsError(
        f"Based on the provided shape, [{shape}], the tensor should have {spec.elements} values "
        f"but has {byte_length // item_size}"
    )


def _check_quantization(spec: WeightSpec, quantization: Quantization) -> None:
    if quantization.dtype == "float16":
        if spec.dtype != "float32":
            raise InvalidArtifactsError(
                f"Weight {spec.name} is quantized with float16 which only supports weights of type float32 "
                f"not {spec.dtype}."
            )
    elif quantization.min is None or quantization.scale is None:
        raise InvalidArtifactsError(
            f"Weight {spec.name} with quantization {quantization.dtype} doesn't have corresponding metadata "
            "min and scale."
        )
    if spec.dtype not in ("float32", "int32"):
        raise InvalidArtifactsError(f"Unsupported dtype in weight '{spec.name}': {spec.dtype}")


def _dequantized(spec: WeightSpec, quantization: Quantization, stored: Array) -> Array:
    if quantization.dtype == "float16":
        return stored.astype(np.float32)
    assert quantization.scale is not None
    assert quantization.min is not None
    with np.errstate(over="ignore", invalid="ignore"):
        values = stored.astype(np.float64) * quantization.scale + quantization.min
        return values.astype(np.float32) if spec.dtype == "float32" else _to_int32(_round_half_up(values))


def _round_half_up(values: Array) -> Array:
    """``Math.round``: of two equally near integers the greater; the converter's numpy takes the even one."""
    floor = np.floor(values)
    rounded: Array = floor + (values - floor >= 0.5)
    return rounded


def _to_int32(values: Array) -> Array:
    """What an Int32Array keeps of integral doubles: modulo 2³², 0 of NaN and the infinities."""
    finite = np.where(np.isfinite(values), values, 0)
    return np.mod(finite, 2.0**32).astype(np.uint32).view(np.int32)


def _strings(spec: WeightSpec, view: memoryview) -> Array:
    array: Array = np.empty(spec.elements, dtype=object)
    position = 0
    for index in range(spec.elements):
        start = position + 4
        position = start + int.from_bytes(view[position:start], "little")
        array[index] = bytes(view[start:position])
    return _shaped(spec, array)


# -- Encoding ----------------------------------------------------------------------------------------------------------


def encode_weights(
    arrays: Mapping[str, npt.ArrayLike] | Iterable[tuple[str, npt.ArrayLike]], group: str | None = None
) -> tuple[list[memoryview], list[dict[str, Any]]]:
    """The bytes of each array, in order, and their ``weightSpecs``; contiguous little-endian arrays are not copied.

    Dtypes are tfjs's five: float32, int32, bool, complex64, and strings (arrays of str or bytes).
    Raises InvalidArtifactsError with tfjs's text for any other.
    """
    pieces, specs = [], []
    for name, value in arrays.items() if isinstance(arrays, Mapping) else arrays:
        array = np.asarray(value)
        dtype, data = _encoded(name, array)
        spec: dict[str, Any] = {"name": name, "shape": list(array.shape), "dtype": dtype}
        specs.append(spec if group is None else {**spec, "group": group})
        pieces.append(data)
    return pieces, specs


def _encoded(name: str, array: Array) -> tuple[str, memoryview]:
    if array.dtype.kind in "USO":
        return "string", memoryview(b"".join(_encoded_string(name, item) for item in array.reshape(-1).tolist()))
    dtype = array.dtype.name
    if dtype not in _ENCODABLE:
        known = "float32" if array.dtype.kind == "f" else "int32" if array.dtype.kind in "iu" else None
        raise InvalidArtifactsError(
            f"Unsupported dtype in weight '{name}': {dtype}", hint=known and f"convert it with .astype('{known}')"
        )
    flat = np.ascontiguousarray(array, _LITTLE_ENDIAN[dtype]).reshape(-1).view(np.uint8)
    return dtype, flat.data.toreadonly()


def _encoded_string(name: str, item: object) -> bytes:
    if isinstance(item, str):
        item = item.encode("utf-8", "surrogatepass")
    if not isinstance(item, bytes):
        raise InvalidArtifactsError(f"Unsupported dtype in weight '{name}': {type(item).__name__}")
    return len(item).to_bytes(4, "little") + item
