"""What a simulated browser does beyond a store."""

import asyncio
import json

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

import tfjsd
from tfjsd.errors import DataError, NeverSettlesError, UnknownError
from tfjsd.storage_backends.browsers import GIB, SAFARI
from tfjsd.storage_backends.web_storage.key_order.orders import key_order
from tfjsd.testing import (
    SimulatedClock,
    assert_models_equal,
    assert_quota_exceeded,
    largest_fitting,
    make_artifacts,
    simulate_browser,
)

ENGINES = ("chrome", "firefox", "safari")
LIMIT = 5 << 20
LOCAL = "localstorage://m"
INDEXED = "indexeddb://m"
PARTS = ("info", "model_topology", "weight_specs", "weight_data", "model_metadata")

each_browser = pytest.mark.tfjsd_browsers(*ENGINES)
each_without_quirks = pytest.mark.tfjsd_browsers(*ENGINES, quirks=None)


# -- The protocols -----------------------------------------------------------------------------------------------------


@each_browser
def test_it_is_a_store_and_its_twin_an_asynchronous_one(tfjsd_browser):
    assert isinstance(tfjsd_browser, tfjsd.Store)
    assert isinstance(tfjsd_browser.aio, tfjsd.AsyncStore)


@each_browser
def test_both_twins_see_the_same(tfjsd_browser):
    async def code_under_test(store: tfjsd.AsyncStore) -> list[str]:
        await store.save(LOCAL, make_artifacts())
        await store.local_storage().set_item("k", "v")
        return list(await store.list_models())

    assert asyncio.run(code_under_test(tfjsd_browser.aio)) == [LOCAL]
    assert tfjsd_browser.run(code_under_test) == [LOCAL]
    assert tfjsd_browser.local_storage()["k"] == "v"


def test_key_ranges_speak_as_the_browser_that_was_simulated_last():
    def refused() -> str:
        with pytest.raises(DataError) as caught:
            tfjsd.IDBKeyRange.bound(2, 1)
        return caught.value.message

    chromium = "Failed to execute 'bound' on 'IDBKeyRange': The lower key is greater than the upper key."
    firefox, webkit = "Data provided to an operation does not meet requirements.", "Provided data is inadequate."
    assert refused() == chromium
    with simulate_browser("firefox"):
        assert refused() == firefox
        with simulate_browser("safari"):
            assert refused() == webkit
        assert refused() == firefox
    assert refused() == chromium


# -- Quota of localStorage, to the unit --------------------------------------------------------------------------------


@each_browser
def test_the_largest_model_is_the_measured_one(tfjsd_browser):
    """982,856 units in every engine for the path m; 982,824 in WebKit where the path is not Latin-1 (recorded)."""
    artifacts = largest_fitting(tfjsd_browser, LOCAL)
    assert artifacts.weight_specs[0]["shape"] == [1, 982_856]
    wide = largest_fitting(tfjsd_browser, "localstorage://\u6a21")
    assert wide.weight_specs[0]["shape"] == [1, 982_824 if tfjsd_browser.name == "safari" else 982_856]


@each_browser
@pytest.mark.parametrize("path", ["m", "\u6a21/x"])
def test_what_fits_is_what_can_be_saved(tfjsd_browser_factory, path):
    browser = tfjsd_browser_factory(quota=20_000)
    url = f"localstorage://{path}"
    artifacts = largest_fitting(browser, url)
    units = artifacts.weight_specs[0]["shape"][1]
    too_large = make_artifacts(units=units + 1)
    refused = browser.fits(too_large, url)
    assert (refused.ok, refused.missing > 0, bool(refused)) == (False, True, False)
    with assert_quota_exceeded() as caught:
        browser.save(url, too_large)
    assert caught.error.unit == refused.unit == browser.browser.web_storage.unit
    fit = browser.fits(artifacts, url)
    browser.save(url, artifacts)
    storage = browser.local_storage()
    assert fit.ok
    if fit.left:
        storage["r"] = "x" * (fit.left - 1)
    with assert_quota_exceeded():
        storage["q"] = ""


