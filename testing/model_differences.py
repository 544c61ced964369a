"""In what two models differ, in words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ..model_io.composite_buffer import CompositeBuffer
from ..model_io.types import WIRE_NAMES, ModelArtifacts
from ..model_io.weight_specs import WeightSpec, byte_ranges, parse_weight_specs

_SHOWN = 60


def differences(actual: ModelArtifacts, expected: ModelArtifacts, rtol: float) -> Iterator[str]:
    """One line for each field and each weight that differs."""
    for wire in WIRE_NAMES.values():
        if wire != "weightSpecs" and (found := _field_difference(wire, actual, expected)):
            yield found
    ours, theirs = _weights(actual), _weights(expected)
    for name in [*theirs, *(name for name in ours if name not in theirs)]:
        if name not in ours:
            yield f"weight '{name}' is missing"
        elif name not in theirs:
            yield f"weight '{name}' was not expected"
        elif found := _weight_difference(name, ours[name], theirs[name], rtol):
            yield found
    if list(ours) != list(theirs) and sorted(ours) == sorted(theirs):
        yield f"the weights are in another order: {', '.join(ours)}"
    if _surplus(actual) != _surplus(expected):
        yield f"the weight data has {_surplus(actual)} bytes beyond its specs, not {_surplus(expected)}"


class _Weight:
    """One weight of a model, by its bytes."""

    def __init__(self, artifacts: ModelArtifacts, spec: WeightSpec, data: bytes) -> None:
        self.artifacts = artifacts
        self.spec = spec
        self.data = data


def _field_difference(wire: str, actual: ModelArtifacts, expected: ModelArtifacts) -> str | None:
    if wire == "modelTopology" and (actual.has_binary_topology or expected.has_binary_topology):
        return None if actual.model_topology == expected.model_topology else "modelTopology differs"
    ours, theirs = actual.text(wire), expected.text(wire)
    if ours == theirs:
        return None
    if ours is None or theirs is None:
        return f"{wire} is {_shown(ours, 0)}, not {_shown(theirs, 0)}"
    place = next(
        (at for at, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs))
    )
    start = max(place - _SHOWN // 3, 0)
    return f"{wire} differs at character {place}: {_shown(ours, start)}, not {_shown(theirs, start)}"


def _shown(text: str | None, start: int) -> str:
    if text is None:
        return "absent"
    end = start + _SHOWN
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def _weights(artifacts: ModelArtifacts) -> dict[str, _Weight]:
    data = CompositeBuffer(artifacts.weight_pieces)
    ranges = byte_ranges(parse_weight_specs(artifacts.weight_specs), data)
    return {spec.name: _Weight(artifacts, spec, b"".join(data.views(start, end))) for spec, start, end in ranges}


def _surplus(artifacts: ModelArtifacts) -> int:
    return (artifacts.weight_data_bytes or 0) - sum(len(weight.data) for weight in _weights(artifacts).values())


def _weight_difference(name: str, ours: _Weight, theirs: _Weight, rtol: float) -> str | None:
    if ours.spec != theirs.spec:
        return f"weight '{name}' is {_described(ours.spec)}, not {_described(theirs.spec)}"
    if ours.data == theirs.data:
        return None
    if rtol and ours.spec.dtype in ("float32", "int32", "complex64"):
        return _value_difference(name, ours, theirs, rtol)
    places = (at for at, (a, b) in enumerate(zip(ours.data, theirs.data, strict=False)) if a != b)
    first = next(islice(places, 1), min(len(ours.data), len(theirs.data)))
    return f"weight '{name}' ({_described(ours.spec)}) differs from byte {first} of {len(theirs.data)} on"


def _value_difference(name: str, ours: _Weight, theirs: _Weight, rtol: float) -> str | None:
    import numpy

    a, b = ours.artifacts.weights([name])[name], theirs.artifacts.weights([name])[name]
    is_off = ~numpy.isclose(a, b, rtol=rtol, atol=0, equal_nan=True)
    if not is_off.any():
        return None
    at = tuple(int(index) for index in numpy.argwhere(is_off)[0])
    return (
        f"weight '{name}' ({_described(ours.spec)}) differs in {int(is_off.sum())} of {is_off.size} values by more "
        f"than {rtol:g}, first at {list(at)}: {a[at]}, not {b[at]}"
    )


def _described(spec: WeightSpec) -> str:
    quantized = "" if spec.quantization is None else f" as {spec.quantization.dtype}"
    return f"{spec.dtype}{quantized} {list(spec.shape)}"
