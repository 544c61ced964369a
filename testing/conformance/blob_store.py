"""What every BlobStore does."""

from __future__ import annotations

import random
import threading
from abc import ABC, abstractmethod
from pathlib import Path

import pytest
from blake3 import blake3

from ...errors import CorruptionError
from ...storage_backends.abc import Blob, BlobStore

DATA = random.Random(2).randbytes(3_000_000)


class BlobStoreConformance(ABC):
    """Subclasses give the fixture ``blobs`` (empty) and raw access to the stored bytes."""

    @abstractmethod
    def blobs(self) -> BlobStore:
        """Fixture: an empty store."""

    @abstractmethod
    def raw_get(self, blobs: BlobStore, digest: str) -> bytes | None: ...

    @abstractmethod
    def raw_set(self, blobs: BlobStore, digest: str, data: bytes | None) -> None:
        """Puts other bytes in a stored blob's place, or takes them away."""

    def test_staging_names_a_blob_by_its_digest(self, blobs: BlobStore) -> None:
        blob = blobs.stage(DATA)
        assert blob == Blob(blake3(DATA).hexdigest(), len(DATA))
        assert self.raw_get(blobs, blob.digest) == DATA
        assert list(blobs.digests()) == [(blob.digest, len(DATA))]

    @pytest.mark.parametrize("data", [b"", b"x", DATA[: 64 * 1024], DATA])
    def test_what_was_staged_is_read(self, blobs: BlobStore, data: bytes) -> None:
        blob = blobs.stage(memoryview(data))
        assert bytes(blobs.map(blob)) == data
        assert b"".join(blobs.read(blob)) == data
        assert b"".join(blobs.read(blob, chunk_size=1000)) == data
        blobs.verify(blob)
        path = blobs.path(blob)
        assert path is None or path.read_bytes() == data

    def test_pieces_make_the_same_blob_as_the_whole(self, blobs: BlobStore) -> None:
        pieces = [DATA[start : start + 100_001] for start in range(0, len(DATA), 100_001)]
        assert blobs.stage(bytearray(piece) for piece in pieces) == blobs.stage(DATA)
        assert len(list(blobs.digests())) == 1

    def test_a_mapped_view_is_read_only(self, blobs: BlobStore) -> None:
        view = blobs.map(blobs.stage(DATA))
        assert view.readonly
        with pytest.raises(TypeError):
            view[0] = 1

    def test_a_mapped_view_outlives_the_blob(self, blobs: BlobStore) -> None:
        blob = blobs.stage(DATA)
        view = blobs.map(blob)
        blobs.redeem(blob)
        assert blobs.condemn(blob.digest)
        assert blobs.reclaim(blob.digest)
        assert view == DATA

    def test_a_discarded_writer_leaves_nothing(self, blobs: BlobStore) -> None:
        with blobs.writer(10) as writer:
            writer.write(b"half")
        writer.discard()
        with pytest.raises(ValueError, match="finished"):
            writer.write(b"more")
        assert list(blobs.digests()) == []

    def test_a_writer_is_finished_once(self, blobs: BlobStore) -> None:
        with blobs.writer() as writer:
            writer.write(b"all")
            blob = writer.finish()
            with pytest.raises(ValueError, match="finished"):
                writer.finish()
        assert bytes(blobs.map(blob)) == b"all"

    def test_an_open_file_is_adopted(self, blobs: BlobStore, tmp_path: Path) -> None:
        path = tmp_path / "weights.bin"
        path.write_bytes(DATA)
        with path.open("rb") as file:
            blob = blobs.adopt(file.fileno(), len(DATA))
        assert blob == Blob(blake3(DATA).hexdigest(), len(DATA))
        assert bytes(blobs.map(blob)) == DATA

    def test_pins_are_counted(self, blobs: BlobStore) -> None:
        told: list[str] = []
        blobs.on_unpinned(told.append)
        blob = blobs.stage(DATA)
        blobs.pin(blob.digest)
        assert not blobs.condemn(blob.digest)
        blobs.redeem(blob)
        assert blobs.is_pinned(blob.digest)
        assert told == []
        blobs.unpin(blob.digest)
        assert not blobs.is_pinned(blob.digest)
        assert told == [blob.digest]
        with pytest.raises(ValueError, match="not pinned"):
            blobs.unpin(blob.digest)

    def test_a_ticket_is_redeemed_once_and_only_its_own_pin(self, blobs: BlobStore) -> None:
        first, second = blobs.stage(DATA), blobs.stage(DATA)
        blobs.redeem(Blob(first.digest, first.size))
        blobs.redeem(first)
        blobs.redeem(first)
        assert blobs.is_pinned(second.digest)
        blobs.redeem(second)
        assert not blobs.is_pinned(second.digest)

    def test_only_a_condemned_blob_is_reclaimed(self, blobs: BlobStore) -> None:
        blob = blobs.stage(DATA)
        blobs.redeem(blob)
        assert not blobs.reclaim(blob.digest)
        assert blobs.condemn(blob.digest)
        assert blobs.reclaim(blob.digest)
        assert self.raw_get(blobs, blob.digest) is None
        assert not blobs.reclaim(blob.digest)

    @pytest.mark.parametrize("how", ["stage", "pin"])
    def test_need_lifts_the_mark(self, blobs: BlobStore, how: str) -> None:
        blob = blobs.stage(DATA)
        blobs.redeem(blob)
        assert blobs.condemn(blob.digest)
        again = blobs.stage(DATA) if how == "stage" else blob
        if how == "pin":
            blobs.pin(blob.digest)
        assert not blobs.reclaim(blob.digest)
        assert bytes(blobs.map(again)) == DATA

    def test_a_missing_blob_is_named(self, blobs: BlobStore) -> None:
        blob = blobs.stage(DATA)
        self.raw_set(blobs, blob.digest, None)
        for read in (blobs.map, blobs.verify, lambda lost: b"".join(blobs.read(lost))):
            with pytest.raises(CorruptionError, match=blob.digest):
                read(blob)

    def test_another_size_is_noticed_by_every_reader(self, blobs: BlobStore) -> None:
        blob = blobs.stage(DATA)
        self.raw_set(blobs, blob.digest, DATA[:-1])
        for read in (blobs.map, blobs.verify, lambda cut: b"".join(blobs.read(cut))):
            with pytest.raises(CorruptionError, match=blob.digest):
                read(blob)

    @pytest.mark.parametrize("position", [0, 1, 65_535, 65_536, len(DATA) - 1])
    def test_a_flipped_bit_is_noticed_by_readers_that_check(self, blobs: BlobStore, position: int) -> None:
        blob = blobs.stage(DATA)
        damaged = bytearray(DATA)
        damaged[position] ^= 1
        self.raw_set(blobs, blob.digest, bytes(damaged))
        for read in (blobs.verify, lambda bad: b"".join(blobs.read(bad))):
            with pytest.raises(CorruptionError, match=blob.digest):
                read(blob)

    def test_staging_the_same_bytes_again_heals_damage(self, blobs: BlobStore) -> None:
        blob = blobs.stage(DATA)
        self.raw_set(blobs, blob.digest, bytes(len(DATA)))
        blobs.verify(blobs.stage(DATA))

    def test_threads_may_stage_and_reclaim_the_same_bytes(self, blobs: BlobStore) -> None:
        """What is pinned is there, whatever other threads reclaim."""
        lost: list[str] = []

        def work(seed: int) -> None:
            chance = random.Random(seed)
            for _ in range(60):
                blob = blobs.stage(b"%d" % chance.randrange(4))
                if self.raw_get(blobs, blob.digest) is None:
                    lost.append(blob.digest)
                blobs.redeem(blob)
                blobs.condemn(blob.digest)
                blobs.reclaim(blob.digest)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert lost == []

    def test_secure_accepts_what_was_staged(self, blobs: BlobStore) -> None:
        blob = blobs.stage(DATA)
        blobs.secure([blob.digest])
        blobs.secure([blob.digest])
        blobs.secure([])
