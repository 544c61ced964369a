"""``fits`` says what a save then does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tfjsd
from tfjsd.errors import NeverSettlesError
from tfjsd.testing import SAFARI, largest_fitting, make_artifacts, simulate_browser

BROWSERS = ["chrome", "firefox", "safari"]
PATHS = st.sampled_from(["m", "m2", "\u6a21"])
STEPS = st.one_of(
    st.tuples(st.just("save"), st.sampled_from(["localstorage", "indexeddb"]), PATHS, st.integers(0, 3000)),
    st.tuples(st.just("remove"), st.sampled_from(["localstorage", "indexeddb"]), PATHS),
    st.tuples(st.just("fill"), st.integers(0, 1500)),
    st.tuples(st.just("clear")),
    st.tuples(st.just("wait"), st.sampled_from([1, 6])),
)


def saves(browser, artifacts, url) -> bool:
    """In Chrome a save that does not fit resolves."""
    try:
        browser.save(url, artifacts)
        return browser.load(url) == artifacts
    except (tfjsd.QuotaExceededError, NeverSettlesError, tfjsd.ModelNotFoundError):
        return False


def do(browser, step) -> None:
    match step:
        case ("save", medium, path, size):
            artifacts, url = make_artifacts(weight_bytes=size, seed=size), f"{medium}://{path}"
            fit = browser.fits(artifacts, url)
            state = (fit, browser.browser.name, url)
            assert saves(browser, artifacts, url) == fit.ok, state
            if fit.ok and medium == "indexeddb":
                assert fit.left == max(browser.storage.quota() - browser.storage.usage(), 0)
        case ("remove", medium, path):
            if f"{medium}://{path}" in browser.list_models():
                browser.remove_model(f"{medium}://{path}")
        case ("fill", leave):
            try:
                browser.fill(leave)
            except (ValueError, tfjsd.QuotaExceededError):  # in Firefox the bucket may be full
                return
        case ("clear",):
            browser.local_storage().clear()
        case ("wait", seconds):
            browser.clock.advance(seconds)


@pytest.mark.parametrize("quirks", ["tfjs-4.22", None])
@pytest.mark.parametrize("name", BROWSERS)
@settings(max_examples=25, deadline=None)
@given(quota=st.integers(2000, 8000), steps=st.lists(STEPS, max_size=14))
def test_what_fits_is_what_a_save_does(name, quirks, quota, steps):
    with simulate_browser(name, quota=quota, quirks=quirks) as browser:
        for step in steps:
            do(browser, step)


@pytest.mark.parametrize("name", BROWSERS)
def test_after_a_failed_save_that_left_an_orphan_info(name):
    with simulate_browser(name, quota=3000) as browser:
        assert not saves(browser, make_artifacts(weight_bytes=5000), "indexeddb://m")
        assert browser.fits(make_artifacts(), "indexeddb://m").ok
        assert saves(browser, make_artifacts(), "indexeddb://m")


@pytest.mark.parametrize("medium", ["localstorage", "indexeddb"])
@pytest.mark.parametrize("name", BROWSERS)
def test_asking_leaves_no_trace(name, medium):
    url = f"{medium}://m"
    with simulate_browser(name, quota=4000) as browser:
        browser.save(url, make_artifacts())
        browser.local_storage()["k"] = "v"
        before = browser.list_models(), browser.local_storage().items(), browser.faults.writes.copy()
        state, usage = browser.snapshot(), browser.storage.usage()
        for size in (100, 1000, 5000):
            browser.fits(make_artifacts(weight_bytes=size), url)
        assert browser.list_models() == before[0]
        assert list(browser.local_storage().items()) == list(before[1])
        assert browser.faults.writes == before[2]
        assert browser.storage.usage() == usage
        assert browser.snapshot().data == state.data
        assert browser.load(url) == make_artifacts()


@pytest.mark.parametrize("name", BROWSERS)
def test_what_is_missing_suffices(name):
    with simulate_browser(name, indexeddb_quota=5000) as browser:
        fit = browser.fits(make_artifacts(weight_bytes=9000), "indexeddb://m")
    assert not fit.ok
    for spare, fits in ((0, True), (-1, False)):
        with simulate_browser(name, indexeddb_quota=5000 + fit.missing + spare) as browser:
            assert saves(browser, make_artifacts(weight_bytes=9000), "indexeddb://m") is fits


async def test_a_live_transaction_holds_nothing_up():
    with simulate_browser() as browser:
        browser.save("indexeddb://m", make_artifacts())
        with await browser.aio.indexed_db().open("tensorflowjs") as db:
            db.transaction(["models_store"], "readwrite")
            assert browser.fits(make_artifacts(), "indexeddb://m").ok


def test_in_safari_only_what_was_held_counts():
    """Room that was given back goes on counting until a restart, once."""
    with simulate_browser("safari", quota=20_000) as browser:
        browser.save("indexeddb://m", make_artifacts(weight_bytes=6000))
        browser.remove_model("indexeddb://m")
        left = browser.fits(make_artifacts(weight_bytes=100), "indexeddb://m")
        assert left.ok
        assert saves(browser, make_artifacts(weight_bytes=6000), "indexeddb://m")


def test_a_fit_is_a_named_tuple_that_is_true_where_it_fits():
    with simulate_browser("safari", quota=5000) as browser:
        ok, left, missing, unit = fit = browser.fits(make_artifacts(weight_bytes=9000), "indexeddb://m")
    assert (ok, left, missing > 0, unit, bool(fit)) == (False, 0, True, "disk", False)
    assert fit._fields == ("ok", "left", "missing", "unit")


def test_the_largest_model_of_an_empty_browser():
    tv = SAFARI.derive("tv", local_storage_quota=5000)
    with simulate_browser(tv) as browser:
        artifacts = largest_fitting(browser, "localstorage://m")
    assert largest_fitting(tv, "localstorage://m") == artifacts
    with pytest.raises(ValueError, match="no browser named 'opera'"):
        largest_fitting("opera", "localstorage://m")


async def test_an_async_with_closes_the_browser():
    async with simulate_browser().aio as store:
        assert isinstance(store, tfjsd.AsyncStore)
        await store.save("indexeddb://m", make_artifacts())
    with pytest.raises(tfjsd.errors.StoreClosedError):
        store.page.list_models()
