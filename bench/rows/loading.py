"""Weights as numpy views, and weights streamed."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
from peers import bare, key_value, nginx, tensor_file
from row import Aim, Row, each_in
from series import Operation, interleave
from workbench import MEBIBYTE, Workbench, model

SIZES = {"64 MiB": 64 * MEBIBYTE, "1 GiB": 1024 * MEBIBYTE}


def rows(workbench: Workbench) -> Iterator[Row]:
    for name, size in SIZES.items():
        yield from mapped(workbench, name, size)
    yield from streamed(workbench)


def mapped(workbench: Workbench, name: str, size: int) -> Iterator[Row]:
    with ExitStack() as stack:
        directory = stack.enter_context(workbench.directory())
        store = stack.enter_context(workbench.daemon()).connect()
        weights = os.urandom(size)
        store.save("indexeddb://m", model(weights))
        (directory / "file").write_bytes(weights)
        operations: dict[str, Operation] = {
            "tfjsd": lambda _: expect(store.load("indexeddb://m").weights()["w"].nbytes, size),
            "mmap": lambda _: expect(len(bare.map_file(directory / "file")), size),
            "tfjsd, every page touched": lambda _: touch_seconds(store.load("indexeddb://m").weights()["w"].view("u1")),
            "mmap, every page touched": lambda _: touch_seconds(bare.map_file(directory / "file")),
        }
        if size == SIZES["64 MiB"]:
            tensor_file.save(directory / "file.safetensors", weights)
            operations["safetensors"] = lambda _: expect(len(tensor_file.load(directory / "file.safetensors")), size)
            for peer in (key_value.leveldb, key_value.sqlite, key_value.lmdb):
                opened = stack.enter_context(peer(directory))
                opened.put(b"m", weights)
                operations[opened.name] = partial(get, opened, size)
        del weights
        found = interleave(operations, workbench.rounds)
    measured = each_in("ms", found)
    yield Row(f"load {name} as numpy views", found["tfjsd"], Aim(2, "ms"), measured)
    touched = found["tfjsd, every page touched"].ratio(found["mmap, every page touched"])
    yield Row(f"load {name} and touch every page: the touching, by mmap's", touched, Aim(1.1, "×"))


def touch_seconds(view: np.ndarray) -> float:
    """What is mapped already is touched for the first time."""
    started = time.perf_counter()
    bare.touch(view)
    return time.perf_counter() - started


def get(store: key_value.KeyValueStore, size: int, _: int) -> None:
    expect(store.get(b"m"), size)


def expect(found: int, size: int) -> None:
    if found != size:
        raise SystemExit(f"{found} bytes in place of {size}")


def streamed(workbench: Workbench) -> Iterator[Row]:
    if nginx.program() is None:
        workbench.missing["nginx"] = "apt-get install nginx-light"
        return
    size = SIZES["64 MiB"]
    with workbench.directory() as directory, workbench.daemon() as daemon:
        weights = os.urandom(size)
        daemon.connect().save("indexeddb://m", model(weights))
        (directory / "root").mkdir()
        (directory / "root" / "weights.bin").write_bytes(weights)
        with nginx.serving(directory / "root", directory / "nginx") as server:
            operations: dict[str, Operation] = {
                "tfjsd": lambda _: download(daemon.socket, "/v1/models/indexeddb/m/weights.bin", size),
                "tfjsd, verified less than a minute ago": lambda _: download(
                    daemon.socket, "/v1/models/indexeddb/m/weights.bin", size, "Range: bytes=0-\r\n"
                ),
                "nginx": lambda _: download(server, "/weights.bin", size),
            }
            found = interleave(operations, workbench.rounds)
    speed = found["nginx"].ratio(found["tfjsd"])
    measured = each_in("ms", found)
    yield Row("load 64 MiB streamed, by nginx's speed", speed, Aim(0.8, "×", least=True), measured)


def download(address: Path, target: str, size: int, headers: str = "") -> None:
    """A GET on a connection of its own, received into one buffer that is used again and again."""
    buffer = bytearray(MEBIBYTE)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(address))
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n".encode())
        received = 0
        while count := connection.recv_into(buffer):
            received += count
    if received < size:
        raise SystemExit(f"{target}: {received} bytes in place of {size}")
