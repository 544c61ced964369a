"""A home in one file, written while the store is in use, and read back into an empty one.

The file is a line of magic and frames: a type byte, a length (u64, little endian), a payload; see
``docs/on-disk-format.md``. It ends with a digest of everything before, so a cut or damaged file is refused whole.
"""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from blake3 import blake3

from ..errors import BackupError
from .abc import Blob, Buffer
from .buckets import Bucket, BucketSnapshot
from .catalogue import REFERENCES, following, reference_size, referred_digest
from .home import Home

BACKUP_FORMAT = 1
MAGIC = b"tfjsd backup\n"
_FRAME = struct.Struct("<cQ")
_RECORD = struct.Struct("<II")
_TOTALS = struct.Struct("<Q16s")
_CHUNK = 1 << 20
_LIMITS = {b"H": 1 << 16, b"B": 1 << 16, b"R": 1 << 30, b"E": _TOTALS.size, b"Z": 32}


@dataclass(slots=True)
class Summary:
    """What a backup holds."""

    origins: int = 0
    records: int = 0
    blobs: int = 0
    bytes: int = 0


# -- Writing -----------------------------------------------------------------------------------------------------------


def backup(home: Home, target: BinaryIO) -> Summary:
    """Writes everything the home holds to ``target``, front to back, as it is now; writers go on meanwhile.

    Each origin is one consistent state. Raises CorruptionError naming what is damaged: the file is then useless, and
    says so to ``restore``, as its end is missing.
    """
    summary = Summary()
    with contextlib.ExitStack() as stack:
        buckets = [home.bucket(origin) for origin in home.origins()]
        snapshots = [stack.enter_context(bucket.snapshot()) for bucket in buckets]
        writer = _Writer(target)
        header = {"format": BACKUP_FORMAT, "created": home.clock.now()}
        writer.frame(b"H", json.dumps(header).encode())
        for bucket, snapshot in zip(buckets, snapshots, strict=True):
            _write_bucket(writer, bucket, snapshot, summary)
        writer.end()
        summary.bytes = writer.size
    return summary


def _write_bucket(writer: _Writer, bucket: Bucket, snapshot: BucketSnapshot, summary: Summary) -> None:
    writer.frame(b"B", bucket.origin.encode("utf-8", "surrogatepass"))
    summary.origins += 1
    for blob in _blobs(snapshot):
        writer.head(b"L", 32 + blob.size)
        writer.write(bytes.fromhex(blob.digest))
        for piece in bucket.blobs.read(blob):
            writer.write(piece)
        summary.blobs += 1
    pieces = bytearray()
    for key, value in snapshot.scan(REFERENCES, None):
        pieces += _RECORD.pack(len(key), len(value)) + key + value
        summary.records += 1
        if len(pieces) >= _CHUNK:
            writer.frame(b"R", pieces)
            pieces.clear()
    writer.frame(b"R", pieces)
    totals = snapshot.catalogue
    writer.frame(b"E", _TOTALS.pack(totals.count, totals.digest.to_bytes(16, "little")))


def _blobs(snapshot: BucketSnapshot) -> list[Blob]:
    references = snapshot.scan(REFERENCES, following(REFERENCES))
    return sorted(
        {Blob(referred_digest(key), reference_size(value)) for key, value in references}, key=lambda blob: blob.digest
    )


class _Writer:
    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._hash = blake3()
        self.size = 0
        self.write(MAGIC)

    def write(self, data: Buffer) -> None:
        self._target.write(data)
        self._hash.update(data)
        self.size += len(data)

    def head(self, kind: bytes, size: int) -> None:
        self.write(_FRAME.pack(kind, size))

    def frame(self, kind: bytes, payload: Buffer) -> None:
        self.head(kind, len(payload))
        self.write(payload)

    def end(self) -> None:
        digest = self._hash.digest()
        self.frame(b"Z", digest)
        self._target.flush()


# -- Reading -----------------------------------------------------------------------------------------------------------


def restore(home: Home, source: BinaryIO) -> Summary:
    """Reads a backup into a home that holds nothing: all of it, or nothing.

    The home's bucket objects from before are closed: whoever holds one asks the home anew. Raises BackupError for a
    home that is not empty and for a file that is no backup, of a newer format, cut off or damaged.
    """
    if home.origins():
        raise BackupError(
            "The home is not empty. Restore into a new one.", hint="for example tfjsd restore FILE --home ./restored"
        )
    reader = _Reader(source)
    with home.replacement() as fresh:
        summary = _read(reader, fresh)
    summary.bytes = reader.size
    return summary


