"""Keys with lone surrogates after a restart, as measured in each engine."""

import pytest

from tfjsd.storage_backends.browsers import CHROME, FIREFOX, SAFARI
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.web_storage.restart_damage import damage, key_after_restart
from tfjsd.storage_backends.web_storage.storage_area import StorageArea

MEASURED = [
    ("\ud800", "\ufffd", "\ufffd"),
    ("\udc00", "\ufffd", "\ufffd"),
    ("a\ud83dz", "a\U0001f47a", "a\ufffdz"),
    ("\udc00\ud800", "\U00010000", "\ufffd\ufffd"),
    ("\U0001f600", "\U0001f600", "\U0001f600"),
    ("plain \xff \u4e2d", "plain \xff \u4e2d", "plain \xff \u4e2d"),
]


@pytest.mark.parametrize(("key", "firefox", "safari"), MEASURED, ids=lambda value: ascii(value))
def test_each_engine_keeps_or_damages_the_key(key, firefox, safari):
    assert key_after_restart(CHROME, key) == key
    assert key_after_restart(FIREFOX, key) == firefox
    assert key_after_restart(SAFARI, key) == safari


def test_keys_that_collide_merge_and_the_last_one_wins():
    items = [("\ufffd", "first"), ("\ud800", "second"), ("other", "o"), ("\udc00", "third")]
    with Home(None, engines=memory_engine) as home:
        for browser, expected in [
            (CHROME, dict(items)),
            (FIREFOX, {"\ufffd": "third", "other": "o"}),
            (SAFARI, {"\ufffd": "third", "other": "o"}),
        ]:
            area = StorageArea(home.bucket(browser.name), browser)
            for key, value in items:
                area.set_item(key, value).result(5)
            area.submit(damage(browser, items)).result(5)
            assert dict(area.items()) == expected


def test_no_damage_without_lone_surrogates():
    assert damage(FIREFOX, [("a", "\ud800"), ("\U0001f600", "v")]) == []
