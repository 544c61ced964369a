"""A second copy of everything, its way back, and whether everything is as it was written."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from ...errors import BadRequestError, TfjsdError
from ...wire.backup_failure import failure_record
from ...wire.protocol import BACKUP_TYPE
from ..logs import LOGGER
from ..service import Call, json_answer
from ..thread_streams import AnswerFile, BodyFile
from . import Route


async def make_backup(call: Call) -> web.StreamResponse:
    """Streams; writers go on meanwhile. One that fails on the way says why and is cut off, so that nobody trusts it."""
    response = web.StreamResponse()
    response.content_type = BACKUP_TYPE
    await response.prepare(call.request)
    try:
        await call.service.workers.apart(_write, call, AnswerFile(response, call.service.limits.pause_seconds))
    except TfjsdError as error:
        LOGGER.error("a backup failed", extra={"error": error.name, "reason": error.message})
        await _cut(call, response, error)
        return response
    await response.write_eof()
    return response


async def _cut(call: Call, response: web.StreamResponse, error: TfjsdError) -> None:
    async with asyncio.timeout(call.service.limits.pause_seconds):
        await response.write(failure_record(error))
    if call.request.transport is not None:
        call.request.transport.close()  # what was written still leaves; the answer's own end is never sent


def _write(call: Call, target: AnswerFile) -> None:
    from ...storage_backends.backup import backup

    try:
        backup(call.service.home, target)  # type: ignore[arg-type]  # all that is used of a BinaryIO
        target.flush()
    finally:
        target.discard()


async def take_backup(call: Call) -> web.StreamResponse:
    """Into an empty home; all of it or nothing. Other requests are refused for as long as it takes."""
    from ...storage_backends.backup import restore

    source = BodyFile(call.body().pieces(call.service.limits.restore_bytes))
    with call.service.activity.alone():
        summary = await call.service.workers.apart(restore, call.service.home, source)  # type: ignore[arg-type]
        call.service.origins.forget()
        call.service.warm.forget()
    return json_answer(
        {"origins": summary.origins, "records": summary.records, "blobs": summary.blobs, "bytes": summary.bytes}
    )


async def verify(call: Call) -> web.StreamResponse:
    """``{"urls": […]}``: these models of the origin; without: everything, in all origins."""
    from ..verification import verify_all, verify_models

    body: Any = await call.json() if call.request.can_read_body else {}
    if not isinstance(body, dict):
        raise BadRequestError("The body must be a JSON object.")
    urls = body.get("urls")
    if urls is None:
        return json_answer(await call.service.workers.apart(verify_all, call.service.home, call.service.origins))
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise BadRequestError('"urls" must be an array of strings.')
    return json_answer(await call.service.workers.apart(verify_models, await call.origin(), urls))


ROUTES = (
    Route("GET", "/v1/backup", make_backup),
    Route("POST", "/v1/restore", take_backup),
    Route("POST", "/v1/verify", verify),
)