@each_browser
def test_filling_leaves_exactly_what_was_asked_for(tfjsd_browser):
    storage = tfjsd_browser.local_storage()
    storage["before"] = "1"
    assert tfjsd_browser.fill(leave=7) == 7
    storage["1234567"] = ""
    with assert_quota_exceeded():
        storage[""] = "x"
    assert tfjsd_browser.fill() == 0
    del storage["fill"]
    assert tfjsd_browser.fill(text="wide", key="other", leave=LIMIT // 2) - LIMIT // 2 in (0, 1)


@each_browser
def test_wide_text_takes_two_bytes_in_safari_only(tfjsd_browser):
    assert tfjsd_browser.fill(text="wide") == 0
    length = len(tfjsd_browser.local_storage()["fill"])
    assert length == ((LIMIT - 4) // 2 if tfjsd_browser.name == "safari" else LIMIT - 4)


def test_what_cannot_be_filled_is_said(tfjsd_browser):
    with pytest.raises(ValueError, match="cannot be left"):
        tfjsd_browser.fill(leave=LIMIT)
    with simulate_browser("unlimited") as unlimited, pytest.raises(ValueError, match="no limit"):
        unlimited.fill()


def test_a_browser_of_ones_own(tfjsd_browser_factory):
    embedded = SAFARI.derive("tv", local_storage_quota=1000)
    browser = tfjsd_browser_factory(embedded)
    assert browser.name == "tv"
    with assert_quota_exceeded(unit="byte"):
        browser.local_storage()["k"] = "x" * 1000


# -- Quota of the bucket -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "disk", "quota"),
    [
        ("chrome", 270_553_174_016, 162_331_904_409),
        ("firefox", 270_553_174_016, 10_737_418_240),
        ("safari", 270_553_174_016, 1_048_576_000),
        ("chrome", 300 << 20, 188_743_680),
        ("firefox", 10 * GIB, GIB),
    ],
)
def test_the_disk_alone_decides_the_quota(tfjsd_browser_factory, name, disk, quota):
    browser = tfjsd_browser_factory(name, disk_total=disk)
    assert browser.storage.quota() == quota
    fit = browser.fits(make_artifacts(), INDEXED)
    assert fit.ok
    assert 0 < quota - fit.left < 3000


@each_without_quirks
def test_indexed_db_is_full_to_the_byte(tfjsd_browser_factory):
    browser = tfjsd_browser_factory(quota=100_000)
    artifacts = largest_fitting(browser, INDEXED)
    units = artifacts.weight_specs[0]["shape"][1]
    with assert_quota_exceeded(unit="disk") as caught:
        browser.save(INDEXED, make_artifacts(units=units + 1))
    missing = browser.fits(make_artifacts(units=units + 1), INDEXED).missing
    assert caught.error.needed - caught.error.limit == missing
    assert browser.list_models() == {}
    browser.save(INDEXED, artifacts)
    browser.save(INDEXED, artifacts)
    assert browser.fits(make_artifacts(units=1), INDEXED).ok
    assert_models_equal(browser.load(INDEXED), artifacts)


def test_a_rehearsal_leaves_nothing_behind(tfjsd_browser_factory):
    browser = tfjsd_browser_factory(quota=100_000)
    browser.save(INDEXED, make_artifacts(units=100))
    before = browser.storage.bucket.bytes_used()
    fit = browser.fits(make_artifacts(units=200, seed=1), INDEXED)
    assert (browser.storage.bucket.bytes_used(), list(browser.list_models())) == (before, [INDEXED])
    browser.save(INDEXED, make_artifacts(units=200, seed=1))
    assert 100_000 - browser.storage.usage() == fit.left


def test_firefox_shares_the_quota_among_both_media(tfjsd_browser_factory):
    browser = tfjsd_browser_factory("firefox", indexeddb_quota=20_000)
    browser.save(INDEXED, make_artifacts(weight_bytes=16_000))
    browser.local_storage()["k"] = "x" * 1000
    with assert_quota_exceeded():
        browser.local_storage()["l"] = "x" * 3000
    chrome = tfjsd_browser_factory("chrome", indexeddb_quota=20_000)
    chrome.save(INDEXED, make_artifacts(weight_bytes=16_000))
    chrome.local_storage()["l"] = "x" * 100_000


def test_safari_gives_no_room_back_before_a_restart(tfjsd_browser_factory):
    browser = tfjsd_browser_factory("safari", indexeddb_quota=20_000)
    browser.save(INDEXED, make_artifacts(weight_bytes=16_000))
    browser.remove_model(INDEXED)
    with assert_quota_exceeded():
        browser.save("indexeddb://n", make_artifacts(weight_bytes=16_000))
    browser.restart()
    browser.save("indexeddb://n", make_artifacts(weight_bytes=16_000))

    async def delete(store):
        await store.indexed_db().delete_database("tensorflowjs")

    browser.run(delete)
    browser.save("indexeddb://o", make_artifacts(weight_bytes=16_000))


def test_persisting_and_eviction(tfjsd_browser_factory):
    chrome = tfjsd_browser_factory("chrome")
    chrome.save(INDEXED, make_artifacts())
    chrome.local_storage()["k"] = "v"
    assert not chrome.persist()
    assert chrome.evict()
    assert (chrome.list_models(), dict(chrome.local_storage())) == ({}, {"k": "v"})
    firefox = tfjsd_browser_factory("firefox")
    firefox.local_storage()["k"] = "v"
    quota = firefox.estimate().quota
    assert firefox.persist()
    assert firefox.estimate().quota > quota
    assert not firefox.evict()
    assert firefox.with_origin("https://other.example").evict()
    assert firefox.local_storage()["k"] == "v"


def test_the_least_recently_used_origin_is_evicted_when_the_disk_is_short(tfjsd_browser_factory):
    browser = tfjsd_browser_factory("chrome", disk_total=100_000)
    others = [browser.with_origin(f"https://{number}.example") for number in range(4)]
    for page in others:
        page.save(INDEXED, make_artifacts(weight_bytes=18_000))
        browser.clock.advance(1)
    others[0].load(INDEXED)
    browser.save(INDEXED, make_artifacts(weight_bytes=18_000))
    assert [bool(page.list_models()) for page in others] == [True, False, True, True]


def test_a_private_window_forgets(tfjsd_browser_factory):
    browser = tfjsd_browser_factory("chrome", private=True)
    browser.save(INDEXED, make_artifacts())
    assert browser.storage.quota() < GIB
    browser.restart()
    assert browser.list_models() == {}


# -- Denial and faults -------------------------------------------------------------------------------------------------


@each_browser
def test_denied_storage_raises_a_security_error(tfjsd_browser):
    tfjsd_browser.deny("localstorage")
    for attempt in (
        lambda: tfjsd_browser.local_storage(),
        lambda: tfjsd_browser.session_storage.set_item("k", "v"),
        lambda: tfjsd_browser.save(LOCAL, make_artifacts()),
        lambda: tfjsd_browser.list_models(),
        lambda: tfjsd_browser.copy_model(LOCAL, INDEXED),
    ):
        with pytest.raises(tfjsd.SecurityError):
            attempt()
    tfjsd_browser.save(INDEXED, make_artifacts())
    tfjsd_browser.allow("localstorage")
    assert list(tfjsd_browser.list_models()) == [INDEXED]
    tfjsd_browser.deny("indexeddb")
    with pytest.raises(tfjsd.SecurityError):
        tfjsd_browser.load(INDEXED)


def test_denial_may_come_later(tfjsd_browser):
    storage = tfjsd_browser.local_storage()
    tfjsd_browser.deny("localstorage", after=2)
    storage["a"] = "1"
    assert storage["a"] == "1"
    with pytest.raises(tfjsd.SecurityError, match="Access is denied for this document"):
        storage["a"] = "2"
    with pytest.raises(ValueError, match="cannot deny 'cookies'"):
        tfjsd_browser.deny("cookies")


def test_blocked_downloads_are_silent(tfjsd_browser):
    artifacts = make_artifacts()
    tfjsd_browser.save("downloads://first", artifacts)
    assert list(tfjsd_browser.downloads) == ["first.json", "first.weights.bin"]
    loaded = tfjsd.ModelArtifacts.from_model_json(
        tfjsd_browser.downloads["first.json"], {"./first.weights.bin": tfjsd_browser.downloads["first.weights.bin"]}
    )
    assert_models_equal(loaded, artifacts)
    tfjsd_browser.deny("downloads", after=1)
    tfjsd_browser.save("downloads://second", artifacts)
    assert list(tfjsd_browser.downloads)[2:] == ["second.json"]


@pytest.mark.parametrize("name", ENGINES)
def test_a_file_of_the_same_name_gets_a_number(tfjsd_browser_factory, name):
    browser = tfjsd_browser_factory(name)
    browser.save(LOCAL, make_artifacts())
    for _ in range(2):
        browser.copy_model(LOCAL, "downloads://m")
    assert (
        list(browser.downloads)[2:]
        == {
            "chrome": ["m (1).json", "m.weights (1).bin"],
            "firefox": ["m(1).json", "m.weights(1).bin"],
            "safari": ["m-1.json", "m.weights-1.bin"],
        }[name]
    )


@each_browser
def test_the_nth_write_fails(tfjsd_browser):
    storage = tfjsd_browser.local_storage()
    tfjsd_browser.faults.fail_nth_write(2)
    storage["a"] = "1"
    with assert_quota_exceeded():
        storage["b"] = "1"
    storage["c"] = "1"
    assert set(storage) == {"a", "c"}
    tfjsd_browser.faults.fail_nth_write(error="io", medium="localstorage", times=2)
    for _ in range(2):
        with pytest.raises(UnknownError):
            storage["a"] = "2"
    tfjsd_browser.faults.fail_nth_write(error=OSError("unplugged"))
    tfjsd_browser.faults.clear()
    storage["a"] = "3"


def test_a_model_in_local_storage_is_five_writes(tfjsd_browser_factory):
    browser = tfjsd_browser_factory(quirks=None)
    browser.save(LOCAL, make_artifacts())
    browser.faults.fail_nth_write(5)
    with assert_quota_exceeded():
        browser.save(LOCAL, make_artifacts(seed=1))
    assert_models_equal(browser.load(LOCAL), make_artifacts())
    browser.faults.fail_nth_write(medium="indexeddb")
    with assert_quota_exceeded(unit="disk"):
        browser.save(INDEXED, make_artifacts())
    browser.save(INDEXED, make_artifacts())


# -- The faults of TensorFlow.js ---------------------------------------------------------------------------------------


def test_the_faults_of_tfjs_are_on_by_default(tfjsd_browser_factory):
    browser = tfjsd_browser_factory()
    browser.save(LOCAL, make_artifacts())
    browser.fill()
    with assert_quota_exceeded():
        browser.save(LOCAL, make_artifacts(units=50_000))
    assert browser.list_models() == {}, "the old model is gone"
    browser.save(INDEXED, make_artifacts(units=50_000))
    browser.fill()
    with assert_quota_exceeded():
        browser.move_model(INDEXED, LOCAL)
    assert browser.list_models() == {}, "the model is nowhere"


@pytest.mark.parametrize("name", ENGINES)
def test_a_save_to_a_full_indexed_db(tfjsd_browser_factory, name):
    browser = tfjsd_browser_factory(name, quota=5000)
    artifacts = make_artifacts(units=2000)
    if name == "chrome":
        browser.save(INDEXED, artifacts)
        with pytest.raises(tfjsd.ModelNotFoundError):
            browser.load(INDEXED)
    elif name == "firefox":
        with pytest.raises(NeverSettlesError):
            browser.save(INDEXED, artifacts)
    else:
        with assert_quota_exceeded(unit="disk"):
            browser.save(INDEXED, artifacts)


def test_single_faults(tfjsd_browser_factory):
    browser = tfjsd_browser_factory(quirks=["move-deletes-first"])
    browser.save(LOCAL, make_artifacts())
    browser.fill()
    with assert_quota_exceeded():
        browser.save(LOCAL, make_artifacts(units=50_000))
    assert list(browser.list_models()) == [LOCAL]
    with pytest.raises(ValueError, match="no quirk named 'nonsense'"):
        tfjsd_browser_factory(quirks="nonsense")


# -- Tabs, restarts, crashes -------------------------------------------------------------------------------------------


@each_browser
def test_tabs_share_local_storage_but_not_sessions(tfjsd_browser):
    heard = []
    other = tfjsd_browser.new_tab()
    other.on_storage(heard.append)
    tfjsd_browser.on_storage(lambda event: pytest.fail("a tab hears nothing of itself"))
    tfjsd_browser.local_storage()["k"] = "v"
    tfjsd_browser.session_storage["s"] = "1"
    assert other.local_storage()["k"] == "v"
    assert "s" not in other.session_storage
    assert tfjsd_browser.new_tab(opened_by_page=True).session_storage["s"] == "1"
    event = heard[0]
    assert (event.key, event.old_value, event.new_value) == ("k", None, "v")
    assert event.url == "http://localhost/"
    tfjsd_browser.save(LOCAL, make_artifacts())
    assert [event.key for event in heard[1:]] == [f"tensorflowjs_models/m/{part}" for part in PARTS]
    tfjsd_browser.clear_site_data()
    tfjsd_browser.local_storage()["k"] = "after"
    assert heard[6].new_value == "after"
    other.reload()
    tfjsd_browser.local_storage().clear()
    assert len(heard) == 7


@each_browser
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text("abcxyz\u4e2d", min_size=1, max_size=3), min_size=1, max_size=12), st.integers(0, 11))
def test_each_process_and_each_restart_has_its_order(tfjsd_browser, keys, split):
    tfjsd_browser.clear_site_data()
    storage, order = tfjsd_browser.local_storage(), key_order(tfjsd_browser.browser.web_storage.key_order)
    for key in keys[:split]:
        storage[key] = key
    late = tfjsd_browser.new_tab().local_storage()
    first, by_last_set = list(storage), list(dict.fromkeys(keys[:split]))
    assert list(late) == order.new_process_table(by_last_set).keys()
    assert list(tfjsd_browser.new_tab(opened_by_page=True).local_storage()) == first
    for key in keys[split:]:
        late[key] = key
    assert sorted(late) == sorted(storage) == sorted(set(keys))
    assert [key for key, _ in late.items()] == list(late) == [late.key(index) for index in range(len(late))]
    tfjsd_browser.restart()
    expected = order.new_table()
    for key in order.after_restart(list(dict.fromkeys(keys))):
        expected.add(key)
    assert list(storage) == list(late) == expected.keys()


