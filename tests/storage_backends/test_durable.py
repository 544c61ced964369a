"""The primitives of durability: whole files or none, nothing left behind, no sync that is tried twice."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from tfjsd.errors import QuotaExceededError, StoreFailedError
from tfjsd.storage_backends import durable


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable.write_file(path, b"old")
    durable.write_file(path, b"new", mode=0o400)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o400
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_whatever_fails_the_old_file_stays_and_nothing_is_left(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    durable.write_file(path, b"old")
    calls = []

    def fail(*arguments: object) -> int:
        calls.append(arguments)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="Input/output"):
        durable.write_file(path, b"new")
    monkeypatch.undo()
    assert len(calls) == 1  # never again
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: original(descriptor, data[:1000]))
    data = os.urandom(100_001)
    durable.write_file(tmp_path / "file", memoryview(data))
    assert (tmp_path / "file").read_bytes() == data


def test_data_is_synced_before_the_name_and_the_directory_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    sync, rename = os.fsync, os.rename

    def note_sync(descriptor: int) -> None:
        told.append("directory" if os.fstat(descriptor).st_nlink > 1 else "data")
        sync(descriptor)

    def note_rename(source: Path, target: Path) -> None:
        told.append("rename")
        rename(source, target)

    (tmp_path / "sub").mkdir()  # so that a directory has more links than a file
    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "rename", note_rename)
    durable.write_file(tmp_path / "file", b"data")
    assert told == ["data", "rename", "directory"]


def test_directories_are_private(tmp_path: Path) -> None:
    durable.make_directory(tmp_path / "a" / "b")
    durable.make_directory(tmp_path / "a" / "b")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "a", tmp_path / "a" / "b")} == {0o700}


@pytest.mark.parametrize("offered", [True, False])
def test_macos_syncs_past_the_drives_cache_where_it_can(
    offered: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def full(descriptor: int, command: int) -> int:
        told.append("full")
        if not offered:
            raise OSError(errno.ENOTSUP, "Operation not supported")
        return 0

    monkeypatch.setattr(durable, "_FULLFSYNC", 51)
    monkeypatch.setattr(fcntl, "fcntl", full)
    monkeypatch.setattr(os, "fsync", lambda descriptor: told.append("plain"))
    durable.fsync_path(tmp_path)
    assert told == (["full"] if offered else ["full", "plain"])


def test_a_failed_full_sync_is_not_followed_by_a_weaker_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int, command: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(durable, "_FULLFSYNC", 51)
    monkeypatch.setattr(fcntl, "fcntl", fail)
    with pytest.raises(OSError, match="Input/output"):
        durable.fsync_path(tmp_path)


@pytest.mark.parametrize("failure", [errno.EXDEV, errno.EPERM, errno.ENOENT])
def test_a_file_that_cannot_be_linked_is_copied(failure: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(failure, os.strerror(failure))

    monkeypatch.setattr(os, "link", fail)
    data = os.urandom(200_000)
    (tmp_path / "source").write_bytes(data)
    with (tmp_path / "source").open("rb") as file, durable.LinkedFile(tmp_path, file.fileno()) as linked:
        linked.publish(tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == data
    assert names(tmp_path) == ["source", "target"]


def test_an_unpublished_link_goes(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"data")
    with (tmp_path / "source").open("rb") as file, durable.LinkedFile(tmp_path, file.fileno()):
        assert len(names(tmp_path)) == 2
    assert names(tmp_path) == ["source"]


def test_space_is_set_aside_and_its_lack_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    durable.preallocate(tmp_path / "reserve", 1 << 20)
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 1 << 20

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(QuotaExceededError) as caught, durable.translated("Cannot set space aside"):
        durable.preallocate(tmp_path / "second", 1 << 20)
    assert caught.value.unit == "disk"
    monkeypatch.delattr(os, "posix_fallocate")
    durable.preallocate(tmp_path / "third", 100_000)
    assert (tmp_path / "third").stat().st_size >= 100_000
    assert names(tmp_path) == ["reserve", "third"]


def test_sweeping_follows_no_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    swept = tmp_path / "swept"
    swept.mkdir()
    (swept / f".tmp-{1:016x}").symlink_to(outside)
    (swept / f".tmp-{2:016x}").touch()
    (swept / f".tmp-{3:016x}").mkdir()
    (swept / "kept").touch()
    (swept / ".tmp-of-somebody-else").touch()
    durable.sweep(swept)
    durable.sweep(tmp_path / "missing")
    assert names(swept) == [".tmp-of-somebody-else", "kept"]
    assert names(outside) == ["kept"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_a_quota_error(code: int) -> None:
    with pytest.raises(QuotaExceededError), durable.translated("Cannot write"):
        raise OSError(code, os.strerror(code))


def test_any_other_error_changed_nothing() -> None:
    with pytest.raises(StoreFailedError, match="Cannot write: Input") as caught, durable.translated("Cannot write"):
        raise OSError(errno.EIO, "Input/output error")
    assert caught.value.outcome == "unchanged"


def test_a_file_is_cut(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"123456")
    durable.truncate(tmp_path / "file", 2)
    assert (tmp_path / "file").read_bytes() == b"12"
