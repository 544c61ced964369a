"""Around every request: it is counted, its caller checked, what it raises becomes an answer, and it is logged."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from aiohttp import web

from .. import __version__
from ..errors import BadRequestError, DaemonUnavailableError, NotInThisVersionError, TfjsdError
from ..wire.error_body import error_body, error_status
from ..wire.protocol import BROWSER_HEADER, HOME_HEADER, JSON_TYPE, PROTOCOL, PROTOCOL_HEADER, VERSION_HEADER
from .activity import Activity
from .connections import Connection
from .heap import trim
from .logs import LOGGER
from .service import SERVICE, Service
from .web_guard import WebGuard

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_REFUSED = (401, 403, 421)


@web.middleware
async def edge(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost frame of every request."""
    service, started = request.app[SERVICE], time.perf_counter()
    connection = request.protocol if isinstance(request.protocol, Connection) else None
    if connection is not None:
        connection.begin()
    try:
        with service.activity.request():
            response = await _answered(request, handler, service, connection)
    finally:
        if connection is not None:
            connection.end()
    if service.activity.large_requests:
        service.activity.large_requests = 0
        service.workers.later(trim)
    _note(service, request, response.status, time.perf_counter() - started)
    return response


async def _answered(
    request: web.Request, handler: Handler, service: Service, connection: Connection | None
) -> web.StreamResponse:
    try:
        if _over_tcp(request):
            service.web_guard.check(request)
            if connection is not None:
                connection.admitted(request.headers.get("Origin"), service.web_guard.rotations)
            if request.method == "OPTIONS":
                return service.web_guard.preflight(request)
        else:
            service.guard.check(None if connection is None else connection.peer)
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise BadRequestError("Compressed bodies are not taken.")
        if service.activity.refusing:
            what = "shutting down" if service.activity.draining else "restoring a backup"
            raise DaemonUnavailableError(f"The daemon is {what}.", hint="send the request again")
        return await handler(request)
    except web.HTTPException as refusal:
        return _refusal(request, refusal)
    except TfjsdError as error:
        return error_answer(request, error)
    except (ConnectionError, TimeoutError):  # the client has gone or is silent; what was sequenced is committed
        return _cut(request, web.Response(status=499, reason="Client Closed Request"))
    except Exception as error:  # noqa: BLE001 (the outermost frame of a request)
        LOGGER.exception("a request failed inside", extra={"method": request.method, "path": request.path})
        return error_answer(request, error)


def error_answer(request: web.Request, error: Exception) -> web.Response:
    """The answer that reports an error. Where the body was not read to its end the connection cannot be used again."""
    response = web.Response(body=error_body(error), status=error_status(error), content_type=JSON_TYPE)
    if isinstance(error, DaemonUnavailableError):
        response.force_close()
    return _cut(request, response) if request.writer.output_size else response


def _cut(request: web.Request, response: web.Response) -> web.Response:
    """Part of another answer has left already: nothing but a cut tells the client that it is not whole."""
    if request.transport is not None:
        request.transport.abort()
    return response


def _refusal(request: web.Request, refusal: web.HTTPException) -> web.Response:
    if refusal.status < 400:
        raise refusal
    error: TfjsdError = BadRequestError(f"{request.method} {request.path}: {refusal.reason}")
    if refusal.status == 404:
        error = BadRequestError(f"There is nothing at {request.path}.", hint="GET /openapi.json lists what there is")
    if refusal.status == 501:
        error = NotInThisVersionError(refusal.text or refusal.reason)
    body = error_body(error)
    headers = {"Allow": refusal.headers["Allow"]} if "Allow" in refusal.headers else None
    return web.Response(body=body, status=refusal.status, content_type=JSON_TYPE, headers=headers)


def _note(service: Service, request: web.Request, status: int, seconds: float) -> None:
    resource = request.match_info.route.resource
    route = f"{request.method} {resource.canonical if resource is not None else 'unknown'}"
    service.activity.count(route, status, seconds)
    level = logging.WARNING if status >= 500 and status != 507 else logging.DEBUG  # 507: the quota, which is no fault
    if LOGGER.isEnabledFor(level):
        LOGGER.log(
            level,
            "answered",
            extra={"route": route, "status": status, "ms": round(seconds * 1000, 3), "target": request.raw_path[:200]},
        )


def _over_tcp(request: web.BaseRequest) -> bool:
    return isinstance(request.protocol, Connection) and request.protocol.over_tcp


def own_headers(home: str, browser: str) -> dict[str, str]:
    """Version, protocol, home and browser."""
    return {
        VERSION_HEADER: __version__,
        PROTOCOL_HEADER: str(PROTOCOL),
        HOME_HEADER: quote(os.fsencode(home), safe="/"),
        BROWSER_HEADER: browser,
        "Server": f"tfjsd/{__version__}",
        "X-Content-Type-Options": "nosniff",
    }


def stamp(
    home: str, browser: str, activity: Activity, web_guard: WebGuard
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """``own_headers`` on every answer; once the daemon ends, each is the last on its connection."""
    own = own_headers(home, browser)

    async def on_prepare(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(own)
        if _over_tcp(request):
            response.headers.update(web_guard.headers_for(request))
            if response.status in _REFUSED or web_guard.is_public(request):
                del response.headers[HOME_HEADER]  # the path of a home is not for everybody on the machine
        if activity.draining:
            response.force_close()
            response.headers["Connection"] = "close"  # aiohttp has decided on this header already

    return on_prepare
