"""Debian's Chromium under Playwright, and a server with the real TensorFlow.js."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

TFJS = Path(__file__).parents[2] / "js/node_modules/@tensorflow/tfjs/dist/tf.min.js"
ARGUMENTS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGE = b"<!doctype html><meta charset=utf-8><title>test</title>"
WITH_TFJS = PAGE + b"<script src=/tf.min.js></script>"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        kind, body = "text/html", PAGE
        if self.path == "/tfjs":
            body = WITH_TFJS
        elif self.path == "/tf.min.js":
            kind, body = "text/javascript", _tfjs()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@functools.cache
def _tfjs() -> bytes:
    return TFJS.read_bytes()


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """``http://localhost:PORT``: ``/`` is an empty page, ``/tfjs`` one with TensorFlow.js."""
    if not TFJS.exists():
        pytest.skip("TensorFlow.js is not installed: scripts/test installs it (npm ci in tests/js)")
    server = http.server.ThreadingHTTPServer(("localhost", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def launching() -> dict[str, Any]:
    """What ``launch`` needs to start Debian's Chromium."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("Chromium is not installed: scripts/test installs it")
    return {"executable_path": found, "args": ARGUMENTS}


@pytest.fixture(scope="module")
def chromium(launching: dict[str, Any]) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launching)
        yield browser
        browser.close()


@pytest.fixture
def real_context(chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh context: its storage is empty."""
    context = chromium.new_context()
    yield context
    context.close()


@pytest.fixture
def real_page(real_context: BrowserContext) -> Page:
    return real_context.new_page()
