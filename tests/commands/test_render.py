"""Sizes, ages, tables and bars as people read them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfjsd.commands import render

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (4_100_000, "4.1 MB"),
        (9_949, "9.9 kB"),
        (9_950, "10 kB"),
        (99_400, "99 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (15_000_000_000, "15 GB"),
        (10**30, "1000000000000 EB"),
    ],
)
def test_sizes_are_decimal_with_two_significant_digits(count, text):
    assert render.size(count) == text


@given(st.integers(0, 10**20))
def test_a_shown_size_is_within_its_rounding(count):
    number, unit = render.size(count).split(" ")
    shown = float(number) * 1000 ** ("B", "kB", "MB", "GB", "TB", "PB", "EB").index(unit)
    assert abs(shown - count) <= max(0.051 * count, 0.5)
    assert len(number) <= 3


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (180, "3 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (7200, "2 hours"),
        (86400, "24 hours"),
        (172800, "2 days"),
        (1209600, "2 weeks"),
        (5184000, "2 months"),
        (63072000, "2 years"),
    ],
)
def test_spans_have_dockers_words(seconds, text):
    assert render.duration(seconds) == text


def test_an_age_says_ago_and_a_time_to_come_is_a_date():
    assert render.age(NOW - timedelta(minutes=3), NOW) == "3 minutes ago"
    assert render.age(NOW + timedelta(seconds=2), NOW) == "Less than a second ago"
    assert render.age(NOW + timedelta(days=1), NOW) == "2026-11-21 12:00"


def test_names_cannot_drive_the_terminal():
    assert render.printable("a\x1b[31mb\nc\x9b\u202e\ud800") == "a\\x1b[31mb\\x0ac\\x9b\\u202e\\ud800"
    assert render.printable("模型 ü") == "模型 ü"


def test_columns_count_as_a_terminal_counts_them():
    assert render.width("abc") == 3
    assert render.width("模型") == 4
    assert render.width("e\u0301") == 1


@given(st.text(), st.integers(3, 40))
def test_a_shortened_text_fits(text, columns):
    shown = render.shortened(text, columns)
    assert render.width(shown) <= columns
    if render.width(text) <= columns:
        assert shown == text


def test_a_table_has_no_borders_and_aligns():
    columns = [render.Column("URL"), render.Column("SIZE", right=True)]
    assert render.table(columns, [["indexeddb://a", "4.1 MB"], ["b", "12 B"]]) == [
        "URL               SIZE",
        "indexeddb://a   4.1 MB",
        "b                 12 B",
    ]


def test_only_flexible_columns_are_shortened():
    columns = [render.Column("URL", flexible=True), render.Column("SIZE")]
    lines = render.table(columns, [["indexeddb://" + "x" * 80, "4.1 MB"]], fit=40)
    assert max(render.width(line) for line in lines) == 40
    assert lines[1].startswith("indexeddb://")
    assert "…" in lines[1]
    assert lines[1].endswith("4.1 MB")


def test_a_bar_is_empty_only_at_nothing_and_full_only_at_all():
    assert render.bar(0, 4) == "░░░░"
    assert render.bar(0.0001, 4) == "▏░░░"
    assert render.bar(0.5, 4) == "██░░"
    assert render.bar(0.999, 4) == "███▉"
    assert render.bar(1, 4) == "████"
    assert render.bar(7, 4) == "████"
    assert [render.percent(f) for f in (0, 0.001, 0.5, 0.999, 1)] == ["0%", "<1%", "50%", "99%", "100%"]
