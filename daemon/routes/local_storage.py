"""``POST /v1/local-storage``: an origin's Storage object."""

from __future__ import annotations

from aiohttp import web

from ...wire.schemas import parse_local_storage
from ..service import Call, json_answer, text_answer
from ..storage_session import READS, SMALL_VALUE, StorageSession
from . import Route


async def local_storage(call: Call) -> web.StreamResponse:
    """One operation, a list of them, or an atomic list. Writes are durable when they are answered.

    In a list that is not atomic an operation that fails has ``{"error": …}`` among the results.
    """
    request = parse_local_storage(await call.json(), operations_limit=call.service.limits.operations)
    origin, workers = await call.origin(), call.service.workers
    session = StorageSession(origin.area, origin.bucket, call.durability(), call.author())
    if request.atomic:
        return json_answer({"results": await workers.long_commit(session.atomically, request.operations)})
    if request.batched:
        return json_answer({"results": await workers.long(session.one_by_one, request.operations)})
    operation = request.operations[0]
    if operation.op in READS:
        if session.is_small(operation):
            return text_answer(session.read_text(operation))
        return text_answer(await workers.long(session.read_text, operation))
    is_small = operation.op != "clear" and len(operation.value or "") <= SMALL_VALUE
    # A relaxed write would be made in this thread, beside whatever is being synced.
    at_once = is_small and call.durability() == "strict" and origin.bucket.is_ready
    await (workers.commit_here if at_once else workers.commit)(session.write, operation)
    return json_answer({"result": None})


ROUTES = (Route("POST", "/v1/local-storage", local_storage),)
