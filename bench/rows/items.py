"""One localStorage item over the socket, and a thousand in one request, beside Redis."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from peers import redis_server
from row import Aim, Row, each_in
from series import Operation, Series, interleave
from workbench import Workbench

from tfjsd.storage_backends.web_storage.storage import Storage

COUNT = 500
BATCH = 1_000


def rows(workbench: Workbench) -> Iterator[Row]:
    with ExitStack() as stack:
        directory = stack.enter_context(workbench.directory())
        daemon = stack.enter_context(workbench.daemon())
        storage = daemon.connect().local_storage()
        keys = [f"key{number}" for number in range(BATCH)]
        storage.update(dict.fromkeys(keys, "value"))
        batch = stack.enter_context(Batch(daemon.socket, keys))
        operations: dict[str, Operation] = {
            "getItem": lambda _: each(COUNT, lambda: storage.get_item("key0")),
            "batch": lambda _: each(10, batch.get),
            "set in a batch": lambda number: each_changing(storage, number),
            "setItem": lambda number: each(50, lambda: storage.set_item("single", str(time.perf_counter_ns()))),
        }
        if redis_server.program() is None:
            workbench.missing["Redis"] = "apt-get install redis-server"
        else:
            redis = stack.enter_context(redis_server.connected(directory / "redis"))
            redis.mset(dict.fromkeys(keys, "value"))
            operations["Redis GET"] = lambda _: each(COUNT, lambda: redis.get("key0"))
            operations["Redis MGET"] = lambda _: each(10, lambda: redis.mget(keys))
        found = interleave(operations, workbench.rounds)
    measured = each_in("µs", found)
    if "Redis GET" in found:
        speed = found["Redis GET"].ratio(found["getItem"])
        yield Row("get_item over the socket, by Redis GET's rate", speed, Aim(0.5, "×", least=True), measured)
    for name, operation in (("batch", "get_item"), ("set in a batch", "durable set_item")):
        rate = Series(name, tuple(BATCH / seconds for seconds in found[name].samples))
        yield Row(f"{operation} in batches of 1,000", rate, Aim(100_000, "/s", least=True))


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