@each_browser
def test_a_reload_keeps_the_session_and_a_restart_ends_it(tfjsd_browser):
    session, storage = tfjsd_browser.session_storage, tfjsd_browser.local_storage()
    session["s"] = "1"
    storage["k"] = "v"
    tfjsd_browser.reload()
    assert (session["s"], storage["k"]) == ("1", "v")
    tfjsd_browser.restart()
    assert (dict(session), dict(storage)) == ({}, {"k": "v"})


@each_browser
def test_a_restart_orders_and_damages_keys_as_the_engine_does(tfjsd_browser):
    storage = tfjsd_browser.local_storage()
    for key in ("zeta", "alpha", "\u4e2d", "a\ud800"):
        storage[key] = key
    tfjsd_browser.restart()
    expected = {"chrome": "a\ud800", "firefox": "a\ufffd", "safari": "a\ufffd"}[tfjsd_browser.name]
    assert storage[expected] == "a\ud800"
    assert sorted(storage) == sorted(["zeta", "alpha", "\u4e2d", expected])
    fresh = list(storage)
    tfjsd_browser.restart()
    assert list(storage) == fresh


@pytest.mark.parametrize(("name", "window"), [("chrome", 5), ("firefox", 5), ("safari", 0.5)])
def test_a_crash_loses_the_last_seconds_of_local_storage(tfjsd_browser_factory, name, window):
    browser = tfjsd_browser_factory(name)
    storage = browser.local_storage()
    storage["old"] = "1"
    storage["changed"] = "1"
    browser.clock.advance(window)
    storage["changed"] = "2"
    storage["new"] = "1"
    del storage["old"]
    browser.save(INDEXED, make_artifacts())
    browser.crash()
    assert dict(storage) == {"old": "1", "changed": "1"}
    assert list(browser.list_models()) == [INDEXED]
    storage.clear()
    browser.crash()
    assert dict(storage) == {"old": "1", "changed": "1"}
    storage.clear()
    browser.restart()
    browser.crash()
    assert dict(storage) == {}


