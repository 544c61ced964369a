"""``IndexedDBBackingStore.transact``: atomic, isolated, exact about what it stores, on both engines."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

import pytest
from idb_support.homes import ENGINES, ORIGIN, open_home

from tfjsd.errors import CorruptionError, NotFoundError, QuotaExceededError, ReadOnlyError, UnknownError
from tfjsd.storage_backends.abc import INLINE_LIMIT
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.catalogue import REFERENCES, following
from tfjsd.storage_backends.indexed_db import reclaimer, write_set
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.key_coding import decode_key
from tfjsd.storage_backends.indexed_db.layout import JOURNAL, RECORDS, end_of, prefix_of
from tfjsd.storage_backends.values import decode, encode


@pytest.fixture(params=ENGINES)
def home(request, tmp_path):
    with open_home(request.param, tmp_path) as home:
        yield home


@pytest.fixture
def bucket(home):
    return home.bucket(ORIGIN)


@pytest.fixture
def store(bucket):
    store = IndexedDBBackingStore(bucket, CHROME)
    yield store
    store.close()


def create(tx):
    tx.create_object_store("models_store", "modelPath")
    tx.create_object_store("model_info_store", "modelPath")


def put(store, key, value, **options):
    def work(tx):
        tx.put("models_store", key, encode(value, store.bucket.blobs.stage))

    return store.transact("tensorflowjs", ["models_store"], "readwrite", work, create=create, **options)


def get(store, key):
    data = store.transact("tensorflowjs", ["models_store"], "readonly", lambda tx: tx.get("models_store", key)).result()
    return None if data is None else decode(data, store.bucket.blobs.map)


def keys_of(records):
    return [decode_key(key) for key, _ in records]


def keys(store):
    return store.transact(
        "tensorflowjs", ["models_store"], "readonly", lambda tx: keys_of(tx.records("models_store"))
    ).result()


def test_a_missing_database_is_created_in_the_same_batch(store):
    put(store, "m", {"modelPath": "m", "n": 1}).result()
    assert store.database_names() == [("tensorflowjs", 1)]
    assert get(store, "m") == {"modelPath": "m", "n": 1}
    assert get(store, "other") is None


def test_without_create_a_missing_database_is_not_found(store, bucket):
    for mode in ("readonly", "readwrite"):
        with pytest.raises(NotFoundError):
            store.transact("nothing", ["s"], mode, lambda tx: None).result()
    assert bucket.totals().count == 0


def test_a_reader_may_create_too(store):
    found = store.transact("db", ["models_store"], "readonly", lambda tx: tx.count("models_store"), create=create)
    assert found.result() == 0
    assert store.database_names() == [("db", 1)]


def test_an_exception_changes_nothing(store, bucket):
    put(store, "m", 1).result()
    before = bucket.bytes_used()

    def work(tx):
        tx.put("models_store", "m", encode(b"x" * (INLINE_LIMIT + 1), bucket.blobs.stage))
        tx.delete("models_store", "m")
        tx.mutation.put(b"\x02other", b"value")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.transact("tensorflowjs", ["models_store"], "readwrite", work).result()
    assert get(store, "m") == 1
    assert bucket.get(b"\x02other") is None
    assert bucket.bytes_used() == before
    assert not any(bucket.blobs.is_pinned(digest) for digest, _ in bucket.blobs.digests())


def test_an_exception_during_creation_leaves_no_database(store):
    def work(tx):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.transact("db", ["models_store"], "readwrite", work, create=create).result()
    assert store.database_names() == []


def test_work_can_change_more_of_the_bucket_in_the_same_batch(store, bucket):
    store.transact(
        "db", ["models_store"], "readwrite", lambda tx: tx.mutation.put(b"\x02k", b"v"), create=create
    ).result()
    assert bucket.get(b"\x02k") == b"v"


def test_large_values_are_blobs_that_live_as_long_as_their_record(store, bucket):
    large = b"w" * (INLINE_LIMIT + 1)
    put(store, "m", {"w": large}).result()
    assert get(store, "m")["w"] == large
    assert [size for _, size in bucket.blobs.digests()] == [len(large)]
    assert bucket.bytes_used() > len(large)
    put(store, "copy", {"w": large}).result()
    put(store, "m", {}).result()
    assert get(store, "copy")["w"] == large
    put(store, "copy", {}).result()
    assert bucket.bytes_used() < 3000


def test_a_store_outside_of_the_scope_is_not_found(store):
    put(store, "m", 1).result()
    with pytest.raises(NotFoundError):
        store.transact("tensorflowjs", ["models_store"], "readonly", lambda tx: tx.get("model_info_store", 1)).result()


def test_a_reader_cannot_write(store):
    put(store, "m", 1).result()
    for work in (lambda tx: tx.delete("models_store", "m"), lambda tx: tx.mutation):
        with pytest.raises(ReadOnlyError):
            store.transact("tensorflowjs", ["models_store"], "readonly", work).result()


def test_records_come_in_the_order_of_their_keys(store):
    for key in (3, "b", 1, "a"):
        put(store, key, key)
    assert keys(store) == [1, 3, "a", "b"]


def test_a_transaction_reads_its_own_writes(store):
    def work(tx):
        tx.put("models_store", 1, encode("one", store.bucket.blobs.stage))
        tx.put("models_store", 2, encode("two", store.bucket.blobs.stage))
        tx.delete("models_store", 1)
        return keys_of(tx.records("models_store")), tx.count("models_store"), tx.get("models_store", 1)

    found = store.transact("db", ["models_store"], "readwrite", work, create=create).result()
    assert found == ([2], 1, None)


def test_over_the_quota_nothing_changes(bucket):
    store = IndexedDBBackingStore(bucket, CHROME, limit=lambda: 4000)
    put(store, "small", "x").result()
    with pytest.raises(QuotaExceededError) as caught:
        put(store, "big", "x" * 5000).result()
    assert caught.value.limit == 4000
    assert (caught.value.needed or 0) > 5000
    assert caught.value.message == ""
    assert keys(store) == ["small"]


def test_inline_data_of_one_transaction_is_bounded(store, monkeypatch):
    monkeypatch.setattr(write_set, "MAX_INLINE_BYTES", 10_000)

    def work(tx):
        for key in range(3):
            tx.put("models_store", key, encode("x" * 4000, store.bucket.blobs.stage))

    put(store, "before", 1).result()
    with pytest.raises(UnknownError, match="more than 10000 bytes"):
        store.transact("tensorflowjs", ["models_store"], "readwrite", work).result()
    assert keys(store) == ["before"]


def test_threads_that_count_up_lose_no_step(store):
    put(store, "n", 0).result()

    def work(tx):
        number = decode(tx.get("models_store", "n"), store.bucket.blobs.map)
        tx.put("models_store", "n", encode(number + 1, store.bucket.blobs.stage))

    def count():
        for _ in range(25):
            store.transact("tensorflowjs", ["models_store"], "readwrite", work, durability="relaxed").result()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert get(store, "n") == 100


def test_a_failed_commit_takes_the_new_database_back(store, bucket, monkeypatch):
    failure = OSError("disk")

    def broken(*_args, **_options):
        raise failure

    monkeypatch.setattr(bucket._slot, "commit", broken)
    future: Future = put(store, "m", 1)
    assert future.exception() is not None
    monkeypatch.undo()
    assert store.database_names() == []
    put(store, "m", 2).result()
    assert get(store, "m") == 2


def test_what_is_stored_is_there_after_a_restart(tmp_path):
    for run in range(3):
        with open_home("leveldb", tmp_path) as home:
            store = IndexedDBBackingStore(home.bucket(ORIGIN), CHROME)
            assert [name for name, _ in store.database_names()] == (["tensorflowjs"] if run else [])
            if run:
                assert keys(store) == list(range(run))
            put(store, run, run).result()
            store.close()


def test_the_reclaimer_empties_what_the_journal_names(store, bucket):
    for key in range(5):
        put(store, key, b"x" * (INLINE_LIMIT + key)).result()
    (record, _), *_ = bucket.scan(RECORDS, end_of(RECORDS))
    with bucket.mutate() as mutation:
        mutation.put(JOURNAL + record[:9], b"")
    mutation.future.result()
    assert store.reclaimer.reclaim() == 6
    assert store.reclaimer.reclaim() == 0
    assert list(bucket.scan(RECORDS, end_of(RECORDS))) == []
    assert list(bucket.scan(JOURNAL, end_of(JOURNAL))) == []
    assert bucket.bytes_used() < 1000


def dead(bucket, count):
    """Puts so many entries of an index and leaves them dead."""
    prefix = prefix_of(1, 2, 3)
    with bucket.mutate() as mutation:
        for number in range(count):
            mutation.put(prefix + number.to_bytes(4, "big"), b"")
        mutation.put(JOURNAL + prefix, b"")
    mutation.future.result()


def test_the_reclaimer_rests_after_each_chunk(bucket, monkeypatch):
    monkeypatch.setattr(reclaimer, "_CHUNK", 10)
    dead(bucket, 25)
    rests = []
    at_work = reclaimer.Reclaimer(bucket)
    monkeypatch.setattr(at_work._stopped, "wait", lambda seconds: rests.append(seconds))
    at_work.wake()
    at_work._thread.join(10)
    assert list(bucket.scan(RECORDS, end_of(RECORDS))) == []
    assert len(rests) == 3


def test_a_chunk_of_the_reclaimer_holds_few_large_records(bucket, monkeypatch):
    monkeypatch.setattr(reclaimer, "_CHUNK_BYTES", 100)
    prefix = prefix_of(1, 2, 3)
    with bucket.mutate() as mutation:
        for number in range(5):
            mutation.put(prefix + number.to_bytes(4, "big"), bytes(60))
        mutation.put(JOURNAL + prefix, b"")
    mutation.future.result()
    at_work = reclaimer.Reclaimer(bucket)
    left = []
    while at_work.reclaim():
        left.append(len(list(bucket.scan(RECORDS, end_of(RECORDS)))))
    assert left == [3, 1, 0]
    assert list(bucket.scan(JOURNAL, end_of(RECORDS))) == []


def test_a_stop_ends_the_reclaimers_rest_and_the_journal_keeps_what_is_left(bucket, monkeypatch):
    monkeypatch.setattr(reclaimer, "_CHUNK", 10)
    dead(bucket, 25)
    at_work = reclaimer.Reclaimer(bucket)
    resting, rest = threading.Event(), at_work._stopped.wait

    def wait(_seconds):
        resting.set()
        return rest(600)

    monkeypatch.setattr(at_work._stopped, "wait", wait)
    at_work.wake()
    assert resting.wait(10)
    at_work.stop()
    assert len(list(bucket.scan(RECORDS, end_of(RECORDS)))) == 15
    assert reclaimer.Reclaimer(bucket).reclaim_all()
    assert list(bucket.scan(JOURNAL, end_of(RECORDS))) == []


def abandoned(store, bucket, record):
    """The prefix of a dead place with this record, which holds a blob, and another one."""
    store.reclaimer.stop()  # it is not to be there first
    put(store, 1, bytes(INLINE_LIMIT + 1)).result()
    put(store, 2, b"whole").result()
    (key, _), *_ = bucket.scan(RECORDS, end_of(RECORDS))
    with bucket.mutate() as mutation:
        mutation.put(key, record)
        mutation.put(JOURNAL + key[:9], b"")
    mutation.future.result()
    return key[:9]


def test_an_error_that_ends_the_reclaimer_is_logged_and_the_journal_stays(store, bucket, caplog, monkeypatch):
    def fail(*_):
        raise CorruptionError("injected")

    monkeypatch.setattr(reclaimer, "held_blobs", fail)
    prefix = abandoned(store, bucket, b"")
    at_work = reclaimer.Reclaimer(bucket)
    at_work.wake()
    at_work._thread.join(10)
    assert "not all reclaimed: injected" in caplog.text
    assert [key for key, _ in bucket.scan(JOURNAL, end_of(JOURNAL))] == [JOURNAL + prefix]


@pytest.mark.parametrize("record", [b"", b"\x00\x07", b"\x00\x01\x01\x05"])
def test_a_damaged_record_is_reclaimed_with_the_blobs_that_it_held(store, bucket, record):
    prefix = abandoned(store, bucket, record)
    assert len(list(bucket.scan(REFERENCES, following(REFERENCES)))) == 1
    assert reclaimer.Reclaimer(bucket).reclaim_all()
    assert list(bucket.scan(prefix, end_of(prefix))) == []
    assert list(bucket.scan(REFERENCES, following(REFERENCES))) == []
    assert list(bucket.scan(JOURNAL, end_of(JOURNAL))) == []


def test_a_wake_while_the_reclaimer_finds_nothing_more_is_heard(bucket, monkeypatch):
    at_work = reclaimer.Reclaimer(bucket)
    reclaim, woken = at_work.reclaim, []

    def look():
        found = reclaim()
        if not found and not woken:
            woken.append(dead(bucket, 3))
            at_work.wake()
        return found

    monkeypatch.setattr(at_work, "reclaim", look)
    at_work.wake()
    while at_work._thread is not None:
        time.sleep(0.001)
    assert woken
    assert list(bucket.scan(RECORDS, end_of(RECORDS))) == []
