"""The page at ``/``, the JavaScript client, and how the page gets its token."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import Final

from aiohttp import web

from ...errors import AccessDeniedError, BadRequestError, ConfigurationError
from ...wire.addresses import OPEN_FILE
from ..page_access import CODE_SECONDS
from ..service import Call, json_answer
from ..web_files import WebFile, client_module, page_file
from . import Route, readable

_USER_HOME: Final = os.path.expanduser("~")


async def page(call: Call) -> web.StreamResponse:
    """The page itself; it holds nothing of the store's."""
    return _answer(call, page_file("index.html"))


async def page_part(call: Call) -> web.StreamResponse:
    """Its style, its program, its icon."""
    return _answer(call, page_file(call.request.match_info["file"]))


async def client(call: Call) -> web.StreamResponse:
    """The ES module for pages of listed origins."""
    return _answer(call, client_module())


async def issue_code(call: Call) -> web.StreamResponse:
    """For ``tfjsd open``: the page's address and a code that works once, for a minute."""
    loopback = call.service.loopback
    if not call.is_own_user:
        raise AccessDeniedError("Only the daemon's own user can open the page.")
    if loopback is None:
        raise ConfigurationError(
            "The daemon does not listen on TCP, where browsers could reach it.",
            hint="start it with tfjsd serve --http 127.0.0.1:8765, or configure http",
        )
    asyncio.get_running_loop().call_later(CODE_SECONDS, _forget_old_code, call.service.address.home / OPEN_FILE)
    return json_answer({"url": f"{loopback.url}/", "code": call.service.pages.issue()}, status=201)


def _forget_old_code(file: Path) -> None:
    """The file with a code that no browser has used; one that was written since then stays."""
    with contextlib.suppress(FileNotFoundError):
        if time.time() - file.stat().st_mtime > CODE_SECONDS / 2:
            file.unlink()


async def begin_session(call: Call) -> web.StreamResponse:
    """The page's own token for a code, whose file goes, and what it may write as ``~``. The token holds until the
    daemon ends, or the token of the home is rotated."""
    body = await call.json()
    code = body.get("code") if isinstance(body, dict) else None
    if not isinstance(code, str):
        raise BadRequestError('"code" must be a string.')
    token = call.service.pages.redeem(code)
    (call.service.address.home / OPEN_FILE).unlink(missing_ok=True)
    return json_answer({"token": token, "user_home": _USER_HOME}, status=201)


def _answer(call: Call, file: WebFile | None) -> web.StreamResponse:
    if file is None:
        raise web.HTTPNotFound
    headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
    if call.request.headers.get("If-None-Match") == file.etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=file.content, content_type=file.kind, charset="utf-8", headers=headers)


ROUTES = (
    *readable("/", page),
    *readable("/page/{file}", page_part),
    *readable("/tfjsd.js", client),
    Route("POST", "/v1/page/code", issue_code),
    Route("POST", "/v1/page/session", begin_session),
)
