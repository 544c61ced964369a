"""numpy arrays as JavaScript's typed arrays.

numpy is imported only when a stored typed array is read; an array that is to be written is recognized by its array
interface (https://numpy.org/doc/stable/reference/arrays.interface.html), so storage itself never loads numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .abc import Buffer

_KINDS = {
    "i1": "Int8Array",
    "u1": "Uint8Array",
    "i2": "Int16Array",
    "u2": "Uint16Array",
    "i4": "Int32Array",
    "u4": "Uint32Array",
    "f2": "Float16Array",
    "f4": "Float32Array",
    "f8": "Float64Array",
    "i8": "BigInt64Array",
    "u8": "BigUint64Array",
}
_DTYPES = {kind: "<" + code for code, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class TypedArray:
    """An array's kind, shape and bytes (C order, little-endian)."""

    kind: str
    shape: tuple[int, ...]
    data: Buffer


def is_array(value: object) -> bool:
    """Whether the value says of itself that it is a numpy array."""
    return hasattr(value, "__array_interface__") and hasattr(value, "__len__")


def typed_array_of(value: Any) -> TypedArray | None:
    """What is stored of a numpy array; None for a dtype that no typed array has (bool, complex), and for a masked
    array, whose mask would be lost."""
    if hasattr(value, "mask"):
        return None
    typestr: str = value.__array_interface__["typestr"]
    kind = _KINDS.get(typestr[1:])
    if kind is None:
        return None
    if typestr[0] == ">":
        value = value.astype("<" + typestr[1:])
    view = memoryview(value)
    shape = tuple(view.shape or ())
    if not view.nbytes:
        return TypedArray(kind, shape, b"")
    return TypedArray(kind, shape, view.cast("B") if view.c_contiguous and view.ndim else view.tobytes())


def array_of(kind: str, shape: tuple[int, ...], data: Buffer) -> Any:
    """The numpy array on these bytes, without a copy; writable where they are."""
    import numpy as np

    return np.frombuffer(data, dtype=_DTYPES[kind]).reshape(shape)


def named_array(dtype: str, shape: Sequence[int], data: Buffer) -> Any:
    """The same of the dtype that numpy calls so. Raises ValueError and TypeError where they don't go together."""
    import numpy as np

    return np.frombuffer(data, dtype=dtype).reshape(shape)
