"""A large save through the daemon, and small ones from one client and from many."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from math import nan
from pathlib import Path

import machine
from peers import bare, http_sink, key_value, tensor_file
from row import Aim, Row, each_in
from series import Operation, Series, interleave
from workbench import MEBIBYTE, Workbench, model, numbered

import tfjsd

LARGE = 64 * MEBIBYTE
SMALL = 100 * 1024
CLIENTS = 32
SAVES = 8
"""By each of many clients."""


def rows(workbench: Workbench) -> Iterator[Row]:
    yield large_save(workbench)
    yield small_save(workbench)
    yield small_saves(workbench)


def large_save(workbench: Workbench) -> Row:
    weights = bytearray(os.urandom(LARGE))
    with ExitStack() as stack:
        directory = stack.enter_context(workbench.directory())
        store = stack.enter_context(workbench.daemon()).connect()
        (directory / "source").write_bytes(weights)
        operations: dict[str, Operation] = {
            "tfjsd": lambda number: save_seconds(store, numbered(weights, number)),
            "write + fsync": lambda number: bare.write_and_fsync(directory / "bare", numbered(weights, number)),
            "write + fsync, as fast to map": lambda number: bare.write_and_fsync(
                directory / "large pieces", numbered(weights, number), bare.LARGE_PIECE
            ),
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


def small_save(workbench: Workbench) -> Row:
    """One client, beside the file, and beside the two things that no daemon of this kind can do without."""
    weights = bytearray(os.urandom(SMALL))
    with ExitStack() as stack:
        directory = stack.enter_context(workbench.directory())
        store = stack.enter_context(workbench.daemon()).connect()
        level = stack.enter_context(key_value.leveldb(directory))
        sink = stack.enter_context(http_sink.connected(directory))
        operations: dict[str, Operation] = {
            "1 client": partial(each, lambda number: save_seconds(store, numbered(weights, number))),
            "write + fsync of 100 KiB": partial(
                each, lambda number: bare.write_and_fsync(directory / "small", numbered(weights, number))
            ),
            "LevelDB, a synced put of 100 KiB": partial(each, lambda number: put_numbered(level, weights, number)),
            "aiohttp, a PUT of 100 KiB that is only counted": partial(each, lambda _: timed(sink.put, weights)),
        }
        found = interleave(operations, workbench.rounds)
    figure = found["1 client"].ratio(found["write + fsync of 100 KiB"])
    return Row("durable save of 100 KiB, 1 client", figure, Aim(1.5, "×"), each_in("ms", found))


def small_saves(workbench: Workbench) -> Row:
    """Many clients, in a home of their own: LevelDB still compacts what they wrote when the next round begins."""
    weights = bytearray(os.urandom(SMALL))
    with workbench.directory() as directory, workbench.daemon() as daemon:
        store, busy = daemon.connect(), Busy(daemon.pid)
        operations: dict[str, Operation] = {
            "1 client": partial(each, lambda number: save_seconds(store, numbered(weights, number))),
            "32 clients, each save": lambda number: busy.during(lambda: many_clients(store, CLIENTS, number)),
            "32 writers, each write + fsync": lambda number: many_files(directory, CLIENTS, number),
        }
        found = interleave(operations, workbench.rounds)
    rate = found["1 client"].ratio(found["32 clients, each save"])
    measured = each_in("ms", found) + each_in("ms", busy.series(CLIENTS * SAVES))
    return Row("durable saves of 100 KiB, 32 clients, by the rate of one", rate, Aim(8, "×", least=True), measured)


class Busy:
    """Processor time that the daemon, and this process with its clients, take for what is measured."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self._daemon: list[float] = []
        self._clients: list[float] = []

    def during(self, operation: Callable[[], float]) -> float:
        before, own = machine.processor_seconds(self._pid), time.process_time()
        seconds = operation()
        after = machine.processor_seconds(self._pid)
        self._clients.append(time.process_time() - own)
        self._daemon.append(nan if before is None or after is None else after - before)
        return seconds

    def series(self, count: int) -> dict[str, Series]:
        """For each of ``count`` operations, without the round that warms up."""
        found = {"of which the daemon's processor time": self._daemon, "and the clients'": self._clients}
        return {name: Series(name, tuple(values[1:])).scaled(1 / count) for name, values in found.items()}


def each(operation: Callable[[int], float], number: int) -> float:
    """Seconds of one of twenty."""
    count = 20
    return sum(operation(number * count + at) for at in range(count)) / count


def timed(operation: Callable[[bytearray], None], weights: bytearray) -> float:
    started = time.perf_counter()
    operation(weights)
    return time.perf_counter() - started


def many_clients(store: tfjsd.Client, clients: int, number: int) -> float:
    """Seconds for each save, all clients at work."""

    def work(client: int) -> None:
        weights = bytearray(os.urandom(SMALL))
        for at in range(SAVES):
            store.save(f"indexeddb://small{client}", model(numbered(weights, number * SAVES + at)))

    return in_threads(work, clients) / (clients * SAVES)


def many_files(directory: Path, writers: int, number: int) -> float:

    def work(writer: int) -> None:
        weights = bytearray(os.urandom(SMALL))
        for at in range(SAVES):
            bare.write_and_fsync(directory / f"small{writer}", numbered(weights, number * SAVES + at))

    return in_threads(work, writers) / (writers * SAVES)


def in_threads(work: Callable[[int], None], count: int) -> float:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started
