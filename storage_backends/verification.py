"""Reads everything a home holds and names what is damaged, missing or left over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from ..errors import CorruptionError, StoreFailedError, UnsupportedFormatError
from .abc import Blob
from .buckets import Bucket, BucketSnapshot
from .catalogue import REFERENCES, Catalogue, following, reference_size, referred_digest
from .home import Home

Kind = Literal["bucket", "records", "catalogue", "blob", "missing-blob", "orphan-blob"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``name`` is a blob's digest, a range of keys in hexadecimal, or the origin."""

    origin: str
    kind: Kind
    name: str
    message: str


@dataclass(slots=True)
class Report:
    """What was read, and what was wrong with it."""

    findings: list[Finding] = field(default_factory=list)
    records: int = 0
    blobs: int = 0
    bytes_read: int = 0

    @property
    def ok(self) -> bool:
        return not self.findings


def verify_home(home: Home, on_progress: Callable[[Report], None] | None = None) -> Report:
    """Checks every record of every origin against LevelDB's checksums and the bucket's totals, and every blob against
    its digest. Changes nothing but that blobs which nothing refers to are removed; writers may go on meanwhile.
    """
    report = Report()
    for name in home.nameless_buckets():
        report.findings.append(Finding("", "bucket", name, f"the name of the origin in buckets/{name} is damaged"))
    for origin in home.all_origins():
        verify_bucket(home.bucket(origin), report)
        if on_progress is not None:
            on_progress(report)
    return report


def verify_bucket(bucket: Bucket, report: Report) -> None:
    """Adds to ``report`` what is wrong in one bucket."""
    for finding in _findings(bucket, report):
        report.findings.append(finding)


def _findings(bucket: Bucket, report: Report) -> Iterator[Finding]:
    try:
        bucket.reconcile()
        snapshot = bucket.snapshot()
    except (StoreFailedError, UnsupportedFormatError) as error:
        yield Finding(bucket.origin, "bucket", bucket.origin, str(error))
        return
    with snapshot:
        yield from _check_records(bucket, snapshot, report)
        referred = _referred(snapshot)
        yield from _check_blobs(bucket, referred, report)
    yield from _orphans(bucket, set(referred))


def _check_records(bucket: Bucket, snapshot: BucketSnapshot, report: Report) -> Iterator[Finding]:
    found = Catalogue()
    try:
        for key, value in snapshot.scan(REFERENCES, None):
            found = found.changed([(key, None, value)])
            report.records += 1
            report.bytes_read += len(key) + len(value)
    except StoreFailedError as error:
        yield _damage(bucket.origin, snapshot, error)
        return
    expected = snapshot.catalogue
    if found.numbered(expected.number) != expected:
        yield Finding(
            bucket.origin,
            "catalogue",
            "commit record",
            f"{expected.count} records were committed, {found.count} are there"
            if found.count != expected.count
            else f"the {found.count} records are not those that were committed",
        )


def _damage(origin: str, snapshot: BucketSnapshot, reason: StoreFailedError) -> Finding:
    """Scans from both ends stop at what cannot be read: the damage is between them."""
    start, stop = _last_readable(snapshot, reverse=False), _last_readable(snapshot, reverse=True)
    name = f"{start.hex()}..{stop.hex()}"
    return Finding(origin, "records", name, f"records with keys in {name} are damaged: {reason}")


def _last_readable(snapshot: BucketSnapshot, *, reverse: bool) -> bytes:
    last = b""
    try:
        for key, _ in snapshot.scan(REFERENCES, None, reverse=reverse):
            last = key
    except StoreFailedError:
        return last
    return last


def _referred(snapshot: BucketSnapshot) -> dict[str, int]:
    """Digest and size of every blob that a reference names, as far as they can be read."""
    referred = {}
    try:
        for key, value in snapshot.scan(REFERENCES, following(REFERENCES)):
            referred[referred_digest(key)] = reference_size(value)
    except StoreFailedError:
        return referred  # reported as damaged records already
    return referred


def _check_blobs(bucket: Bucket, referred: dict[str, int], report: Report) -> Iterator[Finding]:
    stored = {digest for digest, _ in bucket.blobs.digests()}
    for digest, size in sorted(referred.items()):
        report.blobs += 1
        if digest not in stored:
            yield Finding(bucket.origin, "missing-blob", digest, f"blob {digest} is missing")
            continue
        try:
            bucket.blobs.verify(Blob(digest, size))
            report.bytes_read += size
        except (CorruptionError, StoreFailedError) as error:
            yield Finding(bucket.origin, "blob", digest, str(error))


def _orphans(bucket: Bucket, referred: set[str]) -> Iterator[Finding]:
    if not any(_is_left_over(bucket, digest, referred) for digest, _ in bucket.blobs.digests()):
        return
    bucket.reconcile()  # it may have lost its last reference only now
    for digest, size in bucket.blobs.digests():
        if _is_left_over(bucket, digest, referred):
            yield Finding(bucket.origin, "orphan-blob", digest, f"nothing refers to blob {digest} ({size} bytes)")


def _is_left_over(bucket: Bucket, digest: str, referred: set[str]) -> bool:
    return digest not in referred and not bucket.is_needed(digest) and not bucket.is_leaving(digest)
