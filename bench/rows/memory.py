"""What a daemon weighs: idle, and at the most of a 1 GiB model's way in and out."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from row import Aim, Row
from series import Series
from workbench import MEBIBYTE, Workbench

from rows.loading import download
from tfjsd.testing.daemon_process import DaemonProcess

SIZE = 1024 * MEBIBYTE


def rows(workbench: Workbench) -> Iterator[Row]:
    if not Path("/proc/self/status").exists():
        workbench.missing["memory of a process"] = "Linux's /proc"
        return
    with workbench.daemon() as daemon:
        daemon.connect().list_models()
        idle = Series("idle", (resident(daemon, "VmRSS") / 1e6,))
        upload(daemon)
        download(daemon.socket, "/v1/models/indexeddb/m/weights.bin", SIZE)
        most = Series("1 GiB", (resident(daemon, "VmHWM") / MEBIBYTE,))
    yield Row("idle daemon, resident", idle, Aim(45, "MB"))
    yield Row("1 GiB model streamed in and out, daemon's most", most, Aim(150, "MiB"))


def resident(daemon: DaemonProcess, field: str) -> int:
    """Bytes."""
    for line in Path(f"/proc/{daemon.pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def upload(daemon: DaemonProcess) -> None:
    """The model as ``curl`` would send it: through the socket, not as a file of the same machine."""
    specs = [{"name": "w", "shape": [SIZE // 4], "dtype": "float32"}]
    text = json.dumps({"modelTopology": {}, "weightSpecs": specs, "weightDataBytes": SIZE}).encode()
    header = struct.pack("<I", len(text)) + text
    piece = os.urandom(MEBIBYTE)
    head = "PUT /v1/models/indexeddb/m HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/vnd.tfjsd.model\r\n"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(daemon.socket))
        connection.sendall(f"{head}Content-Length: {len(header) + SIZE}\r\n\r\n".encode() + header)
        for _ in range(SIZE // len(piece)):
            connection.sendall(piece)
        answer = connection.recv(1 << 16)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(answer.decode())
