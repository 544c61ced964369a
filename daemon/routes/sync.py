"""``/v1/sync``: the pairs of directories and stores that are kept equal."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ...errors import BadRequestError
from ...wire.sync_pair import SyncPair
from ..service import Call, json_answer
from ..sync.supervision import Synchronizer
from . import Route, readable


def _pairs(call: Call) -> Synchronizer:
    """For what names no new directory. Raises AccessDeniedError."""
    call.require_sync_rights(from_page=True)
    return call.service.synchronizer


def _name(call: Call) -> str:
    return call.request.match_info["pair"]


async def _members(call: Call, *allowed: str) -> dict[str, Any]:
    body: Any = await call.json() if call.request.can_read_body else {}
    if not isinstance(body, dict):
        raise BadRequestError("The body must be a JSON object.")
    unknown = [member for member in body if allowed and member not in allowed]
    if unknown:
        raise BadRequestError(f"unknown member {unknown[0]!r}; there is {', '.join(allowed)}")
    return body


async def list_pairs(call: Call) -> web.StreamResponse:
    """``{name: status}``."""
    return json_answer(_pairs(call).status())


async def add(call: Call) -> web.StreamResponse:
    """The status, and in ``created`` whether the directory was missing: it may be mistyped."""
    call.require_sync_rights()
    pair = SyncPair.of(await _members(call), origin=call.origin_name)
    runner, created = await call.service.synchronizer.add(pair)
    return json_answer({**runner.status(), "created": created}, status=201)


async def show(call: Call) -> web.StreamResponse:
    return json_answer(_pairs(call).get(_name(call)).status())


async def remove(call: Call) -> web.StreamResponse:
    """Both sides keep what they hold."""
    call.require_sync_rights()
    pairs = call.service.synchronizer
    status = pairs.get(_name(call)).status()
    await pairs.remove(_name(call))
    return json_answer(status)


async def once(call: Call) -> web.StreamResponse:
    """``{"dry_run": true}`` shows the plan."""
    runner = _pairs(call).get(_name(call))
    dry_run = (await _members(call, "dry_run")).get("dry_run", False)
    if not isinstance(dry_run, bool):
        raise BadRequestError('"dry_run" must be true or false.')
    return json_answer(await runner.once(dry_run=dry_run))


async def pause(call: Call) -> web.StreamResponse:
    return await _set_paused(call, True)


async def resume(call: Call) -> web.StreamResponse:
    return await _set_paused(call, False)


async def _set_paused(call: Call, paused: bool) -> web.StreamResponse:
    runner = _pairs(call).get(_name(call))
    await runner.set_paused(paused)
    return json_answer(runner.status())


async def approve(call: Call) -> web.StreamResponse:
    """``{"deletions": true}``: those that are held now may pass."""
    pairs = _pairs(call)
    if (await _members(call, "deletions")).get("deletions") is not True:
        raise BadRequestError('"deletions" must be true.')
    return json_answer({"approved": await pairs.approve(_name(call))})


async def resolve(call: Call) -> web.StreamResponse:
    """``{"model": …, "keep": "dir" | "store" | "both"}``."""
    pairs, body = _pairs(call), await _members(call, "model", "keep")
    await pairs.resolve(_name(call), body.get("model"), body.get("keep"))
    return json_answer(pairs.get(_name(call)).status())


ROUTES = (
    *readable("/v1/sync", list_pairs),
    Route("POST", "/v1/sync", add),
    *readable("/v1/sync/{pair}", show),
    Route("DELETE", "/v1/sync/{pair}", remove),
    Route("POST", "/v1/sync/{pair}/once", once),
    Route("POST", "/v1/sync/{pair}/pause", pause),
    Route("POST", "/v1/sync/{pair}/resume", resume),
    Route("POST", "/v1/sync/{pair}/approve", approve),
    Route("POST", "/v1/sync/{pair}/resolve", resolve),
)
