"""One group of endpoints per file; each file's ``ROUTES`` is what the application and the tests go by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from ..service import Call

Handler = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """``path`` is aiohttp's pattern."""

    method: str
    path: str
    handler: Handler


def readable(path: str, handler: Handler) -> tuple[Route, Route]:
    """What is answered to GET, and without its body to HEAD."""
    return Route("GET", path, handler), Route("HEAD", path, handler)


def add_routes(application: web.Application, routes: tuple[Route, ...]) -> None:
    """Registers handlers, each given its request as a ``Call``."""
    for route in routes:
        application.router.add_route(
            route.method, route.path, _adapted(route.handler), expect_handler=_leave_expectation
        )


async def _leave_expectation(_request: web.Request) -> None:
    """What reads the body meets it: aiohttp would ask for a body before the guard has looked at its head, and refuse
    what it does not know."""


def _adapted(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(Call(request))

    return handle
