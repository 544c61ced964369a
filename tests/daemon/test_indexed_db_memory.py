"""A large value passes through the daemon without being held by it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from client_support.daemon_thread import short_directory

from tfjsd.client.indexed_db import row_arrival
from tfjsd.client.mapped_weights import BlobUnreachable
from tfjsd.testing.daemon_process import DaemonProcess

MIB = 1 << 20
LIMIT = 150 * MIB

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's: not applicable")


def peak(process: int | None) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def held(process: int | None) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) * 1024


@pytest.mark.parametrize(("end", "kept"), [("commit", 130), ("abort", 35), ("leave", 35)])
async def test_what_many_records_took_is_given_back(end, kept):
    """``kept``: after the commit LevelDB has the records in its memory table."""
    pytest.importorskip("plyvel")
    with short_directory() as directory, DaemonProcess(directory / "home") as daemon:
        async with daemon.aconnect() as client:
            db = await client.indexed_db().open("d", 1, upgrade=lambda db, *_: db.create_object_store("s"))
            before = held(daemon.pid)
            tx = db.transaction("s", "readwrite", durability="relaxed")
            for number in range(1600):
                last = tx.object_store("s").put(f"{number:05}" * 10_000, number)
            await last
            assert held(daemon.pid) > before + 75 * MIB, "the transaction is there"
            if end == "commit":
                await tx.done
            elif end == "abort":
                tx.abort()
            else:
                await client.aclose()
            async with asyncio.timeout(60):
                while held(daemon.pid) > before + kept * MIB:
                    await asyncio.sleep(0.1)


async def test_a_value_of_300_mib_passes_with_the_daemon_under_150_mib(monkeypatch):
    pytest.importorskip("plyvel")
    array = np.arange(75 * MIB, dtype=np.uint32)
    with short_directory() as directory, DaemonProcess(directory / "home") as daemon:
        async with daemon.aconnect() as client:
            with await client.indexed_db().open("d", 1, upgrade=lambda db, *_: db.create_object_store("s")) as db:
                await db.transaction("s", "readwrite").object_store("s").put({"weights": array}, 1)
                mapped = await db.transaction("s").object_store("s").get(1)
                assert (mapped["weights"] == array).all()

                def unreachable(blob: Any) -> memoryview:
                    raise BlobUnreachable(blob.path)

                monkeypatch.setattr(row_arrival, "map_blob", unreachable)
                streamed = await db.transaction("s").object_store("s").get(1)
                assert (streamed["weights"] == array).all()
        assert peak(daemon.pid) < LIMIT
