"""What the crash tests run in processes of their own: a store that is killed, or whose system calls fail.

crash_child.py template DIR               an ordinary home with a record and a blob
crash_child.py inject DIR OPERATION WHEN CALL POINT... [--broken]
                                          runs the operation once for each point, in a forked copy of this process
                                          each; the point's number of CALL is the WHEN-th of its thread
crash_child.py verify DIR OPERATION POINT...
crash_child.py raw DIR                    LevelDB alone, going on after an error
crash_child.py writers DIR KILLS SEED [--broken]
"""

from __future__ import annotations

import json
import mmap
import os
import random
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path

import plyvel

from tfjsd.errors import QuotaExceededError, StoreFailedError, TfjsdError
from tfjsd.storage_backends.abc import Blob, WriteBatch
from tfjsd.storage_backends.buckets import Bucket
from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.verification import verify_home

ORIGIN = "http://localhost"
RECORD, MODEL, COPY, LATER = b"\x02record", b"\x04model", b"\x04copy", b"\x02later"
OLD = random.Random(5).randbytes(150_000)
NEW = random.Random(6).randbytes(200_000)
RESERVE = 256 * 1024


class Inline(Executor):
    """Runs commits in the calling thread, so that the N-th system call is the same in each run."""

    def submit(self, function, /, *arguments, **options):
        future: Future = Future()
        future.set_result(function(*arguments, **options))
        return future


def open_home(path: Path, *, inline: bool = False) -> Home:
    return Home(path, engines=leveldb_engine, reserve_bytes=RESERVE, pool=Inline() if inline else None)


def template(path: Path) -> None:
    with open_home(path) as home:
        bucket = home.bucket(ORIGIN)
        blob = bucket.blobs.stage(OLD)
        with bucket.mutate() as mutation:
            mutation.put(RECORD, b"old")
            mutation.put(MODEL, blob.digest.encode())
            mutation.refer(blob, MODEL)


# -- Operations --------------------------------------------------------------------------------------------------------


def put(bucket: Bucket) -> Future[None]:
    with bucket.mutate() as mutation:
        mutation.put(RECORD, b"new")
    return mutation.future


def save(bucket: Bucket) -> Future[None]:
    """Over the old one, as a model is saved again."""
    blob = bucket.blobs.stage(NEW)
    with bucket.mutate() as mutation:
        old = (mutation.get(MODEL) or b"").decode()
        mutation.put(MODEL, blob.digest.encode())
        mutation.put(RECORD, b"new")
        if old:
            mutation.release(old, MODEL)
        mutation.refer(blob, MODEL)
    return mutation.future


def copy(bucket: Bucket) -> Future[None]:
    with bucket.mutate() as mutation:
        digest = (mutation.get(MODEL) or b"").decode()
        mutation.put(COPY, digest.encode())
        mutation.put(RECORD, b"new")
        mutation.refer(Blob(digest, len(OLD)), COPY)
    return mutation.future


def remove(bucket: Bucket) -> Future[None]:
    with bucket.mutate() as mutation:
        digest = (mutation.get(MODEL) or b"").decode()
        mutation.delete(MODEL)
        mutation.put(RECORD, b"new")
        mutation.release(digest, MODEL)
    return mutation.future


OPERATIONS: dict[str, Callable[[Bucket], Future[None]]] = {
    "put": put,
    "save": save,
    "copy": copy,
    "remove": remove,
    "first": save,
    "open": put,
}


# -- One system call fails, or is the last --------------------------------------------------------------------------------

DUMMIES: dict[str, Callable[[int], object]] = {
    "write": lambda null: os.write(null, b"x"),
    "fsync": os.fsync,
    "fdatasync": os.fdatasync,
    "rename": lambda null: os.rename("/nonexistent/a", "/nonexistent/b"),
    "unlink": lambda null: os.unlink("/nonexistent/a"),
}


def burn(call: str, count: int) -> None:
    """Makes a system call that has no effect, so that the one that matters has the number strace waits for."""
    null = os.open("/dev/null", os.O_WRONLY)
    for _ in range(count):
        try:
            DUMMIES[call](null)
        except OSError:
            continue
    os.close(null)


def attempt(function: Callable[[], Future[None]]) -> str:
    try:
        function().result(20)
    except StoreFailedError as error:
        return error.outcome
    except QuotaExceededError as error:
        return "unchanged" if error.unit == "disk" else repr(error)
    return "acknowledged"


class Results:
    """What a child had been told before it died: memory that it shares with its parent."""

    NAMES = ("", "acknowledged", "unchanged", "unknown", "unopened", "surprise")

    def __init__(self, size: int) -> None:
        self._memory = mmap.mmap(-1, 2 * size)

    def note(self, index: int, step: int, name: str) -> None:
        self._memory[2 * index + step] = self.NAMES.index(name if name in self.NAMES else "surprise")

    def read(self, index: int) -> list[str]:
        return [self.NAMES[code] for code in self._memory[2 * index : 2 * index + 2]]


def run_point(
    path: Path, operation: str, call: str, skip: int, note: Callable[[int, str], None], *, broken: bool
) -> None:
    """In a thread of its own, whose system calls strace counts from zero."""

    def act(bucket: Bucket) -> None:
        if broken:
            note(0, "acknowledged")  # the negative control: said before it was done
        note(0, attempt(lambda: OPERATIONS[operation](bucket)))
        note(1, attempt(lambda: later(bucket)))

    def later(bucket: Bucket) -> Future[None]:
        with bucket.mutate() as mutation:
            mutation.put(LATER, b"later")
        return mutation.future

    def whole() -> None:
        burn(call, skip)
        try:
            home = open_home(path, inline=True)
        except TfjsdError:
            note(0, "unopened")
            return
        act(home.bucket(ORIGIN))
        close(home)

    def close(home: Home) -> None:
        try:
            home.close()
        except TfjsdError:
            os._exit(3)

    if operation in ("first", "open"):
        thread = threading.Thread(target=whole)
    else:
        home = open_home(path, inline=True)
        bucket = home.bucket(ORIGIN)
        bucket.get(RECORD)

        def part() -> None:
            burn(call, skip)
            act(bucket)
            close(home)

        thread = threading.Thread(target=part)
    thread.start()
    thread.join()


