"""Servers and models shared by the tests of model_io."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Received:
    """One request that reached the server."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    close_early: bool = False
    """Announce the whole body, send half of it."""
    sized: bool = True


@dataclass
class WebServer:
    """Answers from a table of paths; anything else is 404. Remembers what it received."""

    url: str
    answers: dict[str, Answer | Callable[[Received], Answer]] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)

    def serve(
        self,
        path: str,
        body: bytes | str = b"",
        status: int = 200,
        *,
        close_early: bool = False,
        sized: bool = True,
        **headers: str,
    ) -> str:
        """Publishes a resource and returns its URL."""
        data = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = Answer(status, data, named, close_early, sized)
        return self.url + path

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.received]


class _Handler(BaseHTTPRequestHandler):
    web: WebServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
        """Tests read no log."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        received = Received(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        self.web.received.append(received)
        found = self.web.answers.get(self.path, Answer(404, b"<!DOCTYPE html><title>404</title>"))
        answer = found(received) if callable(found) else found
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.sized:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if answer.close_early else answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = _answer  # noqa: N815 (http.server's names)


@pytest.fixture
def make_web_server() -> Iterator[Callable[[], WebServer]]:
    """Starts web servers on loopback; each is another origin."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start() -> WebServer:
        handler = type("Handler", (_Handler,), {})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = False
        web = WebServer(f"http://127.0.0.1:{server.server_address[1]}")
        handler.web = web  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return web

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def web_server(make_web_server: Callable[[], WebServer]) -> WebServer:
    return make_web_server()