def test_firefox_frees_what_was_cleared_only_when_its_snapshot_ends(tfjsd_browser_factory):
    """Recorded: full storage, idle 6 s, clear(), setItem of full size: refused; 5.5 s later: accepted."""
    browser = tfjsd_browser_factory("firefox")
    storage = browser.local_storage()
    browser.fill()
    storage["fill"] = storage["fill"][:-1]
    storage.clear()
    browser.fill()
    browser.clock.advance(6)
    storage.clear()
    with assert_quota_exceeded():
        storage["k"] = "x" * (LIMIT - 1)
    storage["s"] = "x"
    browser.clock.advance(5.5)
    storage["k"] = "x" * (LIMIT - 10)
    browser.clock.advance(6)
    storage.remove_item("k")
    storage["k"] = "x" * (LIMIT - 10)


async def _books(store):
    def upgrade(db, tx, old, new):
        db.create_object_store("books", key_path="isbn")

    db = await store.indexed_db().open("shop", 1, upgrade=upgrade)
    async with db.transaction(["books"], "readwrite") as tx:
        await tx.object_store("books").put({"isbn": 1, "title": "x" * 500})
    return db


@each_browser
def test_indexed_db_is_the_browsers(tfjsd_browser_factory):
    browser = tfjsd_browser_factory(indexeddb_quota=2000)

    async def overfill(store):
        with await _books(store) as db:
            with pytest.raises(tfjsd.QuotaExceededError) as caught:
                async with db.transaction(["books"], "readwrite") as tx:
                    await tx.object_store("books").put({"isbn": 2, "title": "x" * 3000})
            return caught.value.message

    assert browser.run(overfill) == browser.browser.bucket.record_message
    browser.deny("indexeddb")
    with pytest.raises(tfjsd.SecurityError):
        browser.run(_books)


