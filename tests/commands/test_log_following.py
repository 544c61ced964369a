"""``tfjsd logs --follow``: what is written is printed once, whatever becomes of the file."""

from pathlib import Path

import pytest

from tfjsd.commands import logs


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "daemon.log"
    path.write_text("one\n")
    return path


def test_a_line_is_printed_when_it_is_whole(log: Path) -> None:
    lines = logs._following(log, logs._opened(log))
    assert next(lines) == "one\n"
    with log.open("a") as file:
        file.write("two\nhal")
        file.flush()
        assert next(lines) == "two\n"
        file.write("f\n")
    assert next(lines) == "half\n"
    lines.close()


def test_a_log_that_was_set_aside_is_read_to_its_end_and_then_the_new_one(log: Path) -> None:
    lines = logs._following(log, logs._opened(log))
    assert next(lines) == "one\n"
    aside = log.rename(log.with_suffix(".log.1"))
    with aside.open("a") as file:
        file.write("last\n")
    log.write_text("new\n")
    assert [next(lines), next(lines)] == ["last\n", "new\n"]
    with log.open("a") as file:
        file.write("newer\n")
    assert next(lines) == "newer\n"
    lines.close()


def test_a_log_that_was_cut_is_read_from_its_start(log: Path) -> None:
    lines = logs._following(log, logs._opened(log))
    assert next(lines) == "one\n"
    log.write_text("x\n")
    assert next(lines) == "x\n"
    lines.close()
