"""A manifest reaches regular files of its own directory and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tfjsd.errors import InvalidArtifactsError
from tfjsd.model_io.confined_directory import ConfinedDirectory, components

TRAVERSALS = [
    "..",
    "../",
    "../secret.bin",
    "../../etc/passwd",
    "../../../../../../../../etc/passwd",
    "./../secret.bin",
    "././../secret.bin",
    "sub/../../secret.bin",
    "sub/../weights.bin",
    "sub/..",
    "sub/../",
    "sub/./../../secret.bin",
    "..//secret.bin",
    ".//..//secret.bin",
    "sub//..//..//secret.bin",
    "/",
    "//",
    "/etc/passwd",
    "//etc/passwd",
    "///etc/passwd",
    "/../etc/passwd",
    "/./etc/passwd",
    "/proc/self/environ",
    "/proc/self/fd/0",
    "/dev/stdin",
    "/dev/zero",
    "..\\secret.bin",
    "..\\..\\etc\\passwd",
    "sub\\..\\..\\secret.bin",
    ".\\weights.bin",
    "C:\\Windows\\win.ini",
    "\\\\server\\share\\weights.bin",
    "\\etc\\passwd",
    "..\\/secret.bin",
    "../\\secret.bin",
    "weights.bin\0",
    "weights.bin\0.txt",
    "\0",
    "../secret.bin\0weights.bin",
    "\ud800",
    "\udc2e\udc2e/secret.bin",
    "weights\udcff.bin",
    "\udcc0\udcae\udcc0\udcae/secret.bin",
    "",
    ".",
    "./",
    "weights.bin/",
    "weights.bin/.",
    "weights.bin/..",
    "sub",
    "sub/",
    "sub/.",
    "a" * 256,
    "é" * 128,
    "a" * 5000,
    "a/" * 2100 + "b",
    "link.bin",
    "linked/secret.bin",
    "linked/../secret.bin",
    "linked/linked_again/secret.bin",
    "sub/link_up/secret.bin",
    "loop/loop/weights.bin",
    "pipe",
    "socket",
    "sub/pipe",
    "self/environ",
    "weights.bin/secret.bin",
    "dangling",
    "fd/0",
]
LITERAL = [
    "%2e%2e/secret.bin",
    "..%2fsecret.bin",
    "%2fetc%2fpasswd",
    "file:///etc/passwd",
    "http://127.0.0.1/w.bin",
    "~/secret.bin",
    "~root/secret.bin",
    "$HOME/secret.bin",
    "con",
    "WEIGHTS.BIN",
    "…/secret.bin",
    "．．/secret.bin",
    "..;/secret.bin",
    ".../secret.bin",
    " ../secret.bin",
]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A model directory with everything in it that a hostile author could have put there."""
    root = tmp_path / "model"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "secret.bin").write_bytes(b"secret")
    (root / "weights.bin").write_bytes(b"weights")
    (root / "sub" / "part.bin").write_bytes(b"part")
    (root / "link.bin").symlink_to("../secret.bin")
    (root / "linked").symlink_to("..")
    (root / "sub" / "link_up").symlink_to("../..")
    (root / "loop").symlink_to("loop")
    (root / "self").symlink_to("/proc/self")
    (root / "fd").symlink_to("/proc/self/fd")
    (root / "dangling").symlink_to("nowhere")
    os.mkfifo(root / "pipe")
    os.mkfifo(root / "sub" / "pipe")
    return root


def read(directory: Path, name: str) -> bytes:
    with ConfinedDirectory(directory) as confined:
        descriptor = confined.open(name)
        with os.fdopen(descriptor, "rb") as file:
            return file.read()


def test_there_are_sixty_forms():
    assert len(set(TRAVERSALS)) == len(TRAVERSALS) >= 60


@pytest.mark.parametrize("name", TRAVERSALS, ids=lambda name: ascii(name)[:40])
def test_a_traversal_is_refused(directory: Path, name: str):
    if name == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.relpath(directory / "socket"))
    with pytest.raises(InvalidArtifactsError):
        read(directory, name)


@pytest.mark.parametrize("name", LITERAL)
def test_a_name_is_taken_literally(directory: Path, name: str):
    with pytest.raises(FileNotFoundError):
        read(directory, name)
    (directory / name).parent.mkdir(parents=True, exist_ok=True)
    (directory / name).write_bytes(b"literal")
    assert read(directory, name) == b"literal"


