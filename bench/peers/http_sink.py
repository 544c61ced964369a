"""A bare aiohttp server on a unix socket that counts a request's bytes and answers: what a save over HTTP can't be
quicker than, whatever is done with it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = """
import sys
from aiohttp import web

async def count(request):
    return web.Response(text=str(sum([len(piece) async for piece in request.content.iter_any()])))

application = web.Application()
application.router.add_put("/sink", count)
web.run_app(application, path=sys.argv[1], print=None, access_log=None)
"""


class Sink:
    """One connection to it."""

    def __init__(self, address: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(address))

    def put(self, body: bytes | bytearray) -> None:
        head = f"PUT /sink HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        self._socket.sendmsg([head, body])
        if not self._socket.recv(4096).endswith(str(len(body)).encode()):
            raise SystemExit("the sink has counted something else")

    def close(self) -> None:
        self._socket.close()


@contextmanager
def connected(place: Path) -> Iterator[Sink]:
    """A connection to a server of its own."""
    address = place / "sink.sock"
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(address)])
    try:
        while not address.exists():
            if process.poll() is not None:
                raise SystemExit("the sink did not start")
            time.sleep(0.01)
        sink = Sink(address)
        yield sink
        sink.close()
    finally:
        process.terminate()
        process.wait()
