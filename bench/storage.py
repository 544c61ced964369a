"""Durable writes: one writer and many, small records and blobs, beside what the disk itself takes.

    python bench/storage.py [DIRECTORY]

DIRECTORY is where the disk is that counts (default: the temporary directory). Medians of single operations in
microseconds, and operations a second of many threads.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tfjsd.storage_backends.abc import Durability, WriteBatch
from tfjsd.storage_backends.buckets import Bucket
from tfjsd.storage_backends.engines.leveldb import LevelDBEngine, leveldb_engine
from tfjsd.storage_backends.home import Home

VALUE = os.urandom(100)
WEIGHTS = os.urandom(200_000)


def median(operation: Callable[[int], object], count: int = 200) -> float:
    times = []
    for number in range(count):
        start = time.perf_counter()
        operation(number)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def put(bucket: Bucket, key: bytes, durability: Durability = "strict") -> None:
    with bucket.mutate(durability) as mutation:
        mutation.put(key, VALUE)
    mutation.future.result()


def save(bucket: Bucket, number: int) -> None:
    blob = bucket.blobs.stage(number.to_bytes(8, "little") + WEIGHTS)
    with bucket.mutate() as mutation:
        mutation.put(b"\x04%d" % number, blob.digest.encode())
        mutation.refer(blob, b"%d" % number)
    mutation.future.result()


def bare_append(descriptor: int) -> None:
    os.write(descriptor, VALUE)
    os.fdatasync(descriptor)


def bare_file(base: Path, number: int) -> None:
    """What a durable file takes: write, sync, rename, sync of the directory."""
    path = base / str(number)
    with path.open("wb") as file:
        file.write(WEIGHTS)
        file.flush()
        os.fsync(file.fileno())
    path.rename(base / f"{number}.done")
    directory = os.open(base, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def engine_write(engine: LevelDBEngine, number: int) -> None:
    batch = WriteBatch()
    batch.put(b"%d" % number, VALUE)
    engine.write(batch, sync=True)


def throughput(bucket: Bucket, writers: int) -> float:
    count = max(20, 3000 // writers)

    def work(writer: int) -> None:
        for number in range(count):
            put(bucket, b"\x02%d/%d" % (writer, number))

    threads = [threading.Thread(target=work, args=(writer,)) for writer in range(writers)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return writers * count / (time.perf_counter() - start)


def pipelined(bucket: Bucket, count: int = 20_000) -> float:
    """One thread that does not wait for each: what an event loop does."""
    start = time.perf_counter()
    futures = []
    for number in range(count):
        with bucket.mutate() as mutation:
            mutation.put(b"\x02p%d" % number, VALUE)
        futures.append(mutation.future)
    for future in futures:
        future.result()
    return count / (time.perf_counter() - start)


def main(base: Path) -> None:
    engine = LevelDBEngine(base / "engine", create=True)
    with Home(base / "home", engines=leveldb_engine) as home, (base / "bare").open("wb") as bare:
        bucket = home.bucket("http://localhost")
        put(bucket, key(0))
        single: dict[str, tuple[Callable[[int], object], int]] = {
            "bare append + fdatasync": (lambda number: bare_append(bare.fileno()), 300),
            "LevelDB put, synced": (lambda number: engine_write(engine, number), 300),
            "strict mutation": (lambda number: put(bucket, key(number)), 300),
            "relaxed mutation": (lambda number: put(bucket, key(number), "relaxed"), 300),
            "get": (lambda number: bucket.get(key(number)), 300),
            "bare file of 200 KB": (lambda number: bare_file(base, number), 50),
            "save with a blob of 200 KB": (lambda number: save(bucket, number), 50),
        }
        for name, (operation, count) in single.items():
            print(f"{name:30} {median(operation, count):8.1f} µs")
        for writers in (1, 8, 32, 64):
            print(f"{writers:2} writers {throughput(bucket, writers):30.0f} strict mutations/s")
        print(f"one thread, pipelined {pipelined(bucket):19.0f} strict mutations/s")
    engine.close()


def key(number: int) -> bytes:
    return b"\x02%d" % number


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as directory:
        main(Path(directory))
