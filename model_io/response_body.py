"""Bodies of HTTP answers, received within a stated size."""

from __future__ import annotations

import mmap
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import HTTPStatusError, TooLargeError

if TYPE_CHECKING:
    import http.client

    from ..storage_backends.abc import Buffer

PIECE = 1 << 20
"""How much is sent or received between two reports of progress, in bytes."""

OnBytes = Callable[[int], None]


def received(answer: http.client.HTTPResponse, limit: int, url: str, on_bytes: OnBytes) -> Buffer:
    """The decoded body. ``on_bytes`` is told how many decoded bytes each piece has.

    Raises TooLargeError before more than ``limit`` bytes are held, HTTPStatusError where the body is cut short, damaged
    or in an unknown coding; OSError and HTTPException as the client does.
    """
    coding = (answer.headers.get("Content-Encoding") or "identity").strip().lower()
    if coding in ("gzip", "x-gzip", "deflate"):
        return _inflated(answer, limit, url, on_bytes)
    if coding not in ("identity", ""):
        raise HTTPStatusError(f"Request to {url} failed: unknown Content-Encoding {coding!r}.", status=answer.status)
    if answer.length is None:
        return _unsized(answer, limit, url, on_bytes)
    if answer.length > limit:
        raise _too_large(url, answer.length, limit)
    return _sized(answer, answer.length, url, on_bytes)


def _sized(answer: http.client.HTTPResponse, size: int, url: str, on_bytes: OnBytes) -> Buffer:
    """Receives into its final place. An anonymous mapping takes memory only as bytes arrive, whatever was announced."""
    whole = memoryview(mmap.mmap(-1, size)) if size >= PIECE else memoryview(bytearray(size))
    done = 0
    while done < size:
        count = answer.readinto(whole[done : done + PIECE])
        if not count:
            raise HTTPStatusError(f"Request to {url} failed: the answer ended after {done} of {size} bytes.")
        done += count
        on_bytes(count)
    return whole


def _unsized(answer: http.client.HTTPResponse, limit: int, url: str, on_bytes: OnBytes) -> Buffer:
    body = bytearray()
    while piece := answer.read(PIECE):
        body += piece
        if len(body) > limit:
            raise _too_large(url, len(body), limit)
        on_bytes(len(piece))
    return body


def _inflated(answer: http.client.HTTPResponse, limit: int, url: str, on_bytes: OnBytes) -> Buffer:
    """Decodes gzip and zlib; never holds more than ``limit`` decoded bytes."""
    decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    decoded = bytearray()
    try:
        while compressed := answer.read(PIECE):
            while compressed and not decoder.eof:
                piece = decoder.decompress(compressed, PIECE)
                compressed = decoder.unconsumed_tail
                decoded += piece
                if len(decoded) > limit:
                    raise _too_large(url, len(decoded), limit)
                on_bytes(len(piece))
    except zlib.error as error:
        raise HTTPStatusError(f"Request to {url} failed: its compressed answer is damaged ({error}).") from error
    if not decoder.eof:
        raise HTTPStatusError(f"Request to {url} failed: its compressed answer is cut short.")
    return decoded


def _too_large(url: str, size: int, limit: int) -> TooLargeError:
    return TooLargeError(f"The answer from {url} is too large: at least {size} bytes where {limit} are expected.")
