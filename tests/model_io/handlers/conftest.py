"""Servers and models shared by the tests of model_io."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tfjsd.model_io.types import ModelArtifacts


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


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that breaks off is what some tests are about."""


@pytest.fixture
def make_web_server() -> Iterator[Callable[[], WebServer]]:
    """Starts web servers on loopback; each is another origin."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start() -> WebServer:
        handler = type("Handler", (_Handler,), {})
        server = _Server(("127.0.0.1", 0), handler)
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


TOPOLOGY = {
    "class_name": "Sequential",
    "keras_version": "2.1.6",
    "config": [{"class_name": "Dense", "config": {"name": "dense", "units": 1, "batch_input_shape": [None, 3]}}],
    "backend": "tensorflow",
}
SPECS = [
    {"name": "dense/kernel", "shape": [3, 1], "dtype": "float32"},
    {"name": "dense/bias", "shape": [1], "dtype": "float32"},
]
WEIGHTS = struct.pack("<4f", -1.5, 3.25, 0.5, 7.0)


@pytest.fixture
def artifacts() -> ModelArtifacts:
    """A small model with every field."""
    return ModelArtifacts(
        TOPOLOGY,
        SPECS,
        WEIGHTS,
        format="layers-model",
        generated_by="TensorFlow.js v0.0.0",
        converted_by=None,
        training_config={"loss": "mse", "metrics": ["acc"], "optimizer_config": {"class_name": "SGD", "config": {}}},
        signature={"inputs": {}},
        user_defined_metadata={"name": "ümläut 🐍"},
        model_initializer={"node": []},
        initializer_signature={"outputs": {}},
    )


@pytest.fixture
def bare() -> ModelArtifacts:
    """A topology and nothing else."""
    return ModelArtifacts(TOPOLOGY)


@pytest.fixture
def write_model() -> Callable[..., Path]:
    """Writes a model.json and its weight files as somebody else would have."""

    def write(directory: Path, files: dict[str, bytes], groups: list[dict[str, object]], **fields: object) -> Path:
        directory.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_bytes(data)
        path = directory / "model.json"
        path.write_text(json.dumps({"modelTopology": TOPOLOGY, "weightsManifest": groups, **fields}))
        return path

    return write