@each_browser
def test_a_restart_ends_connections(tfjsd_browser):
    async def work(store):
        db = await _books(store)
        tx = db.transaction(["books"], "readwrite")
        await tx.object_store("books").put({"isbn": 2})
        store.page.crash()
        with pytest.raises(tfjsd.AbortError):
            await tx.done
        with pytest.raises(tfjsd.InvalidStateError):
            db.transaction(["books"])
        with await _books(store) as again:
            return await again.transaction(["books"]).object_store("books").get_all_keys()

    assert tfjsd_browser.run(work) == [1]


def test_a_transaction_is_one_write(tfjsd_browser):
    tfjsd_browser.run(_books)
    tfjsd_browser.faults.fail_nth_write(2, medium="indexeddb")

    async def write(store):
        outcomes = []
        with await store.indexed_db().open("shop") as db:
            for key in range(3):
                try:
                    async with db.transaction(["books"], "readwrite") as tx:
                        await tx.object_store("books").put({"isbn": key})
                        await tx.object_store("books").put({"isbn": key + 10})
                    outcomes.append("complete")
                except tfjsd.QuotaExceededError:
                    outcomes.append("refused")
        return outcomes

    assert tfjsd_browser.run(write) == ["complete", "refused", "complete"]


# -- Taking data away and back -----------------------------------------------------------------------------------------


