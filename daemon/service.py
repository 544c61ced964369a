"""What the routes work with: the store, the limits, the threads; made in the composition root."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from ..errors import AccessDeniedError, BadRequestError
from ..model_io.origin import Origin, Origins
from ..storage_backends.abc import Durability
from ..storage_backends.home import Home
from ..wire.addresses import Address
from ..wire.configuration import Configuration
from ..wire.json_text import check_objects, dump_json, parse_json
from ..wire.limits import Limits
from ..wire.model_path import ModelTarget, parse_model_target, split_target
from ..wire.protocol import CLIENT_HEADER, JSON_TYPE
from .activity import Activity
from .authors import Author, Authors
from .body_reader import BodyReader
from .connections import Connection, Connections
from .guard import Guard
from .heap import LARGE, keep_large_blocks_apart
from .indexed_db.session import IndexedDBSessions
from .loopback import LoopbackListener
from .mapped_answers import MappedAnswers
from .page_access import PageAccess
from .peer import Peer, is_own_user
from .served_weights import ServedWeights
from .stored_weights import RecentlyVerified
from .sync.supervision import Synchronizer
from .warm_origins import WarmOrigins
from .web_guard import WebGuard
from .workers import Workers

_SMALL_JSON = 64 * 1024


@dataclass(frozen=True, slots=True)
class Service:
    """One daemon's parts."""

    configuration: Configuration
    address: Address
    limits: Limits
    home: Home
    origins: Origins
    workers: Workers
    activity: Activity
    connections: Connections
    guard: Guard
    loopback: LoopbackListener | None
    web_guard: WebGuard
    pages: PageAccess
    warm: WarmOrigins
    verified: RecentlyVerified
    served: ServedWeights
    mapped: MappedAnswers
    synchronizer: Synchronizer
    indexed_db: IndexedDBSessions
    authors: Authors
    autostarted: bool


SERVICE = web.AppKey("service", Service)


class Call:
    """One request as a route sees it: parameters decoded, sizes limited."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.service = request.app[SERVICE]
        # aiohttp's own decoding loses lone surrogates and normalises.
        self.path, self.parameters = split_target(request.raw_path)

    @property
    def peer(self) -> Peer | None:
        """Who asks."""
        protocol = self.request.protocol
        return protocol.peer if isinstance(protocol, Connection) else None

    def author(self) -> Author:
        """The client as the storage areas know it. Raises BadRequestError."""
        return self.service.authors.named(self.request.headers.get(CLIENT_HEADER))

    @property
    def gone(self) -> asyncio.Event:
        """Set once the client has closed the connection."""
        protocol = self.request.protocol
        return protocol.gone if isinstance(protocol, Connection) else asyncio.Event()

    @property
    def is_own_user(self) -> bool:
        """Whether the caller runs as the daemon's user, and so can open its files."""
        return is_own_user(self.peer)

    def require_sync_rights(self, *, from_page: bool = False) -> None:
        """Raises AccessDeniedError: a pair makes the daemon read and write a directory with its own rights.
        ``from_page``: also for the page, which only the daemon's own user can open."""
        if not (
            self.service.guard.admits_to_sync(self.peer)
            or (from_page and self.service.web_guard.is_own_page(self.request))
        ):
            raise AccessDeniedError(
                "Only the daemon's own user may see and change sync pairs.",
                hint="it can add users under sync.users in tfjsd/config.toml",
            )

    @property
    def origin_name(self) -> str:
        """``?origin=``, else the configured one."""
        name: str = self.parameters.get("origin") or self.service.configuration["origin"]
        return name

    async def origin(self) -> Origin:
        """The origin, its data opened: what is small can be read from it on the loop."""
        known = self.service.warm.get(self.origin_name)
        if known is not None:
            return known
        origin = await self.service.workers.short(self.service.origins.get, self.origin_name)
        await self.service.workers.short(origin.bucket.open)  # an area that was read before would not
        await self.service.workers.short(origin.area.length)
        self.service.warm.add(origin)
        return origin

    def model(self) -> ModelTarget:
        return parse_model_target(self.path, self.parameters)

    def switch(self, name: str, default: bool) -> bool:
        """``?name=0`` or ``1``. Raises BadRequestError for another value."""
        value = self.parameters.get(name)
        if value not in (None, "0", "1"):
            raise BadRequestError(f'"{name}" must be 0 or 1.')
        return default if value is None else value == "1"

    def durability(self) -> Durability:
        """``?durability=``. Raises BadRequestError for another value."""
        match self.parameters.get("durability", "strict"):
            case "strict":
                return "strict"
            case "relaxed":
                return "relaxed"
        raise BadRequestError('"durability" must be strict or relaxed.')

    def body(self) -> BodyReader:
        return BodyReader(self.request, pause=self.service.limits.pause_seconds, invite=self._meet_expectation)

    async def _meet_expectation(self) -> None:
        """Others than 100-continue are ignored, as RFC 9110 §10.1.1 allows."""
        request = self.request
        if request.version >= (1, 1) and request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # the answer itself has not begun

    def weigh(self, text: bytes) -> None:
        """Looks at a JSON text before it is parsed: one of too many objects is refused, and what a large one needs is
        given back to the system afterwards. Raises TooLargeError."""
        if len(text) > LARGE:
            keep_large_blocks_apart()
            self.service.activity.large_requests += 1
        check_objects(text, self.service.limits.json_objects)

    async def json(self) -> Any:
        """The body's value. Raises BadRequestError, TooLargeError."""
        data = await self.body().whole(self.service.limits.json_bytes)
        self.weigh(data)
        return parse_json(data) if len(data) <= _SMALL_JSON else await self.service.workers.long(parse_json, data)


def json_answer(value: object, *, status: int = 200) -> web.Response:
    return text_answer(dump_json(value), status=status)


def text_answer(text: str, *, status: int = 200) -> web.Response:
    """JSON that is text already."""
    return web.Response(body=text.encode(), status=status, content_type=JSON_TYPE)
