"""Weight specs: what they say about the bytes, checked without numpy and before anything is allocated."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from numbers import Integral
from typing import Any

from ..errors import InvalidArtifactsError, TooLargeError
from .composite_buffer import CompositeBuffer

DTYPE_VALUE_SIZE_MAP = {
    "float32": 4,
    "float16": 2,
    "int32": 4,
    "uint16": 2,
    "uint8": 1,
    "bool": 1,
    "complex64": 8,
}
"""Bytes per element; strings have no fixed size."""

MAX_SPECS = 100_000
MAX_MODEL_BYTES = 8 << 30
MAX_RANK = 32
MAX_STRINGS = 10_000_000
"""Elements of all string weights, each of which costs a step to find the next."""
_MAX_DIMENSION = 2**53
_LENGTH = struct.Struct("<I")  # before each string


@dataclass(frozen=True, slots=True)
class Quantization:
    """How values were made smaller: ``value ≈ stored * scale + min`` (uint8, uint16), or by rounding (float16)."""

    dtype: str
    scale: float | None = None
    min: float | None = None


@dataclass(frozen=True, slots=True)
class WeightSpec:
    """One entry of ``weightSpecs``."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None = None
    group: str | None = None

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def stored_dtype(self) -> str:
        """The dtype of the bytes: the quantized one, where there is quantization."""
        return self.dtype if self.quantization is None else self.quantization.dtype

    @property
    def byte_length(self) -> int | None:
        """Bytes that the weight takes, or None for strings, whose bytes tell.

        Raises InvalidArtifactsError with tfjs's text for a dtype that it does not know.
        """
        if self.stored_dtype == "string":
            return None
        size = DTYPE_VALUE_SIZE_MAP.get(self.stored_dtype)
        if size is None:
            raise InvalidArtifactsError(f"Unsupported dtype in weight '{self.name}': {self.stored_dtype}")
        return self.elements * size


def parse_weight_specs(specs: object, *, max_specs: int = MAX_SPECS) -> tuple[WeightSpec, ...]:
    """The entries of a ``weightSpecs`` value (parsed JSON; None is no entry).

    Raises InvalidArtifactsError for what is no list of entries, negative, fractional or huge dimensions; TooLargeError
    for more than ``max_specs`` entries. Duplicate names pass: ``check_weights`` refuses them, a reader takes the last.
    """
    if specs is None:
        return ()
    if not isinstance(specs, list | tuple):
        raise InvalidArtifactsError(f"weightSpecs must be a list, not {type(specs).__name__}")
    if len(specs) > max_specs:
        raise TooLargeError(f"weightSpecs has {len(specs)} entries; at most {max_specs} are taken")
    return tuple(_parse_entry(entry) for entry in specs)


def check_size_limit(byte_length: int, limit: int = MAX_MODEL_BYTES) -> None:
    """Raises TooLargeError for weights of more than ``limit`` bytes."""
    if byte_length > limit:
        raise TooLargeError(f"the weights have {byte_length} bytes; at most {limit} are taken")


def check_byte_length(specs: Iterable[WeightSpec], byte_length: int, *, limit: int = MAX_MODEL_BYTES) -> None:
    """Raises InvalidArtifactsError where weights of ``byte_length`` bytes contradict ``specs``.

    String weights only give a least length; ``check_weights`` reads them. Raises TooLargeError above ``limit``.
    """
    check_size_limit(byte_length, limit)
    needed, is_exact = 0, True
    for spec in specs:
        size = spec.byte_length
        is_exact &= size is not None
        needed += _LENGTH.size * spec.elements if size is None else size
    if needed > byte_length or (is_exact and needed != byte_length):
        raise _mismatch(needed, byte_length, "" if is_exact else "at least ")


def check_weights(specs: object, weights: CompositeBuffer | None, *, limit: int = MAX_MODEL_BYTES) -> None:
    """Raises InvalidArtifactsError unless names are unique and ``weights`` has exactly the bytes that ``specs`` say.

    ``specs`` is parsed JSON. Where there are no specs at all (absent, null), there is nothing that weights contradict.
    """
    given = 0 if weights is None else weights.byte_length or 0
    entries = parse_weight_specs(specs)
    if specs is None:
        check_size_limit(given, limit)
        return
    _check_unique(entries)
    check_byte_length(entries, given, limit=limit)
    if any(entry.stored_dtype == "string" for entry in entries):
        ends = [end for _, _, end in byte_ranges(entries, weights or CompositeBuffer())]
        if ends[-1] != given:
            raise _mismatch(ends[-1], given)


