"""Base64 as ``btoa`` writes it and ``atob`` reads it.

https://infra.spec.whatwg.org/#forgiving-base64
"""

from __future__ import annotations

import binascii
import re

import pybase64

from ..errors import InvalidCharacterError
from ..storage_backends.abc import Buffer
from ..storage_backends.web_storage.text import decode as decoded

_WHITE_SPACE = dict.fromkeys(map(ord, "\t\n\f\r "))
_ALPHABET = re.compile(r"[A-Za-z0-9+/]*")
_REFUSED = "Failed to execute 'atob' on 'Window': The string to be decoded is not correctly encoded."


def encode(data: Buffer) -> str:
    """Standard alphabet, padded, no line breaks; ``""`` for nothing."""
    return pybase64.b64encode_as_string(data)


def encode_bytes(data: Buffer) -> bytes:
    """``encode``'s text in ASCII."""
    return pybase64.b64encode(data)


def encoded_length(byte_length: int) -> int:
    """Characters of ``encode``'s result for so many bytes."""
    return (byte_length + 2) // 3 * 4


def decode(text: str) -> bytes:
    """``atob``: ASCII white space is ignored, padding may be missing, bits left over are dropped.

    Raises InvalidCharacterError (with Chromium's text) for anything else that is not base64.
    """
    try:
        return pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return _forgiving_decode(text)


def decode_stored(width: int, data: Buffer) -> bytes:
    """``decode`` of a text as it is stored: megabytes are not made a str first. Raises InvalidCharacterError."""
    if width == 1:
        try:
            return pybase64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            return _forgiving_decode(decoded(width, data))
    return decode(decoded(width, data))


def _forgiving_decode(text: str) -> bytes:
    text = text.translate(_WHITE_SPACE)
    if len(text) % 4 == 0:
        text = text[: -1 if text[-2:-1] != "=" else -2] if text.endswith("=") else text
    if len(text) % 4 == 1 or not _ALPHABET.fullmatch(text):
        raise InvalidCharacterError(_REFUSED)
    return pybase64.b64decode(text + "=" * (-len(text) % 4))
