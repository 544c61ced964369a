"""Redis on a unix socket, without persistence."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import redis


def program() -> str | None:
    return shutil.which("redis-server")


@contextmanager
def connected(place: Path) -> Iterator[tuple[redis.Redis, int]]:
    """A client of a server of its own, on one connection, and the server's process."""
    import redis

    place.mkdir()
    socket = place / "redis.sock"
    words = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([*words, "--dir", str(place)], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            time.sleep(0.01)
        with redis.Redis(unix_socket_path=str(socket), single_connection_client=True) as client:
            client.ping()
            yield client, process.pid
    finally:
        process.terminate()
        process.wait()
