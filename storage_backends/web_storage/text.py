"""DOM strings: UTF-16 at the door, Latin-1 or UTF-16LE in storage.

https://webidl.spec.whatwg.org/#idl-DOMString: a string is a sequence of 16-bit code units, lone surrogates included. In
Python it is a str whose surrogate pairs are joined.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..abc import Blob, Buffer


@dataclass(frozen=True, slots=True)
class EncodedText:
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


def normalize(text: str) -> tuple[str, EncodedText]:
    """The str with surrogate pairs joined (two halves that meet are one character), and its encoding."""
    try:
        data = text.encode("latin-1")
    except UnicodeEncodeError:
        data = text.encode("utf-16-le", "surrogatepass")
        return data.decode("utf-16-le", "surrogatepass"), EncodedText(2, len(data) // 2, data)
    if type(text) is not str:
        text = data.decode("latin-1")
    return text, EncodedText(1, len(data), data)


def decode(width: int, data: Buffer) -> str:
    """The string of a Latin-1 (1) or UTF-16LE (2) payload."""
    return str(data, "latin-1") if width == 1 else str(data, "utf-16-le", "surrogatepass")
