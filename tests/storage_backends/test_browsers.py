"""Browsers are data, and one of one's own is derived from them."""

import pytest

from tfjsd import open_store
from tfjsd.errors import ConfigurationError
from tfjsd.storage_backends.browsers import BROWSER_NAMES, CHROME, SAFARI, UNLIMITED, browser_named


def test_the_four_browsers_by_name():
    assert BROWSER_NAMES == ("chrome", "firefox", "safari", "unlimited")
    assert [browser_named(name).name for name in BROWSER_NAMES] == list(BROWSER_NAMES)


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(ValueError, match="no browser named 'netscape': there are chrome, firefox, safari, unlimited"):
        browser_named("netscape")


def test_a_derived_browser_differs_in_what_was_asked_for_only():
    small = SAFARI.derive("small", local_storage_quota=100, bucket_quota=5000)
    assert (small.name, small.web_storage.limit, small.bucket.cap) == ("small", 100, 5000)
    assert small.bucket.share is None
    assert (small.engine, small.web_storage.unit) == ("webkit", "byte")
    assert SAFARI.web_storage.limit == 5_242_880


def test_derive_reaches_every_rule():
    other = CHROME.derive(key_order="gecko", decision="request", persist_granted=True)
    assert (other.web_storage.key_order, other.bucket.decision, other.bucket.persist_granted) == (
        "gecko",
        "request",
        True,
    )
    assert other.name == "chrome-derived"


def test_what_cannot_be_derived_is_refused():
    with pytest.raises(TypeError, match="no change named 'quota'"):
        CHROME.derive(quota=1)
    with pytest.raises(ValueError, match="local_storage_quota is negative"):
        CHROME.derive(local_storage_quota=-1)


def test_unlimited_has_no_limit_and_chromes_order():
    assert UNLIMITED.web_storage.limit is None
    assert UNLIMITED.bucket.cap is None
    assert UNLIMITED.bucket.share is None
    assert UNLIMITED.web_storage.key_order == CHROME.web_storage.key_order


def test_an_unknown_name_is_a_mistake_of_configuration():
    with pytest.raises(ConfigurationError, match="there are chrome, firefox, safari, unlimited"):
        open_store(browser="opera")
