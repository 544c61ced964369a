"""Bounds of JSON that comes from outside, checked before a recursive scanner sees it."""

from __future__ import annotations

import re

from ..errors import InvalidArtifactsError

MAX_DEPTH = 64
"""Nested arrays and objects. A Keras model inside a model inside a model has about 30."""

MAX_MEMBERS = 100_000
"""Members of one object."""

MAX_NUMBER_LENGTH = 4096
"""Characters of one number; no double needs more than 1,077 to be written exactly."""

_NOT_STRUCTURE = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


def too_deep(limit: int) -> InvalidArtifactsError:
    return InvalidArtifactsError(f"JSON is nested more than {limit} levels deep")


def check_depth(data: bytes, limit: int) -> None:
    """Raises InvalidArtifactsError where the JSON text ``data`` is nested deeper than ``limit``; without recursion.

    Text that is not JSON may pass: a scanner refuses it, and needs no more than ``limit`` frames to do so.
    """
    brackets = _brackets(data)
    left = brackets
    for _ in range(limit):
        if not left:
            return
        left = left.replace(b"[]", b"")  # the innermost level of every branch
    if left:
        _check_unbalanced(brackets, limit)


def _brackets(data: bytes) -> bytes:
    """What opens and closes levels in ``data``, outside of strings, as square brackets."""
    if b'\\"' not in data:
        # Every quotation mark delimits a string, so a string without brackets is reduced to `""`. If one holds a
        # bracket, an odd run of marks stands before it, a mark is left over, and the slow way decides.
        structure = data.translate(_ONE_KIND, _NOT_STRUCTURE).replace(b'""', b"")
        if b'"' not in structure:
            return structure
    return _STRINGS.sub(b"", data).translate(_ONE_KIND, _NOT_STRUCTURE + b'"')


def _check_unbalanced(brackets: bytes, limit: int) -> None:
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket == ord("[") else -1
        if depth > limit:
            raise too_deep(limit)
