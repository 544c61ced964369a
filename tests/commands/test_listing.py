"""Filters, orders and templates of ``tfjsd list``."""

from datetime import UTC, datetime, timedelta

import pytest

from tfjsd.commands import listing
from tfjsd.commands.arguments import UsageError
from tfjsd.model_io.types import ModelArtifactsInfo

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def row(url, weights=0, age=timedelta(), origin="http://localhost"):
    return listing.Row(origin, url, ModelArtifactsInfo(NOW - age, "JSON", 100, 20, weights))


ROWS = [
    row("localstorage://small", 10, timedelta(days=3)),
    row("indexeddb://mnist/v1", 4_000_000, timedelta(minutes=5)),
    row("indexeddb://mnist/v2", 900_000, timedelta(hours=30)),
]


def urls(rows):
    return [r.url for r in rows]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (None, [0, 1, 2]),
        ("mnist", [1, 2]),
        ("indexeddb://*", [1, 2]),
        ("*v2", [2]),
        ("small", [0]),
        ("s*", [0]),
        ("x*", []),
    ],
)
def test_a_pattern_matches_urls_and_names(pattern, found):
    assert listing.matching(ROWS, pattern) == [ROWS[i] for i in found]


def test_a_name_with_brackets_is_found_verbatim():
    odd = row("indexeddb://a[1]")
    assert listing.matching([odd], "indexeddb://a[1]") == [odd]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("size>1MB", [1]),
        ("size >= 900120", [1, 2]),
        ("weights=10", [0]),
        ("weights!=10", [1, 2]),
        ("size<1MiB", [0, 2]),
        ("size<1.5kB", [0]),
        ("age<2d", [1, 2]),
        ("age>=3 days", [0]),
        ("age<99999999999999999w", [0, 1, 2]),
        ("saved>2026-11-20T00:00:00Z", [1]),
        ("medium=indexeddb", [1, 2]),
        ("path=mnist*", [1, 2]),
        ("path!=mnist*", [0]),
        ("type=JSON", [0, 1, 2]),
        ("topology==100", [0, 1, 2]),
    ],
)
def test_filters(expression, found):
    test = listing.parse_filter(expression, NOW)
    assert [r for r in ROWS if test(r)] == [ROWS[i] for i in found]


@pytest.mark.parametrize(
    "expression",
    [
        *("", "size", "size~1", "colour=red", "size>big", "size>1XB", "age<soon", "saved>now", "url>a", "size>"),
        *("size>٣", f"size>{'9' * 400}", f"age<{'9' * 400}d", "saved>0001-01-01T00:00+12:00"),
    ],
)
def test_a_wrong_filter_is_a_usage_error(expression):
    with pytest.raises(UsageError):
        listing.parse_filter(expression, NOW)


@pytest.mark.parametrize(
    ("order", "found"),
    [(None, [0, 1, 2]), ("size", [0, 2, 1]), ("size:desc", [1, 2, 0]), ("saved", [0, 2, 1]), ("url:desc", [0, 2, 1])],
)
def test_orders(order, found):
    assert listing.sort_rows(list(ROWS), order) == [ROWS[i] for i in found]


@pytest.mark.parametrize("order", ["name", "size:down", ""])
def test_a_wrong_order_is_a_usage_error(order):
    with pytest.raises(UsageError, match="--sort"):
        listing.sort_rows([], order)


def test_the_table():
    lines = listing.table_lines(ROWS, NOW, origins=False, fit=None, short=True)
    assert lines == [
        "URL                    TOPOLOGY   WEIGHTS   SAVED",
        "localstorage://small      100 B      10 B   3 days ago",
        "indexeddb://mnist/v1      100 B    4.0 MB   5 minutes ago",
        "indexeddb://mnist/v2      100 B    900 kB   30 hours ago",
    ]
    assert listing.total_line(ROWS, 3) == "3 models, 4.9 MB"
    assert listing.total_line(ROWS[:1], 3) == "1 of 3 models, 130 B"


def test_a_size_is_in_words_or_as_a_number():
    template = r"{path}\t{weights}\t{weights:d}\t{size:>8}|{saved}|{age}"
    assert listing.template_lines(template, ROWS[1:2], NOW) == [
        "mnist/v1\t4.0 MB\t4000000\t  4.0 MB|2026-11-20T11:55:00.000Z|5 minutes ago"
    ]
    assert listing.template_lines("{weights} {size}", ROWS[:1], NOW) == ["10 B 130 B"]


@pytest.mark.parametrize(
    "template", ["table2", "{nothing}", "{}", "{0}", "{url.__class__}", "{url[0]}", "{url!r}", "{url:d}", "{"]
)
def test_a_wrong_template_is_a_usage_error(template):
    with pytest.raises(UsageError, match="--format"):
        listing.template_lines(template, ROWS, NOW)


def test_missing_sizes_count_as_nothing():
    bare = listing.Row("o", "indexeddb://x", ModelArtifactsInfo(NOW, "JSON", None, None, None))
    assert bare.size == 0


def test_an_info_that_another_program_left_incomplete_is_listed():
    foreign = listing.Row("o", "indexeddb://x", ModelArtifactsInfo.from_json("{}"))
    [_, line] = listing.table_lines([foreign], NOW, origins=False, fit=None, short=True)
    assert line.split() == ["indexeddb://x", "0", "B", "0", "B", "unknown"]
    assert listing.template_lines("{type}{size:d}", [foreign], NOW) == ["0"]
    assert not listing.parse_filter("age<2d", NOW)(foreign)
    assert listing.sort_rows([ROWS[0], foreign], "saved") == [foreign, ROWS[0]]
