"""Quota arithmetic: how strings count, and each engine's answer at, above and far above its limit."""

import pytest

from tfjsd.storage_backends.browsers import CHROME, FIREFOX, SAFARI, UNLIMITED
from tfjsd.storage_backends.web_storage.quota import is_refused, quota_error, size_in
from tfjsd.storage_backends.web_storage.text import normalize

LIMIT = 5_242_880
LIMITED = [CHROME, FIREFOX, SAFARI]


def refused(browser, *, total, before, peak=None, item=0):
    return is_refused(browser.web_storage, total=total, before=before, peak=before if peak is None else peak, item=item)


@pytest.mark.parametrize("browser", LIMITED, ids=lambda browser: browser.name)
def test_the_limit_itself_fits_and_one_more_does_not(browser):
    assert browser.web_storage.limit == LIMIT
    assert not refused(browser, total=LIMIT, before=0, item=LIMIT)
    assert refused(browser, total=LIMIT + 1, before=0, item=LIMIT + 1)
    assert refused(browser, total=LIMIT + 1, before=LIMIT, item=1)


# Measured with 6,000,012 units stored as two items of 3,000,000: (total, item) and who refuses.
OVER = 6_000_012
ABOVE = [
    ("new key, empty value", OVER + 1, 1, {"chrome", "firefox", "safari"}),
    ("setItem('', '')", OVER, 0, {"safari"}),
    ("overwrite, equal length", OVER, 3_000_000, {"safari"}),
    ("overwrite shorter, still over", OVER - 10, 3_000_000, {"safari"}),
    ("one item of 5,999,990 in place of 6,000,000", OVER - 10, 5_999_990, {"chrome", "safari"}),
    ("shrink below the limit", LIMIT, 2_242_868, set()),
]


@pytest.mark.parametrize(("title", "total", "item", "refusing"), ABOVE, ids=[row[0] for row in ABOVE])
def test_already_above_the_limit(title, total, item, refusing):
    found = {browser.name for browser in LIMITED if refused(browser, total=total, before=OVER, item=item)}
    assert found == refusing


def test_only_firefox_grants_room_again_that_was_freed_in_the_task():
    again = {
        browser.name
        for browser in LIMITED
        if not refused(browser, total=OVER - 5, before=OVER - 10, peak=OVER, item=3_000_000)
    }
    assert again == {"firefox"}


def test_unlimited_refuses_nothing():
    assert not refused(UNLIMITED, total=1 << 60, before=0, item=1 << 60)


@pytest.mark.parametrize(
    ("text", "units", "bytes_"),
    [
        ("", 0, 0),
        ("a\0", 2, 2),
        ("\xff" * 3, 3, 3),
        ("\u0100", 1, 2),
        ("ab\u4e2d", 3, 6),
        ("\U0001f600", 2, 4),
        ("\ud800", 1, 2),
        ("\ud83d\ude00", 2, 4),
    ],
)
def test_strings_count_code_units_and_in_safari_bytes(text, units, bytes_):
    _, encoded = normalize(text)
    counted = [size_in(b.web_storage, encoded.width, encoded.units) for b in LIMITED]
    assert counted == [units, units, bytes_]


def test_surrogate_halves_are_joined_and_lone_ones_kept():
    assert normalize("\ud83d\ude00")[0] == "\U0001f600"
    assert normalize("\ude00\ud83d")[0] == "\ude00\ud83d"


@pytest.mark.parametrize(
    ("browser", "named_property", "shown"),
    [
        (
            CHROME,
            False,
            {
                "name": "QuotaExceededError",
                "code": 22,
                "message": "Failed to execute 'setItem' on 'Storage': Setting the value of 'a{b}' exceeded the quota.",
                "ctor": "QuotaExceededError",
                "quota": None,
                "requested": None,
            },
        ),
        (
            CHROME,
            True,
            {
                "name": "QuotaExceededError",
                "code": 22,
                "message": "Failed to set a named property 'a{b}' on 'Storage': "
                "Setting the value of 'a{b}' exceeded the quota.",
                "ctor": "QuotaExceededError",
                "quota": None,
                "requested": None,
            },
        ),
        *(
            (
                browser,
                named,
                {
                    "name": "QuotaExceededError",
                    "code": 22,
                    "message": "The quota has been exceeded.",
                    "ctor": "DOMException",
                },
            )
            for browser in (FIREFOX, SAFARI)
            for named in (False, True)
        ),
    ],
)
def test_the_error_is_the_engines_own(browser, named_property, shown):
    error = quota_error(browser.web_storage, "a{b}", LIMIT + 1, named_property=named_property)
    assert error.as_dom() == shown
    assert (error.limit, error.needed, error.unit) == (LIMIT, LIMIT + 1, browser.web_storage.unit)


@pytest.mark.parametrize(
    ("key", "is_index"),
    [
        ("0", True),
        ("11", True),
        ("4294967294", True),
        ("4294967295", False),
        ("01", False),
        ("-1", False),
        ("1.0", False),
        ("\u0661", False),
    ],
)
def test_an_array_index_is_an_indexed_property_in_chrome_only(key, is_index):
    message = quota_error(CHROME.web_storage, key, 1, named_property=True).message
    assert message.startswith("Failed to set an indexed property [" if is_index else "Failed to set a named property '")
    assert quota_error(CHROME.web_storage, key, 1, named_property=False).message.startswith(
        "Failed to execute 'setItem'"
    )
    assert quota_error(SAFARI.web_storage, key, 1, named_property=True).message == "The quota has been exceeded."


def test_chrome_leaves_an_empty_name_out():
    assert quota_error(CHROME.web_storage, "", 1, named_property=True).message == (
        "Failed to set a named property on 'Storage': Setting the value of '' exceeded the quota."
    )
    assert quota_error(CHROME.web_storage, "", 1, named_property=False).message == (
        "Failed to execute 'setItem' on 'Storage': Setting the value of '' exceeded the quota."
    )
