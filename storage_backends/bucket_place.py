"""Where a bucket's engine and blobs lie: a directory of the home, or memory.

A directory counts as a bucket from the moment its file ``origin`` exists. That file is written last, after the engine
was sealed by a synced write and every directory above it was synced: a LevelDB cut off earlier cannot be opened. If the
file is lost later, the witness still shows that something was acknowledged there.
"""

from __future__ import annotations

import struct
from pathlib import Path

from blake3 import blake3

from ..errors import CorruptionError, UnsupportedFormatError
from . import durable
from .abc import BlobStore, EngineFactory, OrderedEngine, WriteBatch
from .blobs import FileBlobStore
from .catalogue import COMMIT_KEY, FORMAT_KEY, Catalogue
from .memory_blobs import MemoryBlobStore
from .witness import Witness, witnessed

BUCKET_FORMAT = 1
_FORMAT = struct.Struct("<I")


def directory_name(origin: str) -> str:
    """32 hex digits: an origin may hold what no file name can, or be too long for one."""
    return blake3(origin.encode("utf-8", "surrogatepass")).hexdigest(length=16)


def is_announced(directory: Path) -> bool:
    """Whether anybody was ever told that this bucket exists."""
    return (directory / "origin").exists() or witnessed(directory / "acknowledged") > 0


def origin_of(directory: Path) -> str | None:
    """The origin that a bucket directory names, or None where its name is lost or damaged."""
    try:
        origin = (directory / "origin").read_bytes().decode("utf-8", "surrogatepass")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return origin if directory_name(origin) == directory.name else None


class BucketPlace:
    """Creates and opens the engine of one origin."""

    def __init__(self, origin: str, buckets: Path | None, engines: EngineFactory) -> None:
        self.origin = origin
        self.directory = None if buckets is None else buckets / directory_name(origin)
        self.blobs: BlobStore = MemoryBlobStore() if self.directory is None else FileBlobStore(self.directory / "blobs")
        with durable.translated(f"Cannot look for the bucket of {origin}"):
            self.exists = self.directory is not None and is_announced(self.directory)
        self._engines = engines
        self._witness: Witness | None = None

    def create(self) -> OrderedEngine:
        """A new, sealed engine; durable under its origin's name when this returns."""
        with durable.translated(f"Cannot create the bucket of {self.origin}"):
            self._unseal()
            engine = self._new_engine()
            try:
                self._seal(engine)
            except BaseException:
                engine.close()
                self._unseal()
                raise
        return engine

    def _unseal(self) -> None:
        """An attempt that failed at its very end may have left the name of an engine that is not to be relied on."""
        if self.directory is not None and (self.directory / "origin").exists():
            durable.unlink(self.directory / "origin")
            durable.fsync_path(self.directory)

    def _new_engine(self) -> OrderedEngine:
        if self.directory is None:
            return self._engines(None, create=True)
        path = self.directory / "leveldb"
        durable.remove_tree(path)  # of an attempt that failed
        durable.make_directory(path)
        return self._engines(path, create=True)

    def _seal(self, engine: OrderedEngine) -> None:
        batch = WriteBatch()
        batch.put(FORMAT_KEY, _FORMAT.pack(BUCKET_FORMAT))
        batch.put(COMMIT_KEY, Catalogue().encode())
        engine.write(batch, sync=True)
        engine.sync()
        if self.directory is None:
            return
        durable.fsync_path(self.directory / "leveldb")
        durable.fsync_path(self.directory)
        self._witness = Witness(self.directory / "acknowledged")
        self._write_origin(self.directory)
        durable.fsync_path(self.directory.parent)

    def _write_origin(self, directory: Path) -> None:
        durable.write_file(directory / "origin", self.origin.encode("utf-8", "surrogatepass"))

    def open(self) -> tuple[OrderedEngine, Catalogue]:
        """The engine of an existing bucket and its commit record.

        Raises UnsupportedFormatError for a newer format and CorruptionError where acknowledged commits are missing.
        """
        with durable.translated(f"Cannot open the bucket of {self.origin}"):
            if self.directory is None:
                engine = self._engines(None, create=False)
            else:
                engine = self._engines(self.directory / "leveldb", create=False)
                if origin_of(self.directory) != self.origin:
                    self._write_origin(self.directory)  # it was lost, and who asks for it knows it
                self._witness = self._witness or Witness(self.directory / "acknowledged")
        try:
            return engine, self._check(engine)
        except BaseException:
            engine.close()
            raise

    def _check(self, engine: OrderedEngine) -> Catalogue:
        data = engine.get(FORMAT_KEY)
        if data is None or len(data) != _FORMAT.size:
            raise CorruptionError(f"The format record of {self.origin} is missing or damaged")
        version = _FORMAT.unpack(data)[0]
        if version > BUCKET_FORMAT:
            raise UnsupportedFormatError(
                f"The data of {self.origin} has format {version}; this version of tfjsd reads up to {BUCKET_FORMAT}",
                hint="Update tfjsd.",
            )
        catalogue = Catalogue.decode(engine.get(COMMIT_KEY))
        if self._witness is not None and catalogue.number < self._witness.read():
            raise CorruptionError(
                f"{self.origin}: the engine ends at commit {catalogue.number}, but commit {self._witness.read()} was "
                "acknowledged: records are lost"
            )
        return catalogue

    def reopening_size(self) -> int:
        """How many bytes an opening of the engine may write: its logs anew as tables."""
        if self.directory is None:
            return 0
        return sum(log.stat().st_size for log in (self.directory / "leveldb").glob("*.log"))

    def acknowledge(self, number: int) -> None:
        """Notes that the commits up to ``number`` are on stable storage."""
        if self._witness is not None:
            self._witness.record(number)

    def close(self) -> None:
        witness, self._witness = self._witness, None
        if witness is not None:
            witness.close()
