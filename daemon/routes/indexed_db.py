"""``GET /v1/indexeddb``: a WebSocket on the databases of an origin, and the paths beside it for what is large."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from aiohttp import WSMsgType, web

from ...errors import BadRequestError, TooLargeError
from ...storage_backends.abc import Blob, BlobWriter, Buffer
from ...storage_backends.indexed_db.write_set import MAX_INLINE_BYTES
from ...wire.indexed_db import MAX_NUMBER, MAX_REQUEST, PATH, PING_SECONDS, SESSION_HEADER, SUBPROTOCOL
from ..binary_answer import Binary, send_binary
from ..heap import trim
from ..indexed_db.outbox import Outbox
from ..indexed_db.session import IndexedDBSession
from ..service import Call
from . import Route

_BACKLOG: Final = 256
_PAUSE: Final = 0.005
_CHECK_SECONDS: Final = 1.0
_BYTES: Final = "application/octet-stream"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NUMBER: Final = re.compile(r"[0-9]{1,16}")


async def serve(call: Call) -> web.StreamResponse:
    """Goes on until the client leaves, breaks the protocol or stops reading, or the daemon ends."""
    socket = web.WebSocketResponse(
        protocols=(SUBPROTOCOL,), compress=False, max_msg_size=MAX_REQUEST, timeout=1.0, autoping=False
    )
    if SUBPROTOCOL not in call.request.headers.get("Sec-WebSocket-Protocol", ""):
        raise BadRequestError(f"This is a WebSocket that speaks {SUBPROTOCOL}.", hint="docs/protocol.md specifies it")
    origin, outbox, ending = await call.origin(), Outbox(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def closed(_problem: BaseException) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(ending.set)

    limits = call.service.limits
    session = IndexedDBSession(origin, outbox, closed, patience=limits.pause_seconds, shares_files=call.is_own_user)
    socket.headers[SESSION_HEADER] = session.token
    try:
        with call.service.indexed_db.holding(session), call.service.activity.holding():
            await socket.prepare(call.request)
            await _converse(call, socket, session, outbox, ending)
    finally:
        outbox.close()
        await asyncio.shield(asyncio.wrap_future(session.end()))
        if session.traffic.is_much:
            call.service.workers.later(trim)
    return socket


async def _converse(
    call: Call, socket: web.WebSocketResponse, session: IndexedDBSession, outbox: Outbox, ending: asyncio.Event
) -> None:
    tasks = [
        asyncio.ensure_future(_receive(socket, session, outbox)),
        asyncio.ensure_future(outbox.pump(socket.send_bytes)),
        asyncio.ensure_future(_watch(call, session)),
        asyncio.ensure_future(_ping(socket, session)),
        asyncio.ensure_future(ending.wait()),
        asyncio.ensure_future(call.service.activity.ending.wait()),
        asyncio.ensure_future(call.gone.wait()),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not socket.closed:
        await socket.close(code=1008 if ending.is_set() else 1001)


async def _receive(socket: web.WebSocketResponse, session: IndexedDBSession, outbox: Outbox) -> None:
    async for message in socket:
        if message.type is WSMsgType.PONG:
            session.alive()
            continue
        if message.type is WSMsgType.PING:
            await socket.pong(message.data)
            continue
        if message.type is not WSMsgType.BINARY:
            return
        if session.received(message.data):
            await outbox.flush(socket.send_bytes)
        while session.backlog > _BACKLOG:
            await asyncio.sleep(_PAUSE)
            session.alive()  # it is this side that does not listen


async def _watch(call: Call, session: IndexedDBSession) -> None:
    while True:
        await asyncio.sleep(_CHECK_SECONDS)
        session.check_idle()
        if not session.transactions and session.traffic.calm():
            call.service.workers.later(trim)


async def _ping(socket: web.WebSocketResponse, session: IndexedDBSession) -> None:
    """Apart from the watch: a client that does not read keeps it waiting."""
    while True:
        await asyncio.sleep(PING_SECONDS)
        if session.is_in_use:
            await socket.ping()


# -- What is large -----------------------------------------------------------------------------------------------------


async def stage_binary(call: Call) -> web.StreamResponse:
    """Takes a binary that a value of this session refers to, by the digest that it has."""
    session, transaction, digest = _session(call), _number(call, "transaction"), call.request.match_info["digest"]
    if not _DIGEST.fullmatch(digest):
        raise BadRequestError("A binary is named by the 64 hex digits of its BLAKE3 digest.")
    session.transit.moving += 1
    try:
        blob = await _staged(call, session)
        if blob.digest != digest:
            await call.service.workers.short(session.origin.bucket.blobs.redeem, blob)
            raise BadRequestError(f"The bytes that came have the digest {blob.digest}.")
        session.uploads.stage_binary(transaction, blob)
    finally:
        session.transit.moving -= 1
    return web.Response(status=204)


async def _staged(call: Call, session: IndexedDBSession) -> Blob:
    workers, body, limit = call.service.workers, call.body(), call.service.limits.weights_bytes
    if body.declared_size is not None and body.declared_size > limit:
        raise TooLargeError(f"A binary of {body.declared_size} bytes passes the limit of {limit}.")
    writer = await workers.long(session.origin.bucket.blobs.writer, body.declared_size)
    try:
        async for pieces in body.pieces(limit):
            await workers.long(_write, writer, pieces)
        return await workers.long(writer.finish)
    finally:
        await workers.long(writer.discard)


async def fetch_binary(call: Call) -> web.StreamResponse:
    """The bytes of a binary that a value refers to."""
    session, digest = _session(call), call.request.match_info["digest"]
    if not _DIGEST.fullmatch(digest):
        raise BadRequestError("A binary is named by the 64 hex digits of its BLAKE3 digest.")
    blobs = session.origin.bucket.blobs
    blob = Blob(digest, _number(call, "size"))
    session.transit.moving += 1
    try:
        view = await call.service.workers.long(blobs.map, blob)  # which says what is wrong, if it is not there
        path = blobs.path(blob)
        held = view if path is None else os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            return await send_binary(call, Binary(held, blob.size, _BYTES))
        finally:
            if isinstance(held, int):
                os.close(held)
    finally:
        session.transit.moving -= 1


async def stage_value(call: Call) -> web.StreamResponse:
    """Takes a value that is too long for a message."""
    session, transaction, token = _session(call), _number(call, "transaction"), call.request.match_info["token"]
    session.transit.moving += 1
    try:
        value = await call.body().whole(MAX_INLINE_BYTES)
        session.traffic.count(len(value))
        session.uploads.stage_value(transaction, token, value)
    finally:
        session.transit.moving -= 1
    return web.Response(status=204)


async def fetch_value(call: Call) -> web.StreamResponse:
    """A value that was too long for a message; once."""
    session = _session(call)
    session.transit.moving += 1
    try:
        data = session.transit.fetch(call.request.match_info["token"])
        session.traffic.count(len(data))
        return await send_binary(call, Binary(memoryview(data), len(data), _BYTES))
    finally:
        session.transit.moving -= 1


def _session(call: Call) -> IndexedDBSession:
    return call.service.indexed_db.get(call.request.match_info["session"])


def _number(call: Call, name: str) -> int:
    """A parameter that is a number in a message, too. Raises BadRequestError."""
    text = call.parameters.get(name, "")
    if not _NUMBER.fullmatch(text) or int(text) > MAX_NUMBER:
        raise BadRequestError(f'"{name}" must be an integer from 0 to {MAX_NUMBER}.')
    return int(text)


def _write(writer: BlobWriter, pieces: Sequence[Buffer]) -> None:
    for piece in pieces:
        writer.write(piece)


_BINARY = PATH + "/{session}/binaries/{digest}"
_VALUE = PATH + "/{session}/values/{token}"

ROUTES = (
    Route("GET", PATH, serve),
    Route("PUT", _BINARY, stage_binary),
    Route("GET", _BINARY, fetch_binary),
    Route("PUT", _VALUE, stage_value),
    Route("GET", _VALUE, fetch_value),
)