def byte_ranges(specs: Sequence[WeightSpec], weights: CompositeBuffer) -> Iterator[tuple[WeightSpec, int, int]]:
    """Each entry with the start and end of its bytes, one after the other without gaps.

    Raises InvalidArtifactsError where strings go past the end; TooLargeError for more than ``MAX_STRINGS`` of them.
    """
    strings = sum(spec.elements for spec in specs if spec.stored_dtype == "string")
    if strings > MAX_STRINGS:
        raise TooLargeError(f"the weights have {strings} strings; at most {MAX_STRINGS} are taken")
    view = weights.join() if strings else memoryview(b"")
    start = 0
    for spec in specs:
        size = spec.byte_length
        end = start + size if size is not None else _end_of_strings(spec, view, start)
        yield spec, start, end
        start = end


def _end_of_strings(spec: WeightSpec, view: memoryview, position: int) -> int:
    try:
        for _ in range(spec.elements):
            position += _LENGTH.size + _LENGTH.unpack_from(view, position)[0]
    except struct.error:
        position = len(view) + 1
    if position > len(view) and spec.elements:
        raise InvalidArtifactsError(f"the strings of weight '{spec.name}' go past the end of the weights")
    return position


def _mismatch(needed: int, given: int, qualifier: str = "") -> InvalidArtifactsError:
    return InvalidArtifactsError(f"weightSpecs describe {qualifier}{needed} bytes, but the weights have {given}")


def _check_unique(specs: Sequence[WeightSpec]) -> None:
    seen: set[str] = set()
    for spec in specs:
        if spec.name in seen:
            raise InvalidArtifactsError(f"weightSpecs has two weights named '{spec.name}'")
        seen.add(spec.name)


# -- One entry ---------------------------------------------------------------------------------------------------------


def _parse_entry(entry: object) -> WeightSpec:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise InvalidArtifactsError(f"an entry of weightSpecs must be an object with a name: {_shortened(entry)}")
    name, dtype, group = entry["name"], entry.get("dtype"), entry.get("group")
    if not isinstance(dtype, str):
        raise InvalidArtifactsError(f"Unsupported dtype in weight '{name}': {_shortened(dtype)}")
    quantization = _parse_quantization(name, entry["quantization"]) if "quantization" in entry else None
    return WeightSpec(
        name, _parse_shape(name, entry.get("shape")), dtype, quantization, group if isinstance(group, str) else None
    )


def _parse_shape(name: str, shape: object) -> tuple[int, ...]:
    if not isinstance(shape, list | tuple) or len(shape) > MAX_RANK:
        raise InvalidArtifactsError(
            f"the shape of weight '{name}' must be a list of at most {MAX_RANK} dimensions: {_shortened(shape)}"
        )
    for size in shape:
        if not isinstance(size, Integral) or isinstance(size, bool) or not 0 <= int(size) <= _MAX_DIMENSION:
            raise InvalidArtifactsError(f"the shape of weight '{name}' has an impossible dimension: {size!r}")
    return tuple(map(int, shape))


def _parse_quantization(name: str, value: Any) -> Quantization:
    if not isinstance(value, dict):
        raise InvalidArtifactsError(f"the quantization of weight '{name}' must be an object: {_shortened(value)}")
    dtype, scale, minimum = value.get("dtype"), value.get("scale"), value.get("min")
    if dtype not in ("uint8", "uint16", "float16"):
        raise InvalidArtifactsError(
            f"Weight {name} has unknown quantization dtype {_shortened(dtype)}. "
            "Supported quantization dtypes are: 'uint8', 'uint16', and 'float16'."
        )
    for number in (scale, minimum):
        if number is not None and type(number) not in (int, float):
            raise InvalidArtifactsError(f"the quantization of weight '{name}' has no number: {_shortened(number)}")
    return Quantization(dtype, scale, minimum)


def _shortened(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
