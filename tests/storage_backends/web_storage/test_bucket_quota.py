"""An origin's bucket: the numbers that were measured in each browser, and small ones of one's own."""

import pytest

from tfjsd.errors import QuotaExceededError, SecurityError
from tfjsd.storage_backends.browsers import CHROME, FIREFOX, GIB, MIB, SAFARI, UNLIMITED
from tfjsd.storage_backends.web_storage.bucket_quota import (
    Conditions,
    OriginUse,
    UsageMeter,
    check_growth,
    check_open,
    counted_usage,
    denied_error,
    enforced_quota,
    estimate,
    origins_to_evict,
    persist,
)

MEASURED_DISK = 270_553_174_016
MEASURED = Conditions(MEASURED_DISK)


@pytest.mark.parametrize(
    ("browser", "enforced", "shown"),
    [
        (CHROME, 162_331_904_409, 10_737_418_240),
        (FIREFOX, 10_737_418_240, 10_737_418_240),
        (SAFARI, 1_048_576_000, 1_048_576_000),
        (UNLIMITED, None, None),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_measured_disk(browser, enforced, shown):
    assert enforced_quota(browser, MEASURED) == enforced
    assert estimate(browser, MEASURED, indexed_db=0, local_storage=0).quota == shown


def test_chrome_on_a_small_disk():
    assert enforced_quota(CHROME, Conditions(300 * MIB)) == 188_743_680
    found = estimate(CHROME, Conditions(300 * MIB), indexed_db=1000, local_storage=77)
    assert (found.usage, found.quota, found.enforced) == (1000, GIB + 1000, 188_743_680)
    assert found.usage_details == {"indexedDB": 1000}


def test_firefox_counts_local_storage_and_shares_the_disk():
    found = estimate(FIREFOX, Conditions(GIB), indexed_db=1000, local_storage=77)
    assert (found.usage, found.quota, found.usage_details) == (1077, GIB // 10, {})
    assert counted_usage(CHROME, indexed_db=1000, local_storage=77) == 1000


def test_persisted_in_firefox_is_half_the_disk():
    assert persist(FIREFOX)
    assert enforced_quota(FIREFOX, Conditions(MEASURED_DISK, persisted=True)) == 135_276_587_008
    assert not persist(CHROME)
    assert persist(CHROME, answer=True)
    assert enforced_quota(CHROME, Conditions(MEASURED_DISK, persisted=True)) == 162_331_904_409


def test_private_mode_in_chrome_depends_on_memory():
    private = Conditions(MEASURED_DISK, memory_total=24_684_084 * 1024, private=True)
    assert enforced_quota(CHROME, private) == 1_298_118_761
    assert enforced_quota(SAFARI, private) == 1_048_576_000


@pytest.mark.parametrize(
    ("browser", "message", "decision", "ctor"),
    [
        (CHROME, "", "commit", "QuotaExceededError"),
        (FIREFOX, "The current transaction exceeded its quota limitations.", "request", "DOMException"),
        (SAFARI, "Failed to PutOrAdd in database because not enough space for domain", "request", "DOMException"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_small_quota_to_the_byte(browser, message, decision, ctor):
    small = browser.derive(bucket_quota=1000)
    check_growth(small, MEASURED, usage=600, growth=400)
    check_growth(small, MEASURED, usage=2000, growth=0)
    check_growth(small, MEASURED, usage=2000, growth=-5)
    with pytest.raises(QuotaExceededError) as caught:
        check_growth(small, MEASURED, usage=600, growth=401)
    assert caught.value.as_dom()["message"] == message
    assert caught.value.as_dom()["ctor"] == ctor
    assert (caught.value.limit, caught.value.needed, caught.value.unit) == (1000, 1001, "disk")
    assert small.bucket.decision == decision


def test_only_webkit_opens_no_database_in_a_full_bucket():
    for browser in (CHROME, FIREFOX):
        check_open(browser.derive(bucket_quota=10), MEASURED, usage=10)
    check_open(SAFARI.derive(bucket_quota=10), MEASURED, usage=9)
    with pytest.raises(QuotaExceededError, match=r"^Failed to OpenBackingStore in database"):
        check_open(SAFARI.derive(bucket_quota=10), MEASURED, usage=10)


def test_unlimited_grows_for_ever():
    check_growth(UNLIMITED, Conditions(1), usage=1 << 60, growth=1 << 60)


def test_webkits_usage_never_shrinks_in_a_session():
    meter = UsageMeter(SAFARI)
    assert [meter.count(usage) for usage in (10, 30, 20)] == [10, 30, 30]
    meter.restart()
    assert meter.count(20) == 20
    other = UsageMeter(CHROME)
    assert [other.count(usage) for usage in (10, 30, 20)] == [10, 30, 20]


USES = [
    OriginUse("https://new.example", 300, last_used=30),
    OriginUse("https://old.example", 300, last_used=10),
    OriginUse("https://kept.example", 300, last_used=1, persisted=True),
    OriginUse("https://middle.example", 300, last_used=20),
    OriginUse("https://empty.example", 0, last_used=0),
]


@pytest.mark.parametrize(
    ("disk_total", "evicted"),
    [
        (1500, []),
        (1499, ["https://old.example"]),
        (1124, ["https://old.example", "https://middle.example"]),
        (0, ["https://old.example", "https://middle.example", "https://new.example"]),
    ],
)
def test_least_recently_used_best_effort_origins_go_first(disk_total, evicted):
    assert origins_to_evict(CHROME, disk_total, USES) == evicted


def test_no_pool_no_eviction():
    assert origins_to_evict(UNLIMITED, 0, USES) == []
    assert origins_to_evict(SAFARI, 0, USES) == []


def test_denied_storage_is_a_security_error_in_the_engines_words():
    error = denied_error(CHROME, "localStorage")
    assert isinstance(error, SecurityError)
    assert error.as_dom() == {
        "name": "SecurityError",
        "code": 18,
        "message": "Failed to read the 'localStorage' property from 'Window': Access is denied for this document.",
    }
    assert "'sessionStorage'" in denied_error(CHROME, "sessionStorage").message
    assert denied_error(FIREFOX, "localStorage").message == "The operation is insecure."
    assert denied_error(SAFARI, "indexedDB").message == "The operation is insecure."
    assert "IDBFactory" in denied_error(CHROME, "indexedDB").message
