"""What a log line looks like, and who gets which kind."""

import io
import json
import logging
import os

import pytest

from tfjsd.daemon import logs


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def logged():
    """Configures the log, logs, and returns what was written."""
    root = logging.getLogger("tfjsd")
    before = (root.handlers[:], root.propagate, root.level)

    def run(stream, work, format_="auto", level="info", environ=None):
        logs.configure(format_, level, stream, environ or {})
        work()
        return stream.getvalue()

    yield run
    root.handlers[:], root.propagate, root.level = before


def test_a_machine_reads_one_object_per_line(logged):
    text = logged(io.StringIO(), lambda: logs.LOGGER.info("ready\n", extra={"home": "/h", "path": b"x"}))
    line = json.loads(text)
    assert line.pop("time").endswith("Z")
    assert line == {"level": "info", "message": "ready\n", "home": "/h", "path": "b'x'"}
    assert text.count("\n") == 1


def test_an_exception_is_in_the_object(logged):
    def fail():
        try:
            raise ValueError("why")
        except ValueError:
            logs.LOGGER.exception("failed")

    assert "ValueError: why" in json.loads(logged(io.StringIO(), fail))["exception"]


def test_a_person_reads_colours_on_a_terminal(logged):
    text = logged(Terminal(), lambda: logs.LOGGER.error("broken", extra={"n": 1}))
    assert text.startswith("\x1b[31m")
    assert "broken  n=1" in text
    assert "\x1b" not in logged(Terminal(), lambda: logs.LOGGER.error("x"), environ={"NO_COLOR": "1"})
    assert "\x1b" not in logged(io.StringIO(), lambda: logs.LOGGER.error("x"), format_="text")


def test_levels_are_kept(logged):
    assert logged(io.StringIO(), lambda: logs.LOGGER.info("x"), level="warning") == ""


def test_the_journal_is_known_by_its_inode(tmp_path):
    with (tmp_path / "stream").open("w") as stream:
        status = os.fstat(stream.fileno())
        assert logs.under_journald(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        assert not logs.under_journald(stream, {"JOURNAL_STREAM": "1:2"})
        assert not logs.under_journald(stream, {})
    assert not logs.under_journald(io.StringIO(), {"JOURNAL_STREAM": "1:2"})
