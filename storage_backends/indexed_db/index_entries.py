"""The keys under which a record lies in an index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import CorruptionError, TfjsdError
from ..abc import Blob
from ..values import decode
from .generated_key import PLACEHOLDER_KEY, filled
from .key_coding import END, InvalidKeyError, canonical_form, decode_key, key_forms
from .key_path import ABSENT, evaluate
from .schema import IndexSchema


def entries_of(value: Any, index: IndexSchema, generated: str | None = None) -> list[bytes]:
    """The exact keys of a value in an index; none where it has no valid one.

    ``generated`` is the key path under which the value will get its generated key: there stands a placeholder.

    https://w3c.github.io/IndexedDB/#store-a-record-into-an-object-store (step 5), with
    https://w3c.github.io/IndexedDB/#convert-a-value-to-a-multientry-key
    """
    if generated is not None:
        return _with_placeholder(value, index, generated)
    found = evaluate(value, index.key_path)
    if found is ABSENT:
        return []
    if not index.multi_entry or not isinstance(found, list | tuple):
        return _valid(found)
    keys: dict[bytes, bytes] = {}
    for item in found:
        for exact in _valid(item):
            keys.setdefault(canonical_form(exact), exact)
    return list(keys.values())


def _with_placeholder(value: Any, index: IndexSchema, generated: str) -> list[bytes]:
    paths = index.key_path
    if paths == generated:
        return [PLACEHOLDER_KEY]
    if isinstance(paths, str) or generated not in paths:
        return entries_of(value, index)
    parts: list[bytes] = []
    for path in paths:
        if path == generated:
            parts.append(PLACEHOLDER_KEY)
            continue
        found = evaluate(value, path)
        valid = [] if found is ABSENT else _valid(found)
        if not valid:
            return []
        parts += valid
    return [b"\x50" + b"".join(parts) + END]


def _valid(value: Any) -> list[bytes]:
    try:
        key, exact = key_forms(value)
    except InvalidKeyError:
        return []
    return [exact or key]


def entries_of_stored(
    data: bytes,
    index: IndexSchema,
    open_blob: Callable[[Blob], memoryview],
    generated: tuple[str, bytes] | None = None,
) -> list[bytes]:
    """The same of a value in its stored form.

    ``generated``: a key path and the generated key that stands there, should the value have lost it when it was stored.

    A binary that cannot be opened is an error only if the key path comes to it: raises what opening it raised.
    """
    found, problem = _with_stand_ins(data, index, open_blob, generated, b"\x00")
    if problem is not None and _with_stand_ins(data, index, open_blob, generated, b"\x01")[0] != found:
        raise problem
    return found


def _with_stand_ins(
    data: bytes,
    index: IndexSchema,
    open_blob: Callable[[Blob], memoryview],
    generated: tuple[str, bytes] | None,
    filler: bytes,
) -> tuple[list[bytes], TfjsdError | None]:
    """The entries with other bytes for the binaries that cannot be opened, and the first such problem."""
    problem: TfjsdError | None = None

    def opened(blob: Blob) -> memoryview:
        nonlocal problem
        try:
            return open_blob(blob)
        except TfjsdError as missing:
            problem = problem or missing
            return memoryview(filler * blob.size)

    try:
        return _entries_of_stored(data, index, opened, generated), problem
    except CorruptionError:
        if problem is not None:
            raise problem from None
        raise


def _entries_of_stored(
    data: bytes, index: IndexSchema, open_blob: Callable[[Blob], memoryview], generated: tuple[str, bytes] | None
) -> list[bytes]:
    value = decode(data, open_blob)
    if generated is None or evaluate(value, generated[0]) is not ABSENT:
        return entries_of(value, index)
    path, key = generated
    return [filled(entry, decode_key(key)) for entry in entries_of(value, index, path)]
