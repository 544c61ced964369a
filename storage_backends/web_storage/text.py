"""DOM strings: UTF-16 at the door, Latin-1 or UTF-16LE in storage.

https://webidl.spec.whatwg.org/#idl-DOMString: a string is a sequence of 16-bit code units, lone surrogates included. In
Python it is a str whose surrogate pairs are joined.
"""

from __future__ import annotations

import re
import sys
from array import array
from typing import NamedTuple

from ..abc import Blob, Buffer


class EncodedText(NamedTuple):
    """A string as storage has it, without decoding: so a value can be copied, counted and moved as bytes.

    ``width`` is 1 for Latin-1 and 2 for UTF-16LE, which is used only where Latin-1 cannot; ``data`` holds
    ``width * units`` bytes, in memory or as a blob.
    """

    width: int
    units: int
    data: bytes | Blob

    @property
    def byte_length(self) -> int:
        """Bytes of ``data``."""
        return self.width * self.units


_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def normalize(text: str) -> tuple[str, EncodedText]:
    """The str with surrogate pairs joined (two halves that meet are one character), and its encoding."""
    if type(text) is not str:
        text = str.__str__(text)
    found = encoded(text)
    if found is None:
        text, data = _with_surrogates(text)
        return text, EncodedText(2, len(data) // 2, data)
    width, data = found
    return text, EncodedText(width, len(data) // width, data)


def encoded(text: str) -> tuple[int, bytes] | None:
    """Width and bytes of a str without surrogates; None where there is one."""
    try:
        return 1, text.encode("latin-1")
    except UnicodeEncodeError:
        try:
            return 2, text.encode("utf-16-le")
        except UnicodeEncodeError:
            return None


def decode(width: int, data: Buffer) -> str:
    """The string of a Latin-1 (1) or UTF-16LE (2) payload."""
    if width == 1:
        return str(data, "latin-1")
    try:
        return str(data, "utf-16-le")
    except UnicodeDecodeError:  # lone surrogates
        units = array("H", bytes(data))
        if sys.byteorder == "big":
            units.byteswap()
        text = "".join(map(chr, units))
        return str(data, "utf-16-le", "surrogatepass") if _PAIR.search(text) else text


def _with_surrogates(text: str) -> tuple[str, bytes]:
    """As ``surrogatepass`` has it, which takes a microsecond for every lone surrogate: only where it has to be."""
    try:
        units = array("H", map(ord, text))
        is_plain = not _PAIR.search(text)
    except OverflowError:  # characters above U+FFFF
        is_plain = False
    if is_plain:
        if sys.byteorder == "big":
            units.byteswap()
        return text, units.tobytes()
    data = text.encode("utf-16-le", "surrogatepass")
    return data.decode("utf-16-le", "surrogatepass"), data