@pytest.mark.parametrize("name", ["weights.bin", "./weights.bin", ".//./weights.bin"])
def test_a_file_of_the_directory_is_opened(directory: Path, name: str):
    assert read(directory, name) == b"weights"


@pytest.mark.parametrize("name", ["sub/part.bin", "./sub//part.bin"])
def test_a_file_of_a_sub_directory_is_opened(directory: Path, name: str):
    assert read(directory, name) == b"part"


def test_the_callers_own_path_may_be_a_link(directory: Path, tmp_path: Path):
    (tmp_path / "alias").symlink_to(directory)
    assert read(tmp_path / "alias", "weights.bin") == b"weights"


def test_a_directory_that_is_renamed_stays_the_one_that_was_opened(directory: Path, tmp_path: Path):
    with ConfinedDirectory(directory) as confined:
        directory.rename(tmp_path / "moved")
        directory.symlink_to(tmp_path)
        with os.fdopen(confined.open("weights.bin"), "rb") as file:
            assert file.read() == b"weights"


@pytest.mark.parametrize("swapped", ["sub", "sub/part.bin"])
def test_what_is_swapped_for_a_link_while_it_is_opened_is_refused(directory: Path, monkeypatch, swapped: str):
    """The check has passed, the open has not begun."""
    outside = directory.parent / "outside"
    outside.mkdir()
    (outside / "part.bin").write_bytes(b"secret")
    original = os.open

    def swap_and_open(path, flags, *arguments, dir_fd=None):
        if path == Path(swapped).name and dir_fd is not None:
            target = outside / Path(swapped).relative_to("sub")
            (directory / swapped).rename(directory / "moved")
            (directory / swapped).symlink_to(target)
        return original(path, flags, *arguments, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swap_and_open)
    with pytest.raises(InvalidArtifactsError, match="was replaced by a link"):
        read(directory, "sub/part.bin")


def test_no_descriptor_is_left_open(directory: Path):
    before = len(os.listdir("/proc/self/fd"))
    for name in TRAVERSALS:
        with pytest.raises((InvalidArtifactsError, FileNotFoundError)):
            read(directory, name)
    assert len(os.listdir("/proc/self/fd")) == before


def test_components_drop_dots_and_empty_ones():
    assert components("./a//./b.bin") == ["a", "b.bin"]


_PROBE = """
import json, os, sys
from tfjsd.errors import InvalidArtifactsError
from tfjsd.model_io.confined_directory import ConfinedDirectory
directory, marker, names = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
"é".encode("utf-8", "surrogatepass").decode()
os.close(os.open(marker, os.O_RDONLY))
for name in names:
    with ConfinedDirectory(directory) as confined:
        try:
            confined.open(name)
        except (InvalidArtifactsError, OSError):
            continue
        print("opened", ascii(name))
"""


def traced_opens(directory: Path, tmp_path: Path, program: str, names: list[str]) -> tuple[str, list[str]]:
    """Standard output of ``program``, and the file names it opened after it had opened the marker."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")
    marker, trace = tmp_path / "marker", tmp_path / "trace"
    marker.touch()
    command = [strace, "-f", "-e", "trace=open,openat,openat2", "-o", str(trace), sys.executable, "-c", program]
    done = subprocess.run([*command, str(directory), str(marker), json.dumps(names)], capture_output=True, text=True)
    if "ptrace" in done.stderr:
        pytest.skip("needs permission to trace")
    assert done.returncode == 0, done.stderr
    opened = [line.split('"')[1] for line in trace.read_text().splitlines() if '"' in line]
    return done.stdout, opened[opened.index(str(marker)) + 1 :]


def test_strace_sees_no_open_outside_the_directory(directory: Path, tmp_path: Path):
    output, opened = traced_opens(directory, tmp_path, _PROBE, TRAVERSALS)
    assert output == ""
    assert opened.count(str(directory)) == len(TRAVERSALS)
    assert {name for name in opened if name != str(directory)} <= {"sub"}  # never "..", a link, a pipe


def test_strace_sees_the_opens_of_a_loader_that_joins_names(directory: Path, tmp_path: Path):
    """The control: the probe above would notice."""
    joining = _PROBE.replace("confined.open(name)", "os.open(os.path.join(directory, name), os.O_RDONLY)")
    output, opened = traced_opens(directory, tmp_path, joining, ["../secret.bin", "/etc/passwd"])
    assert output.count("opened") == 2
    assert "/etc/passwd" in opened
