"""Colour, bars and progress: for a person at a terminal only."""

import io

import pytest

from tfjsd.commands import progress as progress_module
from tfjsd.commands.output import Output, json_text
from tfjsd.commands.progress import Progress


@pytest.fixture
def plain_environment(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.usefixtures("plain_environment")
def test_colour_is_for_terminals(run):
    assert "\x1b[" in run("list", terminal=True).out
    assert "\x1b[" in run("copy", "x://y", terminal=True).err
    assert "\x1b[" not in run("list").out
    assert "\x1b[" not in run("copy", "x://y").err
    assert "\x1b[" not in run("list", "--json", terminal=True).out


@pytest.mark.usefixtures("plain_environment")
@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colour_can_be_refused(run, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert "\x1b[" not in run("list", terminal=True).out
    assert "\x1b[" not in run("copy", "x://y", terminal=True).err


def test_bars_are_for_terminals(run):
    assert "░" in run("origins", terminal=True).out
    assert "░" not in run("origins").out
    assert "10%" in run("quota", terminal=True).out
    assert "%" not in run("quota").out
    assert "1.0 kB of 10 kB" in run("quota").out


def test_help_fits_the_terminal(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    lines = run("copy", "--help", terminal=True).out.split("Examples")[0].splitlines()
    assert max(map(len, lines)) <= 75


class Screen(io.StringIO):
    def __init__(self, terminal=True):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


class Time:
    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Time()
    monkeypatch.setattr(progress_module, "time", clock)
    return clock


def shown(clock, screen, steps, **options):
    with Progress("reading x\x1b", Output(stderr=screen, stdout=screen, **options)) as progress:
        for moment, done, total in steps:
            clock.now = moment
            progress(done, total)
    return screen.getvalue()


LONG = [(0.1, 10, 100), (0.6, 40, 100), (0.61, 41, 100), (0.8, 60, 100)]


def test_what_is_quick_shows_no_bar(clock):
    assert shown(clock, Screen(), [(0.1, 10, 100), (0.4, 100, 100)]) == ""


def test_what_is_long_shows_a_bar_now_and_then_and_cleans_up(clock):
    text = shown(clock, Screen(), LONG)
    assert "reading x\\x1b  ████████░░░░░░░░░░░░ 40% of 100 B" in text
    assert "41%" not in text
    assert "60%" in text
    assert text.endswith("\r\x1b[K")


def test_an_unknown_total_shows_what_is_done(clock):
    assert "2.0 MB" in shown(clock, Screen(), [(1, 2_000_000, None)])


@pytest.mark.parametrize("options", [{"quiet": True}, {"json": True}, {"terminal": False}])
def test_nobody_else_is_shown_a_bar(clock, options):
    screen = Screen(options.pop("terminal", True))
    assert shown(clock, screen, LONG, **options) == ""


def test_json_is_valid_utf_8_whatever_the_names():
    assert json_text({"模\ud800": '"\udfff'}) == '{"模\\ud800": "\\"\\udfff"}'
