"""What a bucket's commit record says of all its records: enough to notice one that was lost.

LevelDB's own checksums miss the loss of a whole table or log (one of 480 bit flips, in the manifest, lost records
silently). So every batch carries one record: the number of the commit, and count, size and a sum of digests over all
records, kept up to date by difference. ``verify`` adds them up anew.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from blake3 import blake3

from ..errors import CorruptionError

STORE_METADATA = b"\x00"
REFERENCES = b"\x01"
LOCAL_STORAGE = b"\x02"
INDEXED_DB_METADATA = b"\x03"
INDEXED_DB_RECORDS = b"\x04"

FORMAT_KEY = STORE_METADATA + b"format"
COMMIT_KEY = STORE_METADATA + b"commit"
JOURNAL = STORE_METADATA + b"unlink/"
"""Followed by 32 digest bytes: a blob that lost its last reference and whose file may still be there."""

_RECORD = struct.Struct("<QQQQ16s")
_MODULUS = 1 << 128
_LENGTHS = [size.to_bytes(4, "little") for size in range(0x100)]

Share = tuple[int, int, int]
"""What a record of a medium adds to the totals: 1 (nothing where it is absent: 0), its bytes, its digest."""

NO_SHARE: Share = (0, 0, 0)


class Catalogue(NamedTuple):
    """Totals over the records outside the store's own namespace, after the commit ``number``.

    ``bytes_used`` counts keys and values of the media; ``blob_bytes`` counts each reference to a blob, so two models
    with the same weights count them twice, as in a browser.
    """

    number: int = 0
    count: int = 0  # type: ignore[assignment]  # in place of the method that a tuple has
    bytes_used: int = 0
    blob_bytes: int = 0
    digest: int = 0

    @property
    def used(self) -> int:
        return self.bytes_used + self.blob_bytes

    def changed(self, changes: Iterable[tuple[bytes, bytes | None, bytes | None]]) -> Catalogue:
        """After records went each from an old value to a new one (None: absent)."""
        count, bytes_used, blob_bytes, digest = self.count, self.bytes_used, self.blob_bytes, self.digest
        for key, old, new in changes:
            namespace = key[:1]
            if namespace == STORE_METADATA:
                continue
            is_reference = namespace == REFERENCES
            growth = 0
            if old is not None:
                count -= 1
                digest -= record_digest(key, old)
                growth -= reference_size(old) if is_reference else len(key) + len(old)
            if new is not None:
                count += 1
                digest += record_digest(key, new)
                growth += reference_size(new) if is_reference else len(key) + len(new)
            if is_reference:
                blob_bytes += growth
            else:
                bytes_used += growth
        return Catalogue(self.number, count, bytes_used, blob_bytes, digest % _MODULUS)

    def exchanged(self, old: Share, new: Share) -> Catalogue:
        """After the next commit, in which one record took the place of another one."""
        return Catalogue(
            self.number + 1,
            self.count + new[0] - old[0],
            self.bytes_used + new[1] - old[1],
            self.blob_bytes,
            (self.digest + new[2] - old[2]) % _MODULUS,
        )

    def numbered(self, number: int) -> Catalogue:
        return self._replace(number=number)

    def encode(self) -> bytes:
        digest = self.digest.to_bytes(16, "little")
        return _RECORD.pack(self.number, self.count, self.bytes_used, self.blob_bytes, digest)

    @classmethod
    def decode(cls, data: bytes | None) -> Catalogue:
        """Raises CorruptionError where the record is missing or has another length."""
        if data is None or len(data) != _RECORD.size:
            raise CorruptionError("the commit record is missing or damaged")
        number, count, bytes_used, blob_bytes, digest = _RECORD.unpack(data)
        return cls(number, count, bytes_used, blob_bytes, int.from_bytes(digest, "little"))


def record_digest(key: bytes, value: bytes) -> int:
    """128 bits of BLAKE3 over the key's length, key and value."""
    size = len(key)
    length = _LENGTHS[size] if size < 0x100 else size.to_bytes(4, "little")
    return int.from_bytes(blake3(length + key + value).digest(16), "little")


def share_of(key: bytes, value: bytes) -> Share:
    """The share of a record outside the store's own namespaces."""
    return 1, len(key) + len(value), record_digest(key, value)


def reference_key(digest: str, owner: bytes) -> bytes:
    return REFERENCES + bytes.fromhex(digest) + owner


def reference_prefix(digest: str) -> tuple[bytes, bytes]:
    """The range of all references to a digest."""
    start = REFERENCES + bytes.fromhex(digest)
    return start, following(start)


def referred_digest(key: bytes) -> str:
    """The digest in the key of a reference or of a journal entry."""
    offset = 1 if key[:1] == REFERENCES else len(JOURNAL)
    return key[offset : offset + 32].hex()


def referring_owner(key: bytes) -> bytes:
    """The owner in the key of a reference."""
    return key[33:]


def reference_size(value: bytes) -> int:
    return int.from_bytes(value, "little")


def reference_value(size: int) -> bytes:
    return size.to_bytes(8, "little")


def journal_key(digest: str) -> bytes:
    return JOURNAL + bytes.fromhex(digest)


def following(prefix: bytes) -> bytes:
    """The least key after all keys that start with ``prefix`` (which must not be all 0xff)."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1])
