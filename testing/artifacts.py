"""Models for tests: valid TensorFlow.js layers models of any size, the same for the same seed."""

from __future__ import annotations

import random
from typing import Any

from ..model_io.types import ModelArtifacts

FORMAT = "layers-model"
GENERATED_BY = "TensorFlow.js tfjs-layers v4.22.0"
_SMALL = 8


def make_artifacts(
    *, weight_bytes: int | None = None, units: int | None = None, layers: int = 1, seed: int = 0
) -> ModelArtifacts:
    """A sequential model ``s`` of dense layers that TensorFlow.js itself loads, JSON as TensorFlow.js writes it.

    ``units``: every layer's kernel has so many float32 values. ``weight_bytes``: all weights together have exactly so
    many bytes (what is left after the last float32 is one more weight of dtype bool, which a real LayersModel would
    refuse). Neither: eight units. The weights are finite and depend on ``seed`` alone.

    Raises ValueError where both are given, or the bytes do not suffice for the layers.
    """
    if units is not None and weight_bytes is not None:
        raise ValueError("give units or weight_bytes, not both")
    if layers < 1:
        raise ValueError(f"a model has at least one layer, not {layers}")
    if weight_bytes is None:
        shapes, rest = _chain([_SMALL if units is None else units] * layers), 0
    else:
        floats, rest = divmod(weight_bytes, 4)
        shapes = _spread(floats, layers)
    names = ["d"] if layers == 1 else [f"d{number}" for number in range(1, layers + 1)]
    specs: list[dict[str, Any]] = []
    for name, (kernel, bias) in zip(names, shapes, strict=True):
        specs.append({"name": f"{name}/kernel", "shape": list(kernel), "dtype": "float32"})
        if bias:
            specs.append({"name": f"{name}/bias", "shape": [kernel[1]], "dtype": "float32"})
    count = sum(kernel[0] * kernel[1] + (kernel[1] if bias else 0) for kernel, bias in shapes)
    data = _values(count, seed)
    if rest:
        specs.append({"name": "rest", "shape": [rest], "dtype": "bool"})
        data += bytes(rest)
    described = zip(names, shapes, strict=True)
    topology = _topology([_dense(name, shape, first=name == names[0]) for name, shape in described])
    return ModelArtifacts(topology, specs, data, format=FORMAT, generated_by=GENERATED_BY, converted_by=None)


_Shape = tuple[tuple[int, int], bool]
"""A kernel's shape, and whether there is a bias."""


def _chain(sizes: list[int]) -> list[_Shape]:
    """Kernels of these many values, each layer's inputs being the outputs of the one before."""
    return [((size, 1) if index % 2 else (1, size), False) for index, size in enumerate(sizes)]


def _spread(floats: int, layers: int) -> list[_Shape]:
    """The values spread over the layers; an odd one becomes the last layer's bias."""
    if floats < layers and not (floats == 0 and layers == 1):
        raise ValueError(f"{floats} float32 values are too few for {layers} layers")
    each = floats // layers
    if layers % 2:
        return _chain([each] * (layers - 1) + [floats - each * (layers - 1)])
    left = floats - each * (layers - 2)
    chain = _chain([each] * (layers - 2) + [left // 2] * 2)
    chain[-1] = (chain[-1][0], bool(left % 2))
    return chain


def _dense(name: str, shape: _Shape, *, first: bool) -> dict[str, Any]:
    kernel, bias = shape
    zeros = {"class_name": "Zeros", "config": {}}
    config: dict[str, Any] = {
        "units": kernel[1],
        "activation": "linear",
        "use_bias": bias,
        "kernel_initializer": zeros,
        "bias_initializer": zeros,
        "kernel_regularizer": None,
        "bias_regularizer": None,
        "activity_regularizer": None,
        "kernel_constraint": None,
        "bias_constraint": None,
        "name": name,
        "trainable": True,
    }
    if first:
        config |= {"batch_input_shape": [None, kernel[0]], "dtype": "float32"}
    return {"class_name": "Dense", "config": config}


def _topology(layers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "class_name": "Sequential",
        "config": {"name": "s", "layers": layers},
        "keras_version": "tfjs-layers 4.22.0",
        "backend": "tensor_flow.js",
    }


_EXPONENTS = bytes(0x3F | (byte & 0x80) for byte in range(256))


def _values(count: int, seed: int) -> bytes:
    """So many float32 values between 0.5 and 2 in magnitude."""
    data = bytearray(random.Random(seed).randbytes(4 * count))  # noqa: S311 (repeatable, not secret)
    data[3::4] = data[3::4].translate(_EXPONENTS)
    return bytes(data)
