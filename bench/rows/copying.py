"""Copies and moves within the stores, of whatever size."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pybase64
from peers import bare
from row import Aim, Row, each_in
from series import Operation, interleave
from workbench import MEBIBYTE, Workbench, model, numbered

# The largest that fits Chrome's 5 Mi code units beside its topology, in base64: 3.9 MB.
LOCAL_STORAGE = 3_900_000


def rows(workbench: Workbench) -> Iterator[Row]:
    yield from within_indexeddb(workbench)
    yield from between_media(workbench)


def within_indexeddb(workbench: Workbench) -> Iterator[Row]:
    with workbench.daemon() as daemon:
        store = daemon.connect()
        store.save("indexeddb://small", model(os.urandom(1024)))
        store.save("indexeddb://large", model(bytes(1024 * MEBIBYTE)))

        def copy(name: str) -> float:
            started = time.perf_counter()
            store.copy_model(f"indexeddb://{name}", "indexeddb://copy")
            elapsed = time.perf_counter() - started
            store.remove_model("indexeddb://copy")
            return elapsed

        def move(name: str, number: int) -> None:
            here, there = (name, f"{name} moved") if number % 2 else (f"{name} moved", name)
            store.move_model(f"indexeddb://{here}", f"indexeddb://{there}")

        operations: dict[str, Operation] = {
            "copy 1 KiB": lambda _: copy("small"),
            "copy 1 GiB": lambda _: copy("large"),
        }
        copies = interleave(operations, workbench.rounds * 3)
        moves = interleave({"move 1 GiB": lambda number: move("large", number)}, workbench.rounds * 3)
    measured = each_in("ms", copies)
    yield Row("copy 1 KiB inside indexeddb://", copies["copy 1 KiB"], Aim(3, "ms"))
    yield Row("copy 1 GiB inside indexeddb://", copies["copy 1 GiB"], Aim(3, "ms"), measured)
    yield Row("copy 1 GiB, by 1 KiB", copies["copy 1 GiB"].ratio(copies["copy 1 KiB"]), Aim(1.2, "×"))
    yield Row("move 1 GiB inside indexeddb://", moves["move 1 GiB"], Aim(3, "ms"))


def between_media(workbench: Workbench) -> Iterator[Row]:
    weights = bytearray(os.urandom(LOCAL_STORAGE))
    with workbench.directory() as directory, workbench.daemon() as daemon:
        store = daemon.connect()

        def copy(source: str, target: str, number: int) -> float:
            store.save(f"{source}://m", model(numbered(weights, number)))
            started = time.perf_counter()
            store.copy_model(f"{source}://m", f"{target}://copy")
            elapsed = time.perf_counter() - started
            store.remove_model(f"{source}://m")
            store.remove_model(f"{target}://copy")
            return elapsed

        def decode(number: int) -> float:
            encoded = pybase64.b64encode(numbered(weights, number))
            started = time.perf_counter()
            decoded = pybase64.b64decode(encoded, validate=True)
            return time.perf_counter() - started + bare.write_and_fsync(directory / "decoded", decoded)

        def encode(number: int) -> float:
            started = time.perf_counter()
            encoded = pybase64.b64encode(numbered(weights, number))
            return time.perf_counter() - started + bare.write_and_fsync(directory / "encoded", encoded)

        operations: dict[str, Operation] = {
            "to indexeddb": lambda number: copy("localstorage", "indexeddb", number),
            "pybase64 decode + write + fsync": decode,
            "to localstorage": lambda number: copy("indexeddb", "localstorage", number),
            "pybase64 encode + write + fsync": encode,
        }
        found = interleave(operations, workbench.rounds)
    there = found["to indexeddb"].ratio(found["pybase64 decode + write + fsync"])
    back = found["to localstorage"].ratio(found["pybase64 encode + write + fsync"])
    measured = each_in("ms", found)
    yield Row("copy 3.9 MB localstorage:// to indexeddb://", there, Aim(1.5, "×"), measured)
    yield Row("copy 3.9 MB indexeddb:// to localstorage://", back, Aim(1.5, "×"))
