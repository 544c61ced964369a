"""Hints to begin writing a file come at every mebibyte or so, and change nothing but the time."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tfjsd.storage_backends import writeback
from tfjsd.storage_backends.durable import StagedFile
from tfjsd.storage_backends.writeback import Writeback

STEP = 1 << 20


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    writeback._sync_file_range.cache_clear()
    yield
    writeback._sync_file_range.cache_clear()


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Descriptor, offset, length, flags of each."""
    found: list[tuple[int, ...]] = []
    monkeypatch.setattr(writeback, "_sync_file_range", lambda: lambda *arguments: found.append(arguments))
    return found


def test_each_byte_is_hinted_at_once_and_small_files_never(hints: list[tuple[int, ...]]) -> None:
    small, large = Writeback(7), Writeback(8)
    small.wrote(STEP - 1)
    for count in (STEP - 1, 1, 1000, 3 * STEP, 5):
        large.wrote(count)
    assert hints == [(8, 0, STEP, 2), (8, STEP, 3 * STEP + 1000, 2)]


def test_a_staged_file_is_begun_while_it_is_written(tmp_path: Path, hints: list[tuple[int, ...]]) -> None:
    content = bytes(range(256)) * (STEP // 128)
    with StagedFile(tmp_path) as staged:
        staged.write(content)
        assert [hint[1:3] for hint in hints] == [(0, STEP), (STEP, STEP)]
        staged.sync()
        staged.publish(tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == content


@pytest.mark.skipif(sys.platform != "linux", reason="the system call is Linux's")
def test_linux_takes_the_hint(tmp_path: Path) -> None:
    call = writeback._sync_file_range()
    assert call is not None
    with (tmp_path / "file").open("wb") as file:
        file.write(b"content")
        file.flush()
        assert call(file.fileno(), 0, 7, 2) == 0
        assert call(file.fileno(), 0, 7, 1 << 20) == -1  # the negative control: no such flag


@pytest.mark.parametrize("error", [ImportError, OSError, MemoryError, AttributeError])
def test_without_the_call_files_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(_: object) -> None:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    with StagedFile(tmp_path) as staged:
        staged.write(bytes(2 * STEP))
        staged.publish(tmp_path / "whole")
    assert (tmp_path / "whole").stat().st_size == 2 * STEP
