"""How long a daemon takes to start, what it weighs, how fast it answers.

    python bench/daemon.py [--mib 64] [--requests 3000]

It speaks HTTP over a plain socket itself, so that only the daemon is measured. Figures are of this machine and of what
else it does: compare, don't quote.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PIECE = os.urandom(1 << 20)


class Daemon:
    """One daemon of this installation, in a home of its own."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "home" / "tfjsd.sock"
        started = time.perf_counter()
        reader, writer = os.pipe()
        command = [sys.executable, "-P", "-m", "tfjsd", "serve", "--home", str(directory / "home"), "--detached"]
        self.process = subprocess.Popen([*command, "--ready-fd", str(writer)], pass_fds=(writer,))
        os.close(writer)
        if os.read(reader, 100) != b"ready\n":
            raise SystemExit("the daemon did not start")
        os.close(reader)
        with self.connect() as connection:
            ask(connection, "GET", "/v1/models")
        self.first_answer = time.perf_counter() - started

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self.socket))
        return connection

    def memory(self, field: str) -> float:
        """Megabytes; Linux only."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024 / 1e6
        raise LookupError(field)

    def stop(self) -> float:
        started = time.perf_counter()
        self.process.terminate()
        self.process.wait()
        return time.perf_counter() - started


def request(method: str, target: str, body: bytes = b"", headers: str = "") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def ask(connection: socket.socket, method: str, target: str, body: bytes = b"") -> None:
    connection.sendall(request(method, target, body))
    connection.recv(1 << 16)


def rate(daemon: Daemon, count: int, clients: int, method: str, target: str, body: bytes = b"") -> str:
    """Requests a second over ``clients`` connections."""

    def run() -> None:
        with daemon.connect() as connection:
            for _ in range(count // clients):
                ask(connection, method, target, body)

    threads = [threading.Thread(target=run) for _ in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return f"{count / (time.perf_counter() - started):,.0f}/s"


def save(daemon: Daemon, mebibytes: int) -> float:
    size = mebibytes << 20
    specs = [{"name": "w", "shape": [size], "dtype": "bool"}]
    text = json.dumps({"modelTopology": {}, "weightSpecs": specs, "weightDataBytes": size}).encode()
    header = struct.pack("<I", len(text)) + text
    head = "PUT /v1/models/indexeddb/m HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.tfjsd.model\r\n"
    started = time.perf_counter()
    with daemon.connect() as connection:
        connection.sendall(f"{head}Content-Length: {len(header) + size}\r\n\r\n".encode() + header)
        for _ in range(mebibytes):
            connection.sendall(PIECE)
        connection.recv(1 << 16)
    return time.perf_counter() - started


def load(daemon: Daemon, mebibytes: int) -> float:
    buffer, received = bytearray(1 << 20), 0
    started = time.perf_counter()
    with daemon.connect() as connection:
        connection.sendall(b"GET /v1/models/indexeddb/m/weights.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        while received < mebibytes << 20:
            received += connection.recv_into(buffer)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=64)
    parser.add_argument("--requests", type=int, default=3000)
    arguments = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="tfjsd-bench-"))
    try:
        firsts = []
        for number in range(5):
            daemon = Daemon(directory / str(number))
            firsts.append(daemon.first_answer)
            if number < 4:
                daemon.stop()
        print(
            f"start to first answer  median {statistics.median(firsts) * 1000:.0f} ms, best {min(firsts) * 1000:.0f} ms"
        )
        print(f"idle, resident         {daemon.memory('VmRSS'):.1f} MB")
        item = json.dumps({"op": "setItem", "key": "k", "value": "v"}).encode()
        read = json.dumps({"op": "getItem", "key": "k"}).encode()
        print(f"durable setItem        {rate(daemon, arguments.requests // 10, 1, 'POST', '/v1/local-storage', item)}")
        print(f"  from 16 clients      {rate(daemon, arguments.requests, 16, 'POST', '/v1/local-storage', item)}")
        print(f"getItem                {rate(daemon, arguments.requests, 1, 'POST', '/v1/local-storage', read)}")
        print(f"healthz                {rate(daemon, arguments.requests, 1, 'GET', '/healthz')}")
        saves = [save(daemon, arguments.mib) for _ in range(5)]
        loads = [load(daemon, arguments.mib) for _ in range(5)]
        print(f"save {arguments.mib} MiB            median {statistics.median(saves) * 1000:.0f} ms")
        print(f"load {arguments.mib} MiB, streamed  median {statistics.median(loads) * 1000:.0f} ms")
        print(f"peak, resident         {daemon.memory('VmHWM'):.1f} MB")
        print(f"stop                   {daemon.stop() * 1000:.0f} ms")
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
