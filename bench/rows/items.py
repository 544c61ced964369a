"""One localStorage item over the socket, and a thousand in one request, beside Redis.

A small question and its answer are two changes of processes. How long these take depends first on where the system lets
the two run: on one processor a change takes a few microseconds, on two the one that waits has to be woken, which in a
virtual machine takes longer than Redis or tfjsd do. The system decides anew from second to second, so both contenders
are measured in both places.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Self

import machine
from peers import redis_server
from row import Aim, Row, each_in
from series import Operation, Series, interleave
from workbench import Workbench

from tfjsd.storage_backends.web_storage.storage import Storage

COUNT = 500
BATCH = 1_000

Single = tuple[int, Callable[[], object]]
"""The process that answers, and the question."""


def rows(workbench: Workbench) -> Iterator[Row]:
    with ExitStack() as stack:
        directory = stack.enter_context(workbench.directory())
        daemon = stack.enter_context(workbench.daemon())
        assert daemon.pid is not None
        storage = daemon.connect().local_storage()
        keys = [f"key{number}" for number in range(BATCH)]
        storage.update(dict.fromkeys(keys, "value"))
        batch = stack.enter_context(Batch(daemon.socket, keys))
        operations: dict[str, Operation] = {
            "batch": lambda _: each(10, batch.get),
            "set in a batch": lambda number: each_changing(storage, number),
            "setItem": lambda number: each(50, lambda: storage.set_item("single", str(time.perf_counter_ns()))),
        }
        singles: dict[str, Single] = {"getItem": (daemon.pid, lambda: storage.get_item("key0"))}
        if redis_server.program() is None:
            workbench.missing["Redis"] = "apt-get install redis-server"
        else:
            redis, server = stack.enter_context(redis_server.connected(directory / "redis"))
            redis.mset(dict.fromkeys(keys, "value"))
            singles["Redis GET"] = (server, lambda: redis.get("key0"))
            operations["Redis MGET"] = lambda _: each(10, lambda: redis.mget(keys))
        found = interleave(operations | placed(singles), workbench.rounds)
    yield from beside_redis(found)
    for name, operation in (("batch", "get_item"), ("set in a batch", "durable set_item")):
        rate = Series(name, tuple(BATCH / seconds for seconds in found[name].samples))
        yield Row(f"{operation} in batches of 1,000", rate, Aim(100_000, "/s", least=True))


def placed(singles: Mapping[str, Single]) -> dict[str, Operation]:
    """Each contender, its client on the same processor and on another one; where nobody can choose, as it comes."""
    processors = machine.two_processors()
    if processors is None:
        return {name: lambda _, ask=ask: each(COUNT, ask) for name, (_, ask) in singles.items()}
    first, second = processors
    return {
        f"{name}, {place}": partial(each_on, {os.getpid(): first, server: processor}, ask)
        for name, (server, ask) in singles.items()
        for place, processor in (("one processor", first), ("two processors", second))
    }


def each_on(processors: Mapping[int, int], ask: Callable[[], object], _: int) -> float:
    with machine.on_processors(processors):
        return each(COUNT, ask)


def beside_redis(found: Mapping[str, Series]) -> Iterator[Row]:
    """A row for each place in which both were measured."""
    measured = each_in("µs", found)
    for name, series in found.items():
        redis = found.get(name.replace("getItem", "Redis GET"))
        if name.startswith("getItem") and redis is not None:
            title = name.replace("getItem", "get_item over the socket, by Redis GET's rate")
            yield Row(title, redis.ratio(series), Aim(0.5, "×", least=True), measured)
            measured = {}


class Batch:
    """``{"ops": […]}`` with a getItem for each key, on one connection, as docs/http.md has it."""

    def __init__(self, address: Path, keys: list[str]) -> None:
        self._connection = http.client.HTTPConnection("localhost")
        self._connection.sock = socket.socket(socket.AF_UNIX)
        self._connection.sock.connect(str(address))
        self._keys = keys

    def get(self) -> None:
        body = json.dumps({"ops": [{"op": "getItem", "key": key} for key in self._keys]})
        self._connection.request("POST", "/v1/local-storage", body, {"Content-Type": "application/json"})
        if json.loads(self._connection.getresponse().read())["results"] != ["value"] * len(self._keys):
            raise SystemExit("other values")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def each(count: int, operation: Callable[[], object]) -> float:
    """Seconds for one of them."""
    started = time.perf_counter()
    for _ in range(count):
        operation()
    return (time.perf_counter() - started) / count


def each_changing(storage: Storage, number: int) -> float:
    keys = [f"changing{at}" for at in range(BATCH)]
    values = [dict.fromkeys(keys, f"value {number}/{at}") for at in range(5)]
    started = time.perf_counter()
    for items in values:
        storage.update(items)
    return (time.perf_counter() - started) / len(values)
