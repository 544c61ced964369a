"""``GET /v1/events``: what is committed in an origin, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from ...wire.events import KEEP_ALIVE, Event
from ...wire.protocol import EVENTS_TYPE
from ..service import Call
from ..subscription import Subscription
from . import Route

_KEEP_ALIVE_SECONDS = 15.0


async def events(call: Call) -> web.StreamResponse:
    """Goes on until the client leaves, falls too far behind, or the daemon ends.

    With ``?own=0`` without the storage events of the client's own changes, as in a browser.
    """
    own, author = call.switch("own", True), call.author()
    origin = await call.origin()
    response = web.StreamResponse(headers={"Cache-Control": "no-cache"})
    response.content_type = EVENTS_TYPE
    response.force_close()
    limits = call.service.limits
    subscription = Subscription(limits.event_backlog, limits.event_backlog_bytes)
    with subscription.of(origin, None if own else author), call.service.activity.holding():
        await response.prepare(call.request)
        await response.write(Event("ready", {"origin": origin.name}).encode())
        async for frame in _frames(call, subscription):
            await asyncio.wait_for(response.write(frame), limits.pause_seconds)
    return response


async def _frames(call: Call, subscription: Subscription) -> AsyncIterator[bytes]:
    """Encoded events; comments while there are none."""
    ending = asyncio.ensure_future(_first(call.service.activity.ending, call.gone))
    waiting = asyncio.ensure_future(subscription.next())
    try:
        while not ending.done():
            await asyncio.wait({ending, waiting}, timeout=_KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if subscription.lost:
                yield Event("lost", {}).encode()
                return
            if waiting.done():
                yield waiting.result().encode()
                waiting = asyncio.ensure_future(subscription.next())
            elif not ending.done():
                yield KEEP_ALIVE
    finally:
        ending.cancel()
        waiting.cancel()


async def _first(*events: asyncio.Event) -> None:
    """Returns once one of them is set."""
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


ROUTES = (Route("GET", "/v1/events", events),)
