"""A real Chromium for differential tests, driven over its debugging protocol."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--remote-debugging-port=0",
)
_RUNNER = Path(__file__).with_name("program_runner.js")


class Page:
    """A page of a local server in which programs are played."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last = 0

    async def evaluate(self, expression: str) -> Any:
        self._last += 1
        parameters = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        await self._socket.send_json({"id": self._last, "method": "Runtime.evaluate", "params": parameters})
        while True:
            message = await self._socket.receive_json()
            if message.get("id") == self._last:
                result = message["result"]
                if "exceptionDetails" in result:
                    raise RuntimeError(json.dumps(result["exceptionDetails"])[:2000])
                return result["result"].get("value")

    async def play(self, programs: list[Any]) -> list[Any]:
        """The results of each program."""
        return list(json.loads(await self.evaluate(f"playAll({json.dumps(programs)})")))


@contextlib.asynccontextmanager
async def page() -> AsyncIterator[Page]:
    """Starts Chromium with a profile of its own and removes both afterwards."""
    assert PROGRAM is not None
    profile = Path(tempfile.mkdtemp(prefix="tfjsd-chromium-"))
    site, address = await _serve()
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *_FLAGS, f"--user-data-dir={profile}", address,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as session:
            url = await _debugger_of(session, profile, address)
            async with session.ws_connect(url, max_msg_size=0) as socket:
                found = Page(socket)
                while not await found.evaluate("location.protocol === 'http:' && document.readyState === 'complete'"):
                    await asyncio.sleep(0.05)
                await found.evaluate(_RUNNER.read_text() + "\n;0")
                yield found
    finally:
        process.terminate()
        await process.wait()
        await site.cleanup()
        shutil.rmtree(profile, ignore_errors=True)


async def _serve() -> tuple[web.AppRunner, str]:
    async def blank(_request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>programs</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", blank)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    return runner, f"http://127.0.0.1:{port}/"


async def _debugger_of(session: aiohttp.ClientSession, profile: Path, address: str) -> str:
    """The address of the page's debugger, once Chromium has it."""
    for _ in range(600):
        with contextlib.suppress(OSError, ValueError, IndexError, aiohttp.ClientError):
            port = int((profile / "DevToolsActivePort").read_text().split()[0])
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                for target in await answer.json():
                    if target["type"] == "page" and target["url"] == address:
                        return str(target["webSocketDebuggerUrl"])
        await asyncio.sleep(0.1)
    raise RuntimeError("Chromium did not start")