@each_browser
def test_site_data_is_cleared_for_one_origin(tfjsd_browser):
    other = tfjsd_browser.with_origin("https://other.example")
    for page in (tfjsd_browser, other):
        page.save(LOCAL, make_artifacts())
        page.save(INDEXED, make_artifacts(units=50_000))
        page.session_storage["s"] = "1"
    tfjsd_browser.clear_site_data()
    assert tfjsd_browser.list_models() == {}
    assert dict(tfjsd_browser.session_storage) == {}
    assert tfjsd_browser.estimate().usage == 0
    assert list(other.list_models()) == [LOCAL, INDEXED]
    assert_models_equal(other.load(INDEXED), make_artifacts(units=50_000))
    assert list(tfjsd_browser.origins()) == ["https://other.example"]
    tfjsd_browser.save(INDEXED, make_artifacts())


@each_browser
def test_a_snapshot_brings_everything_back(tfjsd_browser):
    tfjsd_browser.save(LOCAL, make_artifacts())
    tfjsd_browser.save(INDEXED, make_artifacts(units=50_000))
    tfjsd_browser.save("downloads://d", make_artifacts())
    tfjsd_browser.session_storage["s"] = "1"
    tfjsd_browser.with_origin("https://other.example").local_storage()["o"] = "1"
    storage, before = tfjsd_browser.local_storage(), tfjsd_browser.list_models()
    snapshot = tfjsd_browser.snapshot()
    for _ in range(2):
        tfjsd_browser.remove_model(INDEXED)
        storage.clear()
        tfjsd_browser.session_storage.clear()
        tfjsd_browser.downloads.clear()
        tfjsd_browser.restore(snapshot)
        assert tfjsd_browser.list_models() == before
        assert_models_equal(tfjsd_browser.load(INDEXED), make_artifacts(units=50_000))
        assert len(storage) == 5
        assert tfjsd_browser.session_storage["s"] == "1"
        assert list(tfjsd_browser.downloads) == ["d.json", "d.weights.bin"]
    with simulate_browser(tfjsd_browser.name) as another:
        another.restore(snapshot)
        assert another.list_models() == before


