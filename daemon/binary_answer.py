"""Bytes as an answer: by sendfile where they lie in a file; ranges, entity tags (RFC 9110 §13, §14)."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from dataclasses import dataclass

from aiohttp import web

from ..errors import BadRequestError
from ..wire.error_body import error_body
from ..wire.limits import MIB
from ..wire.protocol import JSON_TYPE
from .service import Call

_PIECE = MIB
_LARGEST_PIECE = 4 * MIB
_SEND_BUFFER = MIB
_CACHE = "no-cache"
_RANGE = re.compile(r"bytes=([0-9]{0,4000})-([0-9]{0,4000})")
"""Python refuses to read longer numbers."""


@dataclass(frozen=True, slots=True)
class Binary:
    """``prefix`` and then ``size`` bytes of a buffer or an open file. Only what has an ``etag`` is sent in ranges."""

    content: memoryview | int | None
    size: int
    content_type: str
    prefix: bytes = b""
    etag: str | None = None

    @classmethod
    def of_bytes(cls, data: bytes, content_type: str) -> Binary:
        from blake3 import blake3

        return cls(memoryview(data), len(data), content_type, etag=f'"{blake3(data).hexdigest()}"')


async def send_binary(call: Call, binary: Binary) -> web.StreamResponse:
    """The answer; it has been sent when this returns."""
    request = call.request
    if binary.etag is not None and _matches(request.headers.get("If-None-Match"), binary.etag):
        return web.Response(status=304, headers={"ETag": binary.etag, "Cache-Control": _CACHE})
    wanted = _range(request, binary)
    if wanted is None:
        error = BadRequestError(f"There is no such range: {binary.size} bytes are there.")
        headers = {"Content-Range": f"bytes */{binary.size}"}
        return web.Response(body=error_body(error), status=416, content_type=JSON_TYPE, headers=headers)
    response = web.StreamResponse(status=200 if wanted == (0, binary.size) else 206)
    response.content_type = binary.content_type
    response.content_length = len(binary.prefix) + wanted[1] - wanted[0]
    if binary.etag is not None:
        response.headers.update({"ETag": binary.etag, "Accept-Ranges": "bytes", "Cache-Control": _CACHE})
    if response.status == 206:
        response.headers["Content-Range"] = f"bytes {wanted[0]}-{wanted[1] - 1}/{binary.size}"
    await response.prepare(request)
    if request.method != "HEAD":
        if binary.prefix:
            await response.write(binary.prefix)
        await _send(call, response, binary.content, *wanted)
    await response.write_eof()
    return response


def _widen(request: web.Request) -> None:
    """A unix socket takes 208 KiB at a time as it comes, each in a turn of the loop; with more, sending takes two
    thirds of the time. TCP finds its own measure."""
    connection = None if request.transport is None else request.transport.get_extra_info("socket")
    if connection is not None and connection.family == socket.AF_UNIX:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)


async def _send(
    call: Call, response: web.StreamResponse, content: memoryview | int | None, start: int, stop: int
) -> None:
    if stop - start > _SEND_BUFFER:
        _widen(call.request)
    pause, size, loop = call.service.limits.pause_seconds, _PIECE, asyncio.get_running_loop()
    while start < stop and content is not None:
        end, began = min(start + size, stop), loop.time()
        async with asyncio.timeout(pause):  # so many bytes in each pause, or the client counts as silent
            if isinstance(content, memoryview):
                await response.write(content[start:end])
            else:
                await _sendfile(call.request, content, start, end - start)
        start = end
        is_fast = loop.time() - began < pause / 100
        size = min(2 * size, _LARGEST_PIECE) if is_fast else _PIECE


async def _sendfile(request: web.Request, descriptor: int, offset: int, count: int) -> None:
    if request.transport is None or request.transport.is_closing():
        raise ConnectionResetError("the client has gone")
    # A file object of its own: the loop seeks in it.
    with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
        sent = await asyncio.get_running_loop().sendfile(request.transport, file, offset, count)
    if sent != count:
        raise ConnectionResetError("the file ended early")


def _range(request: web.Request, binary: Binary) -> tuple[int, int] | None:
    """Start and end of what is asked for; None for a range that cannot be satisfied. Several ranges, and what is none,
    are answered with the whole, as RFC 9110 §14.2 allows; it knows ranges for GET only."""
    text = request.headers.get("Range") if request.method == "GET" else None
    condition = request.headers.get("If-Range")
    if binary.etag is None or text is None or (condition is not None and condition != binary.etag):
        return 0, binary.size
    match = _RANGE.fullmatch(text.strip())
    if match is None or match[0] == "bytes=-":
        return 0, binary.size
    first, last = match[1], match[2]
    if not first:
        start, stop = max(binary.size - int(last), 0), binary.size
    else:
        start, stop = int(first), min(int(last) + 1, binary.size) if last else binary.size
    if first and last and int(last) < int(first):
        return 0, binary.size
    return (start, stop) if start < stop else None


def _matches(condition: str | None, etag: str) -> bool:
    if condition is None:
        return False
    return condition.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in condition.split(","))
