"""What a command writes is there when it is whole, or not at all."""

import errno
import os
import threading

import pytest

from tfjsd.commands.target_file import target_file


def write(path, *pieces, fail=False):
    with target_file(str(path)) as file:
        for piece in pieces:
            file.write(piece)
        if fail:
            raise RuntimeError("on purpose")


def test_a_file_is_replaced_and_is_its_owners(tmp_path):
    (tmp_path / "f").write_text("old")
    write(tmp_path / "f", b"a", memoryview(b"b"))
    assert (tmp_path / "f").read_bytes() == b"ab"
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600


def test_what_fails_leaves_what_was_there(tmp_path):
    (tmp_path / "f").write_text("old")
    with pytest.raises(RuntimeError):
        write(tmp_path / "f", b"new", fail=True)
    assert (tmp_path / "f").read_text() == "old"
    assert os.listdir(tmp_path) == ["f"]


def test_a_symbolic_link_keeps_its_target(tmp_path):
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"x"


def test_a_pipe_is_written_to_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write(tmp_path / "pipe", b"through")
    reader.join()
    assert read == [b"through"]
    assert (tmp_path / "pipe").is_fifo()


def test_a_place_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write(tmp_path / "none" / "f", b"x")
    assert caught.value.filename == str(tmp_path / "none" / "f")


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(IsADirectoryError):
        write(tmp_path, b"x")


def test_where_no_file_can_be_made_the_users_file_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir("/proc")
    with pytest.raises(OSError) as caught:
        write("x.json", b"x")
    assert caught.value.filename == "x.json"


def test_a_full_disk_is_said_of_the_users_file(tmp_path, monkeypatch):
    def full(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError) as caught:
        write(tmp_path / "f", b"x")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "f"))
    assert os.listdir(tmp_path) == []


def test_other_errors_of_the_block_are_theirs(tmp_path):
    with pytest.raises(ConnectionResetError) as caught, target_file(str(tmp_path / "f")):
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
    assert caught.value.filename is None
