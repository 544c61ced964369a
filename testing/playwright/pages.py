"""Storage between simulated browsers and real pages."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, overload

from ...errors import TfjsdError
from ...storage_backends.browsers import Browser
from ..launching import simulate_browser
from ..simulated_browser import SimulatedBrowser
from .both_apis import is_asynchronous
from .origin_state import OriginState, collect
from .storage_states import put_state

if TYPE_CHECKING:
    from playwright import async_api, sync_api

_BLANK = {"status": 200, "content_type": "text/html", "body": "<!doctype html><title></title>"}


@overload
def seed(page: sync_api.Page, simulated: SimulatedBrowser) -> None: ...


@overload
def seed(page: async_api.Page, simulated: SimulatedBrowser) -> Awaitable[None]: ...


def seed(page: Any, simulated: SimulatedBrowser) -> Awaitable[None] | None:
    """Puts what a simulated browser's page holds, models and all, into a real page's origin, and reads it back.

    localStorage is replaced; so are IndexedDB databases of the same names, others stay. The page must be at its origin,
    and have no open connection to these databases. With Playwright's asynchronous API, await the result.

    Raises TfjsdError where the page does not hold afterwards what was written; Playwright raises its own error where
    the page refuses a write.
    """
    if is_asynchronous(page):
        return _seed_asynchronously(page, simulated)
    state = simulated.run(collect)
    page.evaluate(_script("restore"), json.dumps(state))
    _compare(state, json.loads(page.evaluate(_script("collect"))))
    return None


@overload
def capture(
    context: sync_api.BrowserContext, origin: str, browser: str | Browser = "chrome", **options: Any
) -> SimulatedBrowser: ...


@overload
def capture(
    context: async_api.BrowserContext, origin: str, browser: str | Browser = "chrome", **options: Any
) -> Awaitable[SimulatedBrowser]: ...


def capture(
    context: Any, origin: str, browser: str | Browser = "chrome", **options: Any
) -> SimulatedBrowser | Awaitable[SimulatedBrowser]:
    """A simulated browser that holds what a real context holds for an origin.

    ``browser`` and ``options`` are those of ``simulate_browser``; close it as one of those. The origin's server is not
    asked: a blank page in its place reads the storage. With Playwright's asynchronous API, await the result.
    """
    if is_asynchronous(context):
        return _capture_asynchronously(context, origin, browser, options)
    page = context.new_page()
    try:
        page.route(f"{origin}/**", lambda route: route.fulfill(**_BLANK))
        page.goto(f"{origin}/")
        state = json.loads(page.evaluate(_script("collect")))
    finally:
        page.close()
    return _simulated(state, origin, browser, options)


async def _seed_asynchronously(page: Any, simulated: SimulatedBrowser) -> None:
    state = await collect(simulated.aio)
    await page.evaluate(_script("restore"), json.dumps(state))
    _compare(state, json.loads(await page.evaluate(_script("collect"))))


async def _capture_asynchronously(
    context: Any, origin: str, browser: str | Browser, options: dict[str, Any]
) -> SimulatedBrowser:
    async def blank(route: Any) -> None:
        await route.fulfill(**_BLANK)

    page = await context.new_page()
    try:
        await page.route(f"{origin}/**", blank)
        await page.goto(f"{origin}/")
        state = json.loads(await page.evaluate(_script("collect")))
    finally:
        await page.close()
    return _simulated(state, origin, browser, options)


def _simulated(state: OriginState, origin: str, browser: str | Browser, options: dict[str, Any]) -> SimulatedBrowser:
    simulated = simulate_browser(browser, origin=origin, **options)
    try:
        put_state(simulated, state)
    except BaseException:
        simulated.close()
        raise
    return simulated


def _compare(written: OriginState, read: OriginState) -> None:
    """Raises where something that was written is not there."""
    if _items(written) != _items(read):
        raise TfjsdError("the page's localStorage does not hold what was written into it")
    found = {database["name"]: database for database in read.get("indexedDB", ())}
    for database in written.get("indexedDB", ()):
        if found.get(database["name"]) != database:
            raise TfjsdError(f"the page's database '{database['name']}' does not hold what was written into it")


def _items(state: OriginState) -> dict[str, str]:
    return {item["name"]: item["value"] for item in state["localStorage"]}


@cache
def _script(function: str) -> str:
    source = files(__package__).joinpath("storage.js").read_text("utf-8").strip()
    return f"(argument) => ({source})().{function}(argument)"
