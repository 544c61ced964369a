"""A record that holds the same bytes twice refers to their blob once, and is counted so."""

from __future__ import annotations

import pytest

import tfjsd
from tfjsd.storage_backends.indexed_db.bucket_admission import BucketAdmission

BIG = bytes(range(256)) * 4096


@pytest.fixture
def growths(monkeypatch):
    """By how much each transaction would grow the bucket, as its quota sees it."""
    asked, admit = [], BucketAdmission.admit

    def watched(self, growth):
        asked.append(growth)
        admit(self, growth)

    monkeypatch.setattr(BucketAdmission, "admit", watched)
    return asked


async def test_a_record_takes_and_gives_back_the_blob_that_it_holds_twice(tmp_path, growths):
    def upgrade(db, _tx, _old, _new):
        db.create_object_store("s")

    async with tfjsd.aopen_store(tmp_path / "home") as store:
        bucket = store._store._origin.bucket
        with await store.indexed_db().open("db", 1, upgrade=upgrade) as db:
            empty = bucket.bytes_used()
            async with db.transaction("s", "readwrite") as tx:
                await tx.object_store("s").put({"a": BIG, "b": bytes(bytearray(BIG))}, "k")
            put = growths[-1]
            assert len(BIG) < bucket.bytes_used() - empty < 2 * len(BIG)
            async with db.transaction("s", "readwrite") as tx:
                await tx.object_store("s").delete("k")
            assert bucket.bytes_used() == empty
    assert len(BIG) < put < 2 * len(BIG)
    assert growths[-1] == -put