# -- Time --------------------------------------------------------------------------------------------------------------


def test_the_clock_is_the_only_time(tfjsd_browser_factory):
    browser = tfjsd_browser_factory(clock="2030-05-01T12:00:00Z")
    info = browser.save(LOCAL, make_artifacts()).model_artifacts_info
    assert info.date_saved.isoformat() == "2030-05-01T12:00:00+00:00"
    browser.clock.advance(hours=1)
    assert browser.save("downloads://m", make_artifacts()).model_artifacts_info.date_saved.hour == 13
    browser.clock.set(0)
    browser.copy_model(LOCAL, INDEXED)
    assert json.loads(browser.list_models()[INDEXED].to_json())["dateSaved"] == "1970-01-01T00:00:00.000Z"


def test_clocks():
    clock = SimulatedClock()
    start = clock.now()
    clock.advance(1.5)
    assert clock.now() == start + 1500
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="time zone"):
        clock.set("2030-05-01T12:00:00")


def test_a_seed_repeats_what_a_test_draws(tfjsd_browser_factory):
    draws = [tfjsd_browser_factory(seed=seed).random.random() for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def longest_beside(storage):
    """The longest value that the key k may have."""
    low, high = 0, 5_242_880
    while low < high:
        middle = (low + high + 1) // 2
        try:
            storage.set_item("k", "x" * middle)
            low = middle
        except tfjsd.QuotaExceededError:
            high = middle - 1
        storage.remove_item("k")
    return low


LOST = [  # (milliseconds between them, items set), what is left and the longest k, as Firefox 153 had it
    (
        0,
        [("\ud800", "abcd"), ("\udc00", "efghij"), ("p\ud800", "klm")],
        {"\ufffd": "abcd", "p\ufffd": "klm"},
        5_242_862,
    ),
    (0, [("\udc00", "efghij"), ("\ud800", "abcd")], {"\ufffd": "abcd"}, 5_242_867),
    (9_000, [("\ud800", "abcd"), ("\udc00", "efghij")], {"\ufffd": "efghij"}, 5_242_867),
    (9_000, [("\udc00", "abcd"), ("\ud800", "efghij")], {"\ufffd": "efghij"}, 5_242_867),
]


@pytest.mark.parametrize(("pause", "items", "left", "longest"), LOST, ids=range(len(LOST)))
def test_firefox_goes_on_counting_what_a_restart_has_merged(tfjsd_browser_factory, pause, items, left, longest):
    browser = tfjsd_browser_factory("firefox")
    storage = browser.local_storage()
    for key, value in items:
        storage.set_item(key, value)
        browser.clock.advance(milliseconds=pause)
    browser.restart()
    assert dict(storage) == left
    assert longest_beside(storage) == longest
    kept = browser.snapshot()
    storage.clear()
    browser.clock.advance(seconds=9)
    browser.restart()
    assert longest_beside(storage) == longest + sum(len(key) + len(value) for key, value in left.items()), "for good"
    assert browser.fill() == 0
    browser.clear_site_data()
    assert longest_beside(storage) == 5_242_879
    browser.restore(kept)
    assert longest_beside(storage) == longest
