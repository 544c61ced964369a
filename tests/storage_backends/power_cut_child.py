"""Cuts the power under a store: ext4 on a loop device, whose unwritten data is dropped by EXT4_IOC_SHUTDOWN.

power_cut_child.py BASE CYCLES SEED [--lying]      needs root, in a mount namespace of its own; prints JSON
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from tfjsd.storage_backends import durable
from tfjsd.storage_backends.abc import Durability, WriteBatch
from tfjsd.storage_backends.engines.leveldb import LevelDBEngine, leveldb_factory
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.verification import verify_home

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = struct.pack("I", 2)
ORIGIN = "http://localhost"
WRITERS = 4
SLOT = struct.Struct("<Q")
ENGINES = leveldb_factory(write_buffer_size=256 * 1024)  # logs switch often


def run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def open_home(mount: Path) -> Home:
    return Home(mount / "home", engines=ENGINES, reserve_bytes=64 * 1024)


def lie() -> None:
    """The negative control: nothing is synced."""
    durable.fsync = lambda descriptor: None
    honest = LevelDBEngine.write

    def write(self: LevelDBEngine, batch: WriteBatch, *, sync: bool) -> None:
        honest(self, batch, sync=False)

    LevelDBEngine.write = write  # type: ignore[method-assign]


def write_forever(home: Home, number: int, told: mmap.mmap) -> None:
    """Writer 0 is relaxed: it may lose its last second, the others nothing."""
    bucket = home.bucket(ORIGIN)
    durability: Durability = "strict" if number else "relaxed"
    chance = random.Random(number)
    count = SLOT.unpack_from(told, number * SLOT.size)[0]
    while True:
        count += 1
        blob = bucket.blobs.stage(b"%d " % count * 30_000) if count % 10 == 0 and number else None
        model = b"\x04%d" % number
        with bucket.mutate(durability) as mutation:
            mutation.put(b"\x02%d" % number, b"%d" % count)
            mutation.put(b"\x04%d/%d" % (number, count % 50), chance.randbytes(2000))
            if blob is not None:
                old = mutation.get(model)
                if old is not None:
                    mutation.release(old.decode(), model)
                mutation.put(model, blob.digest.encode())
                mutation.refer(blob, model)
        mutation.future.result(20)
        SLOT.pack_into(told, number * SLOT.size, count)


def write_until_killed(mount: Path, told: mmap.mmap, *, lying: bool) -> None:
    os.close(2)
    if lying:
        lie()
    home = open_home(mount)
    threads = [threading.Thread(target=write_forever, args=(home, n, told)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def cut(mount: Path) -> None:
    descriptor = os.open(mount, os.O_RDONLY)
    fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH)
    os.close(descriptor)


def cycle(image: Path, mount: Path, told: mmap.mmap, seconds: float, *, lying: bool) -> dict[str, int]:
    run("mount", "-o", "loop", image, mount)
    child = os.fork()
    if child == 0:
        try:
            write_until_killed(mount, told, lying=lying)
        finally:
            os._exit(1)
    time.sleep(seconds)
    # Before the cut: a sync that is under way while ext4 shuts down may report success for what the journal dropped.
    before = [SLOT.unpack_from(told, n * SLOT.size)[0] for n in range(WRITERS)]
    cut(mount)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    run("umount", mount)
    run("mount", "-o", "loop", image, mount)
    try:
        return inspect(mount, told, before)
    finally:
        run("umount", mount)


def inspect(mount: Path, told: mmap.mmap, before: list[int]) -> dict[str, int]:
    with open_home(mount) as home:
        bucket = home.bucket(ORIGIN)
        there = [int(bucket.get(b"\x02%d" % number) or 0) for number in range(WRITERS)]
        findings = len(verify_home(home).findings)
    for number, count in enumerate(there):
        SLOT.pack_into(told, number * SLOT.size, count)
    lost = sum(max(0, said - found) for said, found in zip(before[1:], there[1:], strict=True))
    return {"lost": lost, "findings": findings, "relaxed": max(0, before[0] - there[0]), "strict": sum(before[1:])}


def main(base: Path, cycles: int, seed: int, *, lying: bool) -> None:
    chance = random.Random(seed)
    image, mount = base / "image", base / "mount"
    mount.mkdir()
    totals = {"lost": 0, "findings": 0, "relaxed": 0, "strict": 0, "unopenable": 0}
    told = mmap.mmap(-1, WRITERS * SLOT.size)
    for number in range(cycles):
        if number % 5 == 0:  # a new store, so that its first moments are cut, too
            with image.open("wb") as file:
                file.truncate(96 << 20)
            run("mkfs.ext4", "-q", "-F", image)
            told[:] = bytes(len(told))
        try:
            found = cycle(image, mount, told, chance.uniform(0.02, 0.6), lying=lying)
        except Exception as error:  # counted, whatever it is
            print(repr(error), file=sys.stderr)
            totals["unopenable"] += 1
            break
        totals = {name: count + found.get(name, 0) for name, count in totals.items()}
    print(json.dumps(totals))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), lying="--lying" in sys.argv)
