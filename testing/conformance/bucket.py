"""What every Bucket does, whatever engine and blob store lie beneath."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

import pytest

from ...errors import StoreClosedError, StoreFailedError
from ...storage_backends.home import Home

A, B, C = b"\x02a", b"\x02b", b"\x02c"
ORIGIN = "http://localhost"


class BucketConformance(ABC):
    """Subclasses give the fixture ``home`` (empty)."""

    @abstractmethod
    def home(self) -> Home:
        """Fixture: an empty home; closed by it afterwards."""

    def test_a_mutation_is_seen_at_once_and_committed_later(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        with bucket.mutate() as mutation:
            mutation.put(A, b"1")
            assert mutation.get(A) == b"1"
            assert bucket.get(A) is None
        assert bucket.get(A) == b"1"
        assert mutation.future.result(10) is None
        assert bucket.get(A) == b"1"

    def test_an_exception_in_the_block_changes_nothing_and_undoes_newest_first(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        undone: list[int] = []

        def fail() -> None:
            with bucket.mutate() as mutation:
                mutation.put(A, b"1")
                mutation.on_undo(lambda: undone.append(1))
                mutation.on_undo(lambda: undone.append(2))
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        assert bucket.get(A) is None
        assert undone == [2, 1]
        assert home.origins() == []

    def test_scans_see_the_state_of_their_call(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        with bucket.mutate() as mutation:
            mutation.put(A, b"1")
            mutation.put(C, b"3")
        scan = bucket.scan(A, None)
        backwards = bucket.scan(A, C, reverse=True)
        with bucket.mutate() as mutation:
            mutation.put(B, b"2")
            mutation.delete(A)
        assert list(scan) == [(A, b"1"), (C, b"3")]
        assert list(backwards) == [(A, b"1")]
        assert list(bucket.scan(A, None)) == [(B, b"2"), (C, b"3")]

    def test_a_snapshot_keeps_its_state_and_its_blobs(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        blob = bucket.blobs.stage(bytes(200_000))
        with bucket.mutate() as mutation:
            mutation.put(A, b"1")
            mutation.refer(blob, b"owner")
        mutation.future.result(10)
        with bucket.snapshot() as snapshot:
            with bucket.mutate() as mutation:
                mutation.delete(A)
                mutation.release(blob.digest, b"owner")
            mutation.future.result(10)
            bucket.reconcile()
            assert snapshot.get(A) == b"1"
            assert len(bucket.blobs.map(blob)) == 200_000
        bucket.reconcile()
        assert list(bucket.blobs.digests()) == []

    def test_a_blob_lives_until_its_last_reference_goes(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        blob = bucket.blobs.stage([b"abc", b"def"])
        for owner in (b"one", b"two"):
            with bucket.mutate() as mutation:
                mutation.refer(blob, owner)
            mutation.future.result(10)
        assert bucket.bytes_used() == 12
        for owner, left in ((b"one", 1), (b"two", 0)):
            with bucket.mutate() as mutation:
                mutation.release(blob.digest, owner)
            mutation.future.result(10)
            bucket.reconcile()
            assert len(list(bucket.blobs.digests())) == left

    def test_a_reference_to_nothing_is_refused(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        blob = bucket.blobs.stage(b"abc")
        bucket.blobs.unpin(blob.digest)
        with pytest.raises(StoreFailedError) as caught, bucket.mutate() as mutation:
            mutation.refer(blob, b"owner")
        assert caught.value.outcome == "unchanged"

    def test_totals_follow_every_change(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        with bucket.mutate() as mutation:
            mutation.put(A, b"12345")
            mutation.put(B, b"1")
        assert (bucket.totals().count, bucket.bytes_used()) == (2, 10)
        with bucket.mutate() as mutation:
            mutation.put(A, b"123")
            mutation.delete(B)
        assert (bucket.totals().count, bucket.bytes_used()) == (1, 5)
        with bucket.mutate() as mutation:
            mutation.delete(A)
        assert (bucket.totals().count, bucket.totals().digest) == (0, 0)

    def test_writers_of_many_threads_are_all_committed(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)

        def write(name: int) -> None:
            for number in range(50):
                with bucket.mutate() as mutation:
                    mutation.put(b"\x02%d/%d" % (name, number), b"x")
                mutation.future.result(10)

        threads = [threading.Thread(target=write, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert bucket.totals().count == 400
        assert sum(1 for _ in bucket.scan(b"\x02", b"\x03")) == 400

    def test_origins_are_apart_and_listed_when_they_hold_something(self, home: Home) -> None:
        for origin in ("https://b.example", "https://a.example", "https://empty.example"):
            with home.bucket(origin).mutate() as mutation:
                mutation.put(A, origin.encode())
        with home.bucket("https://empty.example").mutate() as mutation:
            mutation.delete(A)
        assert home.origins() == ["https://a.example", "https://b.example"]
        assert home.bucket("https://a.example").get(A) == b"https://a.example"

    def test_the_stores_own_keys_cannot_be_written(self, home: Home) -> None:
        for key in (b"", b"\x00commit", b"\x01ref"):
            with pytest.raises(ValueError, match="own namespaces"), home.bucket(ORIGIN).mutate() as mutation:
                mutation.put(key, b"")

    def test_a_closed_home_says_so(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        home.close()
        with pytest.raises(StoreClosedError):
            bucket.get(A)
        with pytest.raises(StoreClosedError), bucket.mutate():
            pass
        with pytest.raises(StoreClosedError):
            home.bucket(ORIGIN)

    def test_a_mutation_that_changes_nothing_is_acknowledged(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        with bucket.mutate() as mutation:
            mutation.delete(A)
        assert mutation.future.result(10) is None
        assert home.origins() == []

    def test_a_mutation_scans_through_its_own_writes(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        with bucket.mutate() as mutation:
            mutation.put(A, b"1")
            mutation.put(C, b"3")
        with bucket.mutate() as mutation:
            mutation.put(B, b"2")
            mutation.delete(C)
            scan = mutation.scan(A, None)
            mutation.delete(A)
            assert list(scan) == [(A, b"1"), (B, b"2")]
            assert list(mutation.scan(A, None, reverse=True)) == [(B, b"2")]
            assert list(mutation.scan(C, A)) == []
            mutation.put(A, b"4")
            mutation.put(C, b"5")
            assert list(mutation.scan(A, None)) == [(A, b"4"), (B, b"2"), (C, b"5")]
            mutation.delete(A)
            mutation.delete(C)
        assert list(bucket.scan(A, None)) == [(B, b"2")]

    def test_commit_callbacks_run_in_order_before_the_future_resolves(self, home: Home) -> None:
        told: list[int] = []
        with home.bucket(ORIGIN).mutate() as mutation:
            mutation.put(A, b"1")
            mutation.on_commit(lambda: told.append(1))
            mutation.on_commit(lambda: told.append(2))
        mutation.future.result(10)
        assert told == [1, 2]

    def test_a_future_cannot_be_cancelled(self, home: Home) -> None:
        with home.bucket(ORIGIN).mutate() as mutation:
            mutation.put(A, b"1")
        assert not mutation.future.cancel()
        mutation.future.result(10)

    def test_the_generation_grows_with_every_mutation(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        seen = {bucket.generation}
        for value in (b"1", b"2", b"3"):
            with bucket.mutate() as mutation:
                mutation.put(A, value)
            seen.add(bucket.generation)
        assert len(seen) == 4
        assert sorted(seen)[-1] == bucket.generation

    def test_relaxed_and_strict_mutations_keep_their_order(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        for number in range(50):
            with bucket.mutate("strict" if number % 5 else "relaxed") as mutation:
                mutation.put(A, b"%d" % number)
        mutation.future.result(10)
        assert bucket.get(A) == b"49"

    def test_the_mutex_makes_reads_belong_together(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        apart: list[tuple[bytes | None, bytes | None]] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                with bucket.locked():
                    pair = bucket.get(A), bucket.get(B)
                if pair[0] != pair[1]:
                    apart.append(pair)

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(100):
            with bucket.mutate() as mutation:
                mutation.put(A, b"%d" % number)
                mutation.put(B, b"%d" % number)
            if number % 10 == 0:
                mutation.future.result(10)
        done.set()
        reader.join()
        assert apart == []

    def test_snapshots_and_scans_show_whole_mutations_while_writers_go_on(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        keys = [b"\x04%02d" % number for number in range(20)]
        done = threading.Event()
        mixed: list[set[bytes]] = []

        def read() -> None:
            while not done.is_set():
                with bucket.snapshot() as snapshot:
                    found = [
                        {value for _, value in snapshot.scan(b"\x04", None)},
                        {snapshot.get(key) or b"" for key in keys},
                        {value for _, value in bucket.scan(b"\x04", b"\x05", reverse=True)},
                    ]
                mixed.extend(values for values in found if len(values) > 1)

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        for number in range(100):
            with bucket.mutate("relaxed" if number % 2 else "strict") as mutation:
                for key in keys:
                    mutation.put(key, b"%d" % number)
        mutation.future.result(10)
        done.set()
        for reader in readers:
            reader.join()
        assert mixed == []

    def test_copies_of_one_blob_share_its_file(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        blob = bucket.blobs.stage(bytes(300_000))
        with bucket.mutate() as mutation:
            mutation.refer(blob, b"one")
        with bucket.mutate() as mutation:
            mutation.refer(type(blob)(blob.digest, blob.size), b"two")
        mutation.future.result(10)
        assert len(list(bucket.blobs.digests())) == 1
        assert bucket.bytes_used() == 600_000

    def test_a_blob_whose_mutation_was_abandoned_goes(self, home: Home) -> None:
        bucket = home.bucket(ORIGIN)
        blob = bucket.blobs.stage(bytes(300_000))

        def abandon() -> None:
            with bucket.mutate() as mutation:
                mutation.refer(blob, b"one")
                raise KeyError

        with pytest.raises(KeyError):
            abandon()
        assert not bucket.is_needed(blob.digest)
        bucket.reconcile()
        assert list(bucket.blobs.digests()) == []

    def test_threads_that_save_remove_and_copy_the_same_bytes_lose_none(self, home: Home) -> None:
        """Whatever the interleaving, a record that is there has its blob."""
        bucket = home.bucket(ORIGIN)
        missing: list[str] = []

        def work(seed: int) -> None:
            for number in range(30):
                owner = b"%d" % (seed * 31 + number)
                blob = bucket.blobs.stage(b"%d" % (number % 3) * 1000)
                with bucket.mutate("relaxed" if number % 2 else "strict") as mutation:
                    mutation.put(b"\x04" + owner, blob.digest.encode())
                    mutation.refer(blob, owner)
                with bucket.locked():
                    if not bytes(bucket.blobs.map(blob)):
                        missing.append(blob.digest)
                if number % 4:
                    with bucket.mutate() as mutation:
                        mutation.delete(b"\x04" + owner)
                        mutation.release(blob.digest, owner)
                mutation.future.result(20)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        bucket.reconcile()
        assert missing == []
        kept = {value.decode() for _, value in bucket.scan(b"\x04", b"\x05")}
        assert {digest for digest, _ in bucket.blobs.digests()} == kept