def inject(base: Path, operation: str, when: int, call: str, points: list[int], *, broken: bool) -> None:
    results = Results(len(points))
    statuses = []
    for index, point in enumerate(points):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(2)
                note = partial(results.note, index)
                run_point(base / str(point), operation, call, when - point, note, broken=broken)
                status = 0
            finally:
                os._exit(status)
        statuses.append(os.waitpid(child, 0)[1])
    told = [results.read(index) for index in range(len(points))]
    print(json.dumps([{"killed": os.WIFSIGNALED(s), "told": t} for s, t in zip(statuses, told, strict=True)]))


# -- What is there afterwards ------------------------------------------------------------------------------------------


def state(path: Path) -> dict[str, object]:
    with open_home(path) as home:
        report = verify_home(home)
        bucket = home.bucket(ORIGIN)
        found: dict[str, object] = {
            "record": (bucket.get(RECORD) or b"").decode(),
            "model": (bucket.get(MODEL) or b"").decode(),
            "copy": (bucket.get(COPY) or b"").decode(),
            "later": (bucket.get(LATER) or b"").decode(),
            "findings": [f"{finding.kind}: {finding.message}" for finding in report.findings],
            "blobs": sorted(digest for digest, _ in bucket.blobs.digests()),
        }
    found["left over"] = [str(file) for file in path.rglob(".tmp-*")]
    return found


# -- Many writers, killed at any time ----------------------------------------------------------------------------------

WRITERS = 8
SLOT = struct.Struct("<Q")


def write_forever(home: Home, number: int, acknowledged: mmap.mmap, *, broken: bool) -> None:
    bucket = home.bucket(ORIGIN)
    key, model = b"\x02%d" % number, b"\x04%d" % number
    count = SLOT.unpack_from(acknowledged, number * SLOT.size)[0]
    while True:
        count += 1
        blob = bucket.blobs.stage(b"%d " % count * 40_000) if count % 8 == 0 else None
        with bucket.mutate() as mutation:
            mutation.put(key, b"%d" % count)
            if blob is not None:
                old = mutation.get(model)
                if old is not None:
                    mutation.release(old.decode(), model)
                mutation.put(model, blob.digest.encode())
                mutation.refer(blob, model)
            if broken:
                SLOT.pack_into(acknowledged, number * SLOT.size, count)
        mutation.future.result(20)
        SLOT.pack_into(acknowledged, number * SLOT.size, count)


def writers(path: Path, kills: int, seed: int, *, broken: bool) -> None:
    """Kills a process of eight writers ``kills`` times; counts what was acknowledged and is not there afterwards."""
    chance = random.Random(seed)
    acknowledged = mmap.mmap(-1, WRITERS * SLOT.size)
    lost = findings = 0
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            try:
                home = open_home(path)
                threads = [
                    threading.Thread(target=write_forever, args=(home, n, acknowledged), kwargs={"broken": broken})
                    for n in range(WRITERS)
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            finally:
                os._exit(1)
        time.sleep(chance.uniform(0.02, 0.15))
        os.kill(child, signal.SIGKILL)
        if not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
            raise SystemExit("a writer ended by itself")
        with open_home(path) as home:
            bucket = home.bucket(ORIGIN)
            for number in range(WRITERS):
                told = SLOT.unpack_from(acknowledged, number * SLOT.size)[0]
                there = int(bucket.get(b"\x02%d" % number) or 0)
                lost += max(0, told - there)
                SLOT.pack_into(acknowledged, number * SLOT.size, there)
            findings += len(verify_home(home).findings)
    total = sum(SLOT.unpack_from(acknowledged, n * SLOT.size)[0] for n in range(WRITERS))
    print(json.dumps({"lost": lost, "findings": findings, "written": total}))


# -- The control: LevelDB as it is ---------------------------------------------------------------------------------------


def raw(path: Path) -> None:
    """Writes on after an error, as LevelDB lets one, and counts what was acknowledged and is not there afterwards."""
    engine = leveldb_engine(path, create=True)
    acknowledged, failed = [], 0
    for number in range(400):
        batch = WriteBatch()
        batch.put(b"%d" % number, bytes(900))
        try:
            engine.write(batch, sync=True)
        except StoreFailedError:
            failed += 1
        else:
            acknowledged.append(number)
    engine.close()
    # Without paranoid checks, as LevelDB opens by default.
    plain = plyvel.DB(str(path))
    lost = sum(plain.get(b"%d" % number) is None for number in acknowledged)
    plain.close()
    print(json.dumps({"failed": failed, "lost": lost}))


def main(arguments: list[str]) -> None:
    broken = "--broken" in arguments
    mode, path, *rest = [argument for argument in arguments if argument != "--broken"]
    if mode == "template":
        template(Path(path))
    elif mode == "inject":
        operation, when, call, *points = rest
        inject(Path(path), operation, int(when), call, [int(point) for point in points], broken=broken)
    elif mode == "raw":
        raw(Path(path))
    elif mode == "writers":
        writers(Path(path), int(rest[0]), int(rest[1]), broken=broken)


if __name__ == "__main__":
    main(sys.argv[1:])
