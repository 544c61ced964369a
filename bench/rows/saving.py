"""A large save through the daemon, and small ones from one client and from many."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from peers import bare, key_value, tensor_file
from row import Aim, Row, each_in
from series import Operation, interleave
from workbench import MEBIBYTE, Workbench, model, numbered

import tfjsd

LARGE = 64 * MEBIBYTE
SMALL = 100 * 1024
CLIENTS = 32


def rows(workbench: Workbench) -> Iterator[Row]:
    yield large_save(workbench)
    yield from small_saves(workbench)


def large_save(workbench: Workbench) -> Row:
    weights = bytearray(os.urandom(LARGE))
    with ExitStack() as stack:
        directory = stack.enter_context(workbench.directory())
        store = stack.enter_context(workbench.daemon()).connect()
        (directory / "source").write_bytes(weights)
        operations: dict[str, Operation] = {
            "tfjsd": lambda number: save_seconds(store, numbered(weights, number)),
            "write + fsync": lambda number: bare.write_and_fsync(directory / "bare", numbered(weights, number)),
            "cp + fsync": lambda _: bare.copy_and_fsync(directory / "source", directory / "copy"),
            "safetensors + fsync": lambda _: tensor_file.save(directory / "file.safetensors", weights),
        }
        for peer in (key_value.leveldb, key_value.sqlite, key_value.lmdb):
            opened = stack.enter_context(peer(directory))
            operations[opened.name] = partial(put_numbered, opened, weights)
        found = interleave(operations, workbench.rounds)
    figure = found["tfjsd"].ratio(found["write + fsync"])
    return Row("save 64 MiB durably through the daemon", figure, Aim(1.3, "×"), each_in("ms", found))


def save_seconds(store: tfjsd.Client, weights: bytearray) -> float:
    artifacts = model(weights)
    started = time.perf_counter()
    store.save("indexeddb://large", artifacts)
    return time.perf_counter() - started


def put_numbered(store: key_value.KeyValueStore, weights: bytearray, number: int) -> float:
    numbered(weights, number)
    started = time.perf_counter()
    store.put(b"large", weights)
    return time.perf_counter() - started


def small_saves(workbench: Workbench) -> Iterator[Row]:
    weights = bytearray(os.urandom(SMALL))
    count = 20
    with workbench.directory() as directory, workbench.daemon() as daemon:
        store = daemon.connect()

        def one_client(number: int) -> float:
            return sum(save_seconds(store, numbered(weights, number * count + at)) for at in range(count)) / count

        def bare_file(number: int) -> float:
            path = directory / "small"
            writes = (bare.write_and_fsync(path, numbered(weights, number * count + at)) for at in range(count))
            return sum(writes) / count

        operations: dict[str, Operation] = {
            "1 client": one_client,
            "write + fsync of 100 KiB": bare_file,
            "32 clients, each save": lambda number: many_clients(store, CLIENTS, number),
            "32 writers, each write + fsync": lambda number: many_files(directory, CLIENTS, number),
        }
        found = interleave(operations, workbench.rounds)
    figure = found["1 client"].ratio(found["write + fsync of 100 KiB"])
    measured = each_in("ms", found)
    yield Row("durable save of 100 KiB, 1 client", figure, Aim(1.5, "×"), measured)
    rate = found["1 client"].ratio(found["32 clients, each save"])
    yield Row("durable saves of 100 KiB, 32 clients, by the rate of one", rate, Aim(8, "×", least=True), measured)


def many_clients(store: tfjsd.Client, clients: int, number: int) -> float:
    """Seconds for each save, all clients at work."""
    count = 8

    def work(client: int) -> None:
        weights = bytearray(os.urandom(SMALL))
        for at in range(count):
            store.save(f"indexeddb://small{client}", model(numbered(weights, number * count + at)))

    return in_threads(work, clients) / (clients * count)


def many_files(directory: Path, writers: int, number: int) -> float:
    count = 8

    def work(writer: int) -> None:
        weights = bytearray(os.urandom(SMALL))
        for at in range(count):
            bare.write_and_fsync(directory / f"small{writer}", numbered(weights, number * count + at))

    return in_threads(work, writers) / (writers * count)


def in_threads(work: Callable[[int], None], count: int) -> float:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started
