"""JavaScript's views of bytes as Python has them: numpy arrays, and BinaryView for what numpy lacks."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfjsd.storage_backends.script_types import BinaryView

_DTYPES = {
    "Int8Array": "i1",
    "Uint8Array": "u1",
    "Int16Array": "<i2",
    "Uint16Array": "<u2",
    "Int32Array": "<i4",
    "Uint32Array": "<u4",
    "Float16Array": "<f2",
    "Float32Array": "<f4",
    "Float64Array": "<f8",
    "BigInt64Array": "<i8",
    "BigUint64Array": "<u8",
}
_KINDS = {np.dtype(code): kind for kind, code in _DTYPES.items()}


def view_of(kind: str, data: bytes) -> Any:
    """The view of that kind on these bytes."""
    return np.frombuffer(data, _DTYPES[kind]) if kind in _DTYPES else BinaryView(kind, data)


def kind_and_bytes(view: np.ndarray[Any, Any] | BinaryView) -> tuple[str, bytes]:
    """What ``view_of`` would make an equal one of."""
    if isinstance(view, BinaryView):
        return view.kind, bytes(view.data)
    return _KINDS[view.dtype], view.tobytes()
