"""The composition root: which engine, which browser, which routes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

from aiohttp import web

from ..errors import ConfigurationError, StoreFailedError
from ..model_io.origin import Origins
from ..storage_backends.abc import EngineFactory
from ..storage_backends.browsers import browser_named
from ..storage_backends.home import Home
from ..storage_backends.scrub import Scrub
from ..wire.addresses import Address, unusable_home
from ..wire.configuration import Configuration
from ..wire.limits import Limits
from .activity import Activity
from .authors import Authors
from .connections import Connections
from .edge import edge, own_headers, stamp
from .guard import Guard
from .indexed_db.session import IndexedDBSessions
from .lean_reads import LeanReads
from .loopback import LoopbackListener
from .mapped_answers import MappedAnswers
from .page_access import PageAccess
from .routes import (
    Route,
    add_routes,
    backup,
    events,
    indexed_db,
    ingest,
    loading,
    local_storage,
    models,
    origins,
    page,
    saving,
    service,
    sync,
)
from .served_weights import ServedWeights
from .service import SERVICE, Service
from .stored_weights import RecentlyVerified
from .sync.one_pass import PassOptions
from .sync.supervision import Synchronizer
from .warm_origins import WarmOrigins
from .web_guard import BearerToken, WebGuard
from .workers import Workers

ROUTES: tuple[Route, ...] = (
    *models.ROUTES,
    *saving.ROUTES,
    *loading.ROUTES,
    *local_storage.ROUTES,
    *ingest.ROUTES,
    *events.ROUTES,
    *indexed_db.ROUTES,
    *origins.ROUTES,
    *backup.ROUTES,
    *service.ROUTES,
    *page.ROUTES,
    *sync.ROUTES,
)


def open_home(address: Address) -> Home:
    """Takes the home.

    Raises HomeInUseError, UnsupportedFormatError, StoreFailedError, and ConfigurationError without LevelDB or for a
    home in a wrong place.
    """
    try:
        return Home(address.home, engines=_leveldb())
    except StoreFailedError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and (unusable := unusable_home(address.home, cause)) is not None:
            raise unusable from error
        raise


def build_service(
    configuration: Configuration,
    address: Address,
    home: Home,
    limits: Limits,
    *,
    loopback: LoopbackListener | None,
    autostarted: bool,
) -> Service:
    """The parts of a daemon on an open home; runs on the event loop. Raises ConfigurationError."""
    origins_, activity = Origins(home, browser_named(configuration["browser"]), home.clock), Activity()
    options = PassOptions(
        settle=configuration["sync.settle"] or 0.0, deletion_share=configuration["sync.deletion_share"]
    )
    pages = PageAccess()
    return Service(
        configuration,
        address,
        limits,
        home,
        origins_,
        Workers(),
        activity,
        Connections(limits),
        Guard.of(configuration),
        loopback,
        _web_guard(configuration, address, loopback, pages),
        pages,
        WarmOrigins(),
        RecentlyVerified(),
        ServedWeights(),
        MappedAnswers(),
        Synchronizer(address.home, origins_, activity, options),
        IndexedDBSessions(),
        Authors(),
        autostarted,
    )


def build_application(service: Service) -> web.Application:
    """The routes around the parts."""
    application = web.Application(middlewares=[edge])
    application[SERVICE] = service
    application.cleanup_ctx.append(_scrubbed)
    application.cleanup_ctx.append(_closed)
    home, browser = os.fspath(service.address.home), str(service.configuration["browser"])
    application.on_response_prepare.append(stamp(home, browser, service.activity, service.web_guard))
    service.connections.headers = own_headers(home, browser)
    service.connections.lean = LeanReads(
        service.guard,
        service.activity,
        service.warm,
        service.mapped,
        service.authors,
        service.configuration["origin"],
        service.connections.headers,
    )
    add_routes(application, ROUTES)
    return application


async def _scrubbed(application: web.Application) -> AsyncIterator[None]:
    """Damage in weights that nobody reads is found in the background and logged."""
    scrub = Scrub(application[SERVICE].home)
    scrub.start()
    yield
    scrub.stop()


async def _closed(application: web.Application) -> AsyncIterator[None]:
    yield
    application[SERVICE].served.close()


def _web_guard(
    configuration: Configuration, address: Address, loopback: LoopbackListener | None, pages: PageAccess
) -> WebGuard:
    if loopback is None:
        return WebGuard(frozenset(), frozenset(), None, pages)
    return WebGuard(loopback.hosts, frozenset(configuration["access.origins"]), BearerToken(address.home), pages)


def _leveldb() -> EngineFactory:
    from importlib.util import find_spec

    if find_spec("plyvel") is None:
        raise ConfigurationError(
            "The daemon keeps its data in LevelDB, and plyvel is not installed.", hint="pip install 'tfjsd[leveldb]'"
        )
    from ..storage_backends.engines.leveldb import leveldb_factory

    return leveldb_factory()
