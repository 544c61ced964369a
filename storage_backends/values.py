"""Structured values and their stored form: the door to the format in ``value_format``.

``encode`` takes what structured clone takes (https://html.spec.whatwg.org/multipage/structured-data.html): None,
UNDEFINED, bool, int and float (a Number; BigInt beyond 2^53), str, bytes and other buffers, aware datetime and Date,
list and tuple, dict (Map where a key is no string), Map, set and Set, numpy arrays of the typed arrays' dtypes, RegExp,
ScriptError, Boxed, BinaryView, Blob and File; shared and cyclic references of containers are kept. ``JsonText`` stands
for the object that it describes, and a blob that is staged already for a binary of its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..errors import DataCloneError
from . import plain_objects
from .abc import Blob, Buffer
from .json_text import JsonText
from .value_format import HAS_BLOBS, read_table, write_table
from .value_reader import ValueReader
from .value_writer import Injection, ValueWriter, not_cloneable

__all__ = [
    "Encoded",
    "Injection",
    "JsonText",
    "blobs_of",
    "cannot_stage",
    "decode",
    "decode_all",
    "encode",
    "not_cloneable",
]


class Encoded(NamedTuple):
    """The stored bytes of a value and the blobs that they refer to.

    ``room`` is where the 8 bytes (a double, little-endian) of an injected number belong.
    """

    data: bytes
    blobs: tuple[Blob, ...] = ()
    room: int | None = None

    def with_blobs(self, blobs: Sequence[Blob]) -> Encoded:
        """The same, referring to other blobs in place of its own, which have the same sizes one by one."""
        _, start = read_table(self.data)
        return Encoded(write_table(tuple(blobs)) + self.data[start:], tuple(blobs), self.room)


def encode(value: object, stage: Callable[[Buffer], Blob], inject: Injection | None = None) -> Encoded:
    """The stored form of a value, as it is now. Strings and binaries above INLINE_LIMIT go through ``stage``.

    Raises DataCloneError for a value that structured clone does not take. Blobs that were staged stay pinned; they are
    the caller's to refer to or unpin.
    """
    if type(value) is dict and inject is None:
        plain = plain_objects.write(value)
        if plain is not None:
            return Encoded(plain)
    writer = ValueWriter(stage, inject)
    item = writer.write(value)
    if not writer.blobs and inject is None:
        return Encoded(write_table(()) + item)
    blobs = tuple(blob for _, blob in writer.blobs.values())
    table = write_table(blobs)
    room = writer.room()
    return Encoded(table + item, blobs, None if room is None else len(table) + room)


def decode(data: bytes, open_blob: Callable[[Blob], memoryview], *, json_as_text: bool = False) -> Any:
    """The value. Binaries that lie out of line come as read-only views on what ``open_blob`` gives, arrays as read-only
    numpy arrays on it; with ``json_as_text`` JSON text comes as JsonText instead of the object.

    Raises CorruptionError where the bytes are not a value of a known version.
    """
    if data.startswith(plain_objects.HEAD):
        return plain_objects.read(data)
    return ValueReader(data, open_blob, json_as_text=json_as_text).read()


def decode_all(values: Sequence[bytes], open_blob: Callable[[Blob], memoryview]) -> list[Any]:
    """What ``decode`` gives for each. Raises CorruptionError."""
    if all(data.startswith(plain_objects.HEAD) for data in values):
        return plain_objects.read_all(values)
    return [decode(data, open_blob) for data in values]


def blobs_of(data: bytes) -> list[Blob]:
    """The blobs that a stored value refers to, without reading the value."""
    if len(data) > 1 and not data[1] & HAS_BLOBS:
        return []
    return read_table(data)[0]


def cannot_stage(_data: Buffer) -> Blob:
    """A ``stage`` for where nothing may go out of line."""
    raise DataCloneError("The value is too large to be stored here.")
