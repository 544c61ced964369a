"""A real page in Chromium fails as it would in Safari or Firefox."""

import pytest

from tfjsd.testing import assert_quota_exceeded, make_artifacts
from tfjsd.testing.playwright import emulate, init_script

LIMIT = 5 << 20

SET_ITEM = """([key, character, length]) => {
    try { localStorage.setItem(key, character.repeat(length)); return null; }
    catch (e) { return {name: e.name, code: e.code, message: e.message, class: e.constructor.name,
                        global: typeof QuotaExceededError, quota: e.quota}; }
}"""

SAVE_DENSE = """async (units) => {
    const model = tf.sequential({name: "s"});
    model.add(tf.layers.dense({units, inputShape: [1], useBias: false, kernelInitializer: "zeros", name: "d"}));
    try { const result = await model.save("localstorage://\\u6a21"); return result.modelArtifactsInfo.weightDataBytes; }
    catch (e) { return e.message; }
    finally { model.dispose(); }
}"""


def test_a_models_save_fails_with_safaris_limit(real_context, real_page, site):
    """982,824 units fit in WebKit under a name that is not Latin-1, 982,856 in Chromium (recorded)."""
    emulate(real_context, "safari")
    real_page.goto(f"{site}/tfjs")
    assert real_page.evaluate(SAVE_DENSE, 982_824) == 3_931_296
    assert real_page.evaluate(SAVE_DENSE, 982_825) == (
        "Failed to save model '\u6a21' to local storage: size quota being exceeded is a possible cause of this failure: "
        "modelTopologyBytes=523, weightSpecsBytes=58, weightDataBytes=3931300."
    )
    assert real_page.evaluate("localStorage.length") == 0, "tfjs removes what it has written"
    real_page.context.new_page().goto(f"{site}/tfjs")


def test_without_emulation_it_fits(real_page, site):
    real_page.goto(f"{site}/tfjs")
    assert real_page.evaluate(SAVE_DENSE, 982_825) == 3_931_300


@pytest.mark.parametrize(
    ("browser", "character", "fitting", "thrown"),
    [
        ("safari", "\u4e2d", 2_621_439, ("The quota has been exceeded.", "DOMException", "undefined")),
        ("safari", "\u00ff", LIMIT - 1, ("The quota has been exceeded.", "DOMException", "undefined")),
        ("firefox", "\u4e2d", LIMIT - 1, ("The quota has been exceeded.", "DOMException", "undefined")),
        (
            "chrome",
            "x",
            LIMIT - 1,
            (
                "Failed to execute 'setItem' on 'Storage': Setting the value of 'k' exceeded the quota.",
                "QuotaExceededError",
                "function",
            ),
        ),
    ],
)
def test_the_limit_and_the_error_are_the_engines(real_page, site, browser, character, fitting, thrown):
    emulate(real_page, browser)
    real_page.goto(site)
    assert real_page.evaluate(SET_ITEM, ["k", character, fitting]) is None
    error = real_page.evaluate(SET_ITEM, ["k", character, fitting + 1])
    assert (error["message"], error["class"], error["global"]) == thrown
    assert (error["name"], error["code"]) == ("QuotaExceededError", 22)
    assert real_page.evaluate("localStorage.getItem('k').length") == fitting, "the old value is kept"


def test_a_smaller_quota_and_a_failing_write(real_context, site):
    emulate(real_context, "chrome", local_storage_quota=10, fail_nth_write=3)
    page = real_context.new_page()
    page.goto(site)
    assert page.evaluate(SET_ITEM, ["k", "x", 9]) is None
    assert page.evaluate(SET_ITEM, ["k", "x", 10])["name"] == "QuotaExceededError"
    assert page.evaluate(SET_ITEM, ["k", "x", 1])["name"] == "QuotaExceededError"
    assert page.evaluate(SET_ITEM, ["k", "x", 1]) is None
    with assert_quota_exceeded():
        page.evaluate("localStorage.setItem('k', 'x'.repeat(10))")


PUT = """async (bytes) => {
    const db = await new Promise((resolve, reject) => {
        const open = indexedDB.open("d", 1);
        open.onupgradeneeded = () => open.result.createObjectStore("s");
        open.onsuccess = () => resolve(open.result);
        open.onerror = () => reject(open.error);
    });
    const data = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i += 65536) crypto.getRandomValues(data.subarray(i, i + 65536));
    const tx = db.transaction("s", "readwrite");
    tx.objectStore("s").put(data, "k");
    const outcome = await new Promise((resolve) => {
        tx.oncomplete = () => resolve("complete");
        tx.onabort = () => resolve(tx.error.name);
    });
    db.close();
    return outcome;
}"""


@pytest.mark.parametrize("on_context", [True, False])
def test_indexed_db_meets_its_quota(real_context, real_page, site, on_context):
    emulate(real_context if on_context else real_page, "safari", indexeddb_quota=1 << 20)
    real_page.goto(site)
    assert real_page.evaluate(PUT, 100_000) == "complete"
    assert real_page.evaluate(PUT, 2 << 20) == "QuotaExceededError"
    real_page.reload()
    assert real_page.evaluate(PUT, 2 << 20) == "QuotaExceededError"


def test_denied_storage(real_page, site):
    emulate(real_page, "safari", deny=("localstorage", "indexeddb"))
    real_page.goto(f"{site}/tfjs")
    probe = "(use) => { try { eval(use); } catch (e) { return [e.name, e.code, e.message]; } }"
    for use in ("localStorage", "window.localStorage.length", "sessionStorage", "indexedDB.open('d')"):
        assert real_page.evaluate(probe, use) == ["SecurityError", 18, "The operation is insecure."]
    assert "The operation is insecure." in real_page.evaluate(SAVE_DENSE, 1)


def test_denied_downloads(real_context, site):
    page = real_context.new_page()
    save = SAVE_DENSE.replace("localstorage://\\u6a21", "downloads://m")
    page.goto(f"{site}/tfjs")
    with page.expect_download() as download:
        page.evaluate(save, 1)
    assert download.value.suggested_filename == "m.json"
    seen = []
    blocked = real_context.new_page()
    blocked.on("download", lambda download: seen.append(download))
    emulate(blocked, "chrome", deny=("downloads",))
    blocked.goto(f"{site}/tfjs")
    assert blocked.evaluate(save, 1) == 4
    blocked.wait_for_timeout(100)
    assert seen == []


def test_wrong_arguments_are_said():
    with pytest.raises(ValueError, match="no browser named 'lynx'"):
        init_script("lynx")
    with pytest.raises(ValueError, match="cannot deny cookies: there are localstorage, indexeddb, downloads"):
        init_script(deny=("cookies",))


def test_a_simulated_browser_agrees(tfjsd_browser_factory):
    simulated = tfjsd_browser_factory("safari")
    url = "localstorage://\u6a21"
    assert simulated.fits(make_artifacts(units=982_824), url)
    assert not simulated.fits(make_artifacts(units=982_825), url)
