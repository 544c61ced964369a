"""A server that answers by script: what a daemon might do at its worst."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tfjsd

Handler = Callable[["Conversation"], None]


class Conversation:
    """One accepted connection."""

    def __init__(self, server: ScriptedServer, connected: socket.socket) -> None:
        self.server = server
        self.socket = connected
        self.file = connected.makefile("rb")

    def request(self) -> tuple[str, str, dict[str, str], bytes]:
        """Reads a whole request: method, target, headers, body. Raises EOFError when the client has closed."""
        first = self.file.readline().decode("latin-1").split()
        if not first:
            raise EOFError
        headers = {}
        while line := self.file.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = self.file.read(int(headers.get("content-length", 0)))
        if headers.get("transfer-encoding") == "chunked":
            while size := int(self.file.readline(), 16):
                body += self.file.read(size)
                self.file.readline()
            self.file.readline()
        self.server.requests.append((first[0], first[1]))
        return first[0], first[1], headers, body

    def answer(self, status: int = 200, body: bytes | dict[str, Any] = b"", **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(content)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in (self.server.headers | headers).items()]
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + content)


class ScriptedServer:
    """Listens on a unix socket; each connection is handed to the handler in a thread of its own."""

    def __init__(self, path: Path, handler: Handler) -> None:
        self.path = path
        self.handler = handler
        self.requests: list[tuple[str, str]] = []
        self.connections = 0
        self.headers = {"tfjsd-version": tfjsd.__version__, "tfjsd-protocol": "1", "tfjsd-home": str(path.parent)}
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.listen()

    def listen(self) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.fspath(self.path))
        self.listener.listen()
        self._run(self._accept, self.listener)

    def stop(self) -> None:
        """As a daemon that ends: nobody listens any more, open connections are closed."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.path.unlink()
        for connected in self._open:
            try:
                connected.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(10)
        self._open.clear()
        self._threads.clear()

    def _run(self, function: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connected, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connected)
            self._run(self._converse, connected)

    def _converse(self, connected: socket.socket) -> None:
        conversation = Conversation(self, connected)
        try:
            while True:
                self.handler(conversation)
        except (OSError, EOFError, ValueError):
            return
        finally:
            conversation.file.close()
            connected.close()


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Callable[[Handler], ScriptedServer]]:
    """``scripted(handler)`` listens at ``<tmp_path>/tfjsd.sock``; ``handler`` is called for each request."""
    servers: list[ScriptedServer] = []

    def start(handler: Handler) -> ScriptedServer:
        servers.append(ScriptedServer(tmp_path / "tfjsd.sock", handler))
        return servers[-1]

    yield start
    for server in servers:
        if server.path.exists():
            server.stop()
