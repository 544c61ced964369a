"""Fills the disk under a store; run where the disk is small. Prints what happened as JSON.

disk_full_child.py DIRECTORY [LIMIT]      LIMIT: RLIMIT_FSIZE in bytes, where no small disk can be mounted
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from pathlib import Path

from tfjsd.errors import QuotaExceededError
from tfjsd.storage_backends.buckets import Bucket
from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.reserve import RESERVE_BYTES
from tfjsd.storage_backends.verification import verify_home

VALUE = random.Random(8).randbytes(30_000) + bytes(30_000)


def put(bucket: Bucket, key: bytes, value: bytes | None) -> str:
    try:
        with bucket.mutate() as mutation:
            mutation.writes[key] = value
        mutation.future.result(20)
    except QuotaExceededError as error:
        return error.unit or ""
    return "done"


def put_once_there_is_room(bucket: Bucket, key: bytes, value: bytes) -> str:
    """A compaction that is at work may hold the room for a moment, and what failed ones have left goes by and by."""
    deadline = time.monotonic() + 20
    while (outcome := put(bucket, key, value)) != "done" and time.monotonic() < deadline:
        time.sleep(0.1)
    return outcome


def fill(bucket: Bucket) -> list[int]:
    acknowledged: list[int] = []
    refused = 0
    for number in range(1000):
        if put(bucket, b"\x04%d" % number, VALUE[number % 100 :]) == "done":
            acknowledged.append(number)
        else:
            refused += 1
        if refused == 10:
            break
    return acknowledged


def main(directory: Path, limit: int) -> None:
    found: dict[str, object] = {}
    filler = directory / "filler"
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    else:
        filler.write_bytes(bytes(24 << 20))
    with Home(directory / "home", engines=leveldb_engine, reserve_bytes=limit or RESERVE_BYTES) as home:
        bucket = home.bucket("http://localhost")
        found["first"] = put(bucket, b"\x02first", b"1")
        acknowledged = fill(bucket)
        found["acknowledged"] = len(acknowledged)
        found["blob"] = stage(bucket, directory)
        found["readable"] = sum(bucket.get(b"\x04%d" % number) is not None for number in acknowledged)
        removed = acknowledged[: len(acknowledged) // 2]
        found["removed"] = {put(bucket, b"\x04%d" % number, None) for number in removed} == {"done"}
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        filler.unlink(missing_ok=True)
        found["afterwards"] = put_once_there_is_room(bucket, b"\x02later", b"2")
    with Home(directory / "home", engines=leveldb_engine, reserve_bytes=limit or RESERVE_BYTES) as home:
        bucket = home.bucket("http://localhost")
        kept = acknowledged[len(removed) :]
        found["lost"] = sum(bucket.get(b"\x04%d" % number) != VALUE[number % 100 :] for number in kept)
        found["lost"] += (bucket.get(b"\x02first"), bucket.get(b"\x02later")) != (b"1", b"2")  # type: ignore[operator]
        found["returned"] = sum(bucket.get(b"\x04%d" % number) is not None for number in removed)
        found["findings"] = [finding.message for finding in verify_home(home).findings]
    print(json.dumps(found))


def stage(bucket: Bucket, directory: Path) -> str:
    try:
        with bucket.blobs.writer() as writer:
            for _ in range(60):
                writer.write(bytes(1 << 20))
            writer.finish()
    except QuotaExceededError as error:
        left = len(list(directory.glob("home/buckets/*/blobs/*")))
        return f"{error.unit}, {left} left"
    return "staged"


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
