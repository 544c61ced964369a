"""``POST /v1/ingest``: where a client may leave weights as a file."""

from __future__ import annotations

import os

from aiohttp import web

from ...errors import AccessDeniedError, IngestRefusedError
from ...storage_backends.ingest import Ingest
from ..service import Call, json_answer
from . import Route


async def issue(call: Call) -> web.StreamResponse:
    """A fresh name; the client creates the file, and names it in the header of its save."""
    name, path = (await ingest_of(call)).new_name()
    return json_answer({"name": name, "path": os.fspath(path)}, status=201)


async def ingest_of(call: Call) -> Ingest:
    """The home's ingest directory. Raises AccessDeniedError for other users, IngestRefusedError without one."""
    if not call.is_own_user:
        raise AccessDeniedError("Only the daemon's own user can leave files; others stream.")
    directory = await call.service.workers.short(call.service.home.ingest_directory)
    if directory is None:
        raise IngestRefusedError("A store in memory takes no files.")
    return Ingest(directory)


ROUTES = (Route("POST", "/v1/ingest", issue),)
