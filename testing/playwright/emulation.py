"""Another browser's storage limits in a Chromium page."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Collection
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, overload
from urllib.parse import urlsplit

from ...storage_backends.browsers import Browser, browser_named
from ...storage_backends.web_storage.bucket_quota import denied_error
from ..access import DENIABLE, Deniable
from .both_apis import is_asynchronous

if TYPE_CHECKING:
    from playwright import async_api, sync_api


def init_script(
    browser: str | Browser = "safari",
    *,
    local_storage_quota: int | None = None,
    deny: Collection[Deniable] = (),
    fail_nth_write: int | None = None,
) -> str:
    """JavaScript that gives a page the browser's Web Storage, to be run before the page's own scripts.

    It replaces the methods of ``Storage.prototype`` and puts proxies in front of ``localStorage`` and
    ``sessionStorage``, so that assignments (``localStorage.a = "b"``) are caught as well. Chromium's own limit stays in
    force beneath. The order of keys stays Chromium's. Raises ValueError for an unknown browser, an unknown storage in
    ``deny``, a negative quota.
    """
    rules = browser_named(browser) if isinstance(browser, str) else browser
    if local_storage_quota is not None:
        rules = rules.derive(local_storage_quota=local_storage_quota)
    if unknown := set(deny) - set(DENIABLE):
        raise ValueError(f"cannot deny {', '.join(sorted(unknown))}: there are {', '.join(DENIABLE)}")
    storage = rules.web_storage
    config = {
        "storage": {
            "limit": storage.limit,
            "unit": storage.unit,
            "refusal": storage.refusal,
            "setItem": storage.set_item_message,
            "namedProperty": storage.named_property_message,
            "indexedProperty": storage.indexed_property_message,
            "propertiesHide": rules.engine == "chromium",
            "interface": storage.quota_interface,
        },
        "deny": _denied(rules, deny),
        "failNthWrite": fail_nth_write,
    }
    return f"({_source()})({json.dumps(config)});"


@overload
def emulate(
    context_or_page: sync_api.BrowserContext | sync_api.Page,
    browser: str | Browser = "safari",
    *,
    local_storage_quota: int | None = None,
    indexeddb_quota: int | None = None,
    deny: Collection[Deniable] = (),
    fail_nth_write: int | None = None,
) -> None: ...


@overload
def emulate(
    context_or_page: async_api.BrowserContext | async_api.Page,
    browser: str | Browser = "safari",
    *,
    local_storage_quota: int | None = None,
    indexeddb_quota: int | None = None,
    deny: Collection[Deniable] = (),
    fail_nth_write: int | None = None,
) -> Awaitable[None]: ...


def emulate(
    context_or_page: Any,
    browser: str | Browser = "safari",
    *,
    local_storage_quota: int | None = None,
    indexeddb_quota: int | None = None,
    deny: Collection[Deniable] = (),
    fail_nth_write: int | None = None,
) -> Awaitable[None] | None:
    """Gives the pages of a context, or one page, another browser's storage limits and errors.

    In force from the next navigation on: call it before ``goto``. ``local_storage_quota`` (in the engine's unit) and
    ``indexeddb_quota`` (bytes) replace the browser's own; without the latter IndexedDB keeps Chromium's quota.
    ``fail_nth_write``: that write (``setItem`` or an assignment) in each document is refused. With an object of
    Playwright's asynchronous API, await the result.

    Raises as ``init_script`` does; Playwright raises its own errors where a context is not Chromium's.
    """
    script = init_script(browser, local_storage_quota=local_storage_quota, deny=deny, fail_nth_write=fail_nth_write)
    if is_asynchronous(context_or_page):
        return _emulate_asynchronously(context_or_page, script, indexeddb_quota)
    context_or_page.add_init_script(script=script)
    if indexeddb_quota is not None:
        context_or_page.route("**/*", _QuotaOverride(indexeddb_quota).before_request)
    return None


async def _emulate_asynchronously(context_or_page: Any, script: str, indexeddb_quota: int | None) -> None:
    await context_or_page.add_init_script(script=script)
    if indexeddb_quota is not None:
        await context_or_page.route("**/*", _QuotaOverride(indexeddb_quota).before_request_asynchronously)


class _QuotaOverride:
    """Sets the quota of each origin before its first document is requested.

    Chromium only heeds an override that is there before the origin touches IndexedDB, and forgets it with the session:
    each page has one of its own.
    """

    def __init__(self, quota: int) -> None:
        self._quota = quota
        self._sessions: dict[Any, Any] = {}
        self._known: set[tuple[Any, str]] = set()

    def before_request(self, route: Any) -> None:
        wanted = self._wanted(route)
        if wanted is not None:
            page, origin = wanted
            if page not in self._sessions:
                self._sessions[page] = page.context.new_cdp_session(page)
            self._sessions[page].send(*self._command(origin))
        route.fallback()

    async def before_request_asynchronously(self, route: Any) -> None:
        wanted = self._wanted(route)
        if wanted is not None:
            page, origin = wanted
            if page not in self._sessions:
                self._sessions[page] = await page.context.new_cdp_session(page)
            await self._sessions[page].send(*self._command(origin))
        await route.fallback()

    def _wanted(self, route: Any) -> tuple[Any, str] | None:
        """The page and the origin whose quota is not set yet, if the request is for a document."""
        request = route.request
        if not request.is_navigation_request():
            return None
        url = urlsplit(request.url)
        wanted = (request.frame.page, f"{url.scheme}://{url.netloc}")
        if wanted in self._known:
            return None
        self._known.add(wanted)
        return wanted

    def _command(self, origin: str) -> tuple[str, dict[str, Any]]:
        return "Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": self._quota}


def _denied(rules: Browser, deny: Collection[Deniable]) -> dict[str, Any]:
    denied: dict[str, Any] = {}
    if "localstorage" in deny:
        names = ("localStorage", "sessionStorage")
        denied["localstorage"] = {name: denied_error(rules, name).message for name in names}  # type: ignore[arg-type]
    if "indexeddb" in deny:
        denied["indexeddb"] = denied_error(rules, "indexedDB").message
    if "downloads" in deny:
        denied["downloads"] = True
    return denied


@cache
def _source() -> str:
    return files(__package__).joinpath("emulation.js").read_text("utf-8").strip()