def _read(reader: _Reader, home: Home) -> Summary:
    summary = Summary()
    frames = reader.frames()
    _check_header(next(frames, None), reader)
    for kind, size in frames:
        if kind == b"B":
            origin = reader.payload(size).decode("utf-8", "surrogatepass")
            _read_bucket(reader, frames, home.bucket(origin), summary)
        else:
            raise BackupError(f"The backup has a {kind!r} frame where an origin should begin")
    return summary


def _check_header(frame: tuple[bytes, int] | None, reader: _Reader) -> None:
    try:
        if frame is None or frame[0] != b"H":
            raise ValueError("no header frame")
        version = int(json.loads(reader.payload(frame[1]))["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"The backup has no valid header: {error}") from error
    if version > BACKUP_FORMAT:
        raise BackupError(
            f"The backup has format {version}; this version of tfjsd reads up to {BACKUP_FORMAT}", hint="Update tfjsd."
        )


def _read_bucket(reader: _Reader, frames: Iterator[tuple[bytes, int]], bucket: Bucket, summary: Summary) -> None:
    summary.origins += 1
    staged: list[Blob] = []
    for kind, size in frames:
        if kind == b"L":
            staged.append(_read_blob(reader, size, bucket))
            summary.blobs += 1
        elif kind == b"R":
            summary.records += _read_records(reader.payload(size), bucket)
        elif kind == b"E":
            _finish_bucket(reader.payload(size), bucket, staged)
            return
        else:
            break
    raise BackupError(f"The backup ends within the origin {bucket.origin}")


def _read_blob(reader: _Reader, size: int, bucket: Bucket) -> Blob:
    digest = reader.payload(32).hex()
    with bucket.blobs.writer(size - 32) as writer:
        for piece in reader.pieces(size - 32):
            writer.write(piece)
        blob = writer.finish()
    if blob.digest != digest:
        raise BackupError(f"Blob {digest} is damaged in the backup")
    return blob


def _read_records(data: bytes, bucket: Bucket) -> int:
    count = offset = 0
    with bucket.mutate("relaxed") as mutation:
        while offset < len(data):
            try:
                key_size, value_size = _RECORD.unpack_from(data, offset)
            except struct.error as error:
                raise BackupError("A record is cut off in the backup") from error
            offset += _RECORD.size
            end = offset + key_size + value_size
            key = data[offset : offset + key_size]
            if end > len(data) or key < REFERENCES:
                raise BackupError("A record is damaged in the backup")
            mutation.writes[key] = data[offset + key_size : end]
            offset = end
            count += 1
    mutation.future.result()
    return count


def _finish_bucket(data: bytes, bucket: Bucket, staged: list[Blob]) -> None:
    with bucket.mutate() as mutation:
        mutation.referred.extend(staged)
    mutation.future.result()
    count, digest = _TOTALS.unpack(data)
    totals = bucket.totals()
    if (totals.count, totals.digest) != (count, int.from_bytes(digest, "little")):
        raise BackupError(f"The records of {bucket.origin} are not complete in the backup")
    with bucket.snapshot() as snapshot:
        missing = {blob.digest for blob in _blobs(snapshot)} - {blob.digest for blob in staged}
    if missing:
        raise BackupError(f"Blob {min(missing)} is missing in the backup")


class _Reader:
    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._hash = blake3()
        self.size = 0
        if self._exactly(len(MAGIC)) != MAGIC:
            raise BackupError("This is not a tfjsd backup")

    def _exactly(self, size: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < size:
            piece = self._source.read(min(_CHUNK, size - len(pieces)))
            if not piece:
                raise BackupError("The backup is cut off")
            pieces += piece
        self._hash.update(pieces)
        self.size += size
        return bytes(pieces)

    def payload(self, size: int) -> bytes:
        return self._exactly(size)

    def pieces(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self._exactly(min(size, _CHUNK))
            size -= len(piece)
            yield piece

    def frames(self) -> Iterator[tuple[bytes, int]]:
        """Type and payload size of each frame up to the end, whose digest is checked."""
        while True:
            expected = self._hash.digest()
            kind, size = _FRAME.unpack(self._exactly(_FRAME.size))
            if kind != b"L" and size > _LIMITS.get(kind, -1):
                raise BackupError(f"The backup has a bad frame: {kind!r} of {size} bytes")
            if kind == b"L" and size < 32:
                raise BackupError("The backup has a blob without a digest")
            if kind == b"Z":
                if self._exactly(size) != expected or self._source.read(1):
                    raise BackupError("The backup is damaged: its bytes have another digest")
                return
            yield kind, size
