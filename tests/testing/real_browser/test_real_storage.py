"""Models of the real TensorFlow.js in Chromium, to and from simulated browsers."""

import pytest
from playwright.sync_api import Error

from tfjsd.testing import assert_models_equal, make_artifacts, simulate_browser
from tfjsd.testing.playwright import capture, from_storage_state, seed, storage_state

LOAD = """async (url) => {
    const model = await tf.loadLayersModel(url);
    const sum = tf.tidy(() => model.getWeights().reduce((total, weight) => total + weight.abs().sum().dataSync()[0], 0));
    const names = model.layers.map((layer) => layer.name);
    model.dispose();
    return [names, sum];
}"""
SAVE = """async (url) => {
    const model = tf.sequential({name: "trained"});
    model.add(tf.layers.dense({units: 5, inputShape: [3], name: "first"}));
    model.add(tf.layers.dense({units: 2, name: "second"}));
    const result = await model.save(url);
    const weights = model.getWeights().map((weight) => Array.from(weight.dataSync()));
    model.dispose();
    return [JSON.stringify(result.modelArtifactsInfo), weights.flat()];
}"""
ODD = """async () => {
    localStorage.setItem("\\ud800", "lone \\udc00\\u0000 \\ud83c\\udf88");
    const db = await new Promise((resolve) => {
        const open = indexedDB.open("odd", 3);
        open.onupgradeneeded = () => {
            open.result.createObjectStore("out", {autoIncrement: true});
            const inside = open.result.createObjectStore("in", {keyPath: ["a", "b"]});
            inside.createIndex("by_tag", "tags", {multiEntry: true});
        };
        open.onsuccess = () => resolve(open.result);
    });
    const tx = db.transaction(["out", "in"], "readwrite");
    const shared = {n: -0};
    shared.self = shared;
    tx.objectStore("out").put({
        undefined, big: 2n ** 70n, nan: NaN, date: new Date(1e12), re: /a+/gi, map: new Map([[1, new Set(["x"])]]),
        floats: new Float32Array([1, 2]), bytes: new Uint8Array([1, 2]).buffer, pair: [shared, shared], error: new TypeError("e"),
    }, new Date(5));
    tx.objectStore("out").put("plain", [1, "a"]);
    tx.objectStore("in").put({a: 1, b: "x", tags: ["t", "u"]});
    await new Promise((resolve) => { tx.oncomplete = resolve; });
    db.close();
}"""


@pytest.fixture
def simulated(site):
    with simulate_browser("chrome", origin=site) as browser:
        yield browser


def total(artifacts):
    import numpy

    return sum(float(numpy.abs(array).sum()) for array in artifacts.weights().values())


@pytest.mark.parametrize("url", ["localstorage://m", "indexeddb://m"])
@pytest.mark.parametrize("layers", [1, 4])
def test_a_seeded_model_is_loaded_by_tensorflow_js(real_page, site, simulated, url, layers):
    artifacts = make_artifacts(weight_bytes=40_004, layers=layers)
    simulated.save(url, artifacts)
    real_page.goto(f"{site}/tfjs")
    seed(real_page, simulated)
    names, found = real_page.evaluate(LOAD, url)
    assert names == [layer["config"]["name"] for layer in artifacts.model_topology["config"]["layers"]]
    assert found == pytest.approx(total(artifacts), rel=1e-4)


@pytest.mark.parametrize("url", ["localstorage://m", "indexeddb://m"])
def test_a_model_of_tensorflow_js_is_captured(real_context, real_page, site, url):
    real_page.goto(f"{site}/tfjs")
    info, weights = real_page.evaluate(SAVE, url)
    with capture(real_context, site) as simulated:
        assert simulated.origin == site
        assert simulated.list_models()[url].to_json() == info
        captured = simulated.load(url)
        found = [value for array in captured.weights().values() for value in array.ravel().tolist()]
        assert found == weights
        assert captured.model_topology["config"]["name"] == "trained"
        simulated.remove_model(url)
        seed(real_page, simulated)
        assert real_page.evaluate("tf.io.listModels()") == {}


def test_a_nearly_full_storage_is_seeded_to_the_last_unit(real_page, site, simulated):
    assert simulated.fill(leave=0) == 0
    real_page.goto(site)
    seed(real_page, simulated)
    assert real_page.evaluate("localStorage.getItem('fill').length") == (5 << 20) - 4


def test_every_kind_of_value_survives_both_ways(real_context, real_page, site):
    real_page.goto(site)
    real_page.evaluate(ODD)
    with capture(real_context, site) as simulated:
        first = storage_state(simulated)
        (entry,) = first["origins"]
        assert {database["name"] for database in entry["indexedDB"]} == {"odd"}
        real_page.evaluate("async () => { localStorage.clear(); indexedDB.deleteDatabase('odd'); }")
        seed(real_page, simulated)
        assert real_page.evaluate("localStorage.getItem('\\ud800') === 'lone \\udc00\\u0000 \\ud83c\\udf88'")
        with capture(real_context, site) as again:
            assert storage_state(again) == first


def test_playwright_takes_and_gives_the_state(chromium, real_page, site, simulated, tmp_path):
    artifacts = make_artifacts(weight_bytes=4_000)
    simulated.save("indexeddb://m", artifacts)
    simulated.save("localstorage://m", artifacts)
    file = tmp_path / "state.json"
    state = storage_state(simulated, file)
    context = chromium.new_context(storage_state=file)
    page = context.new_page()
    page.goto(f"{site}/tfjs")
    for url in ("indexeddb://m", "localstorage://m"):
        assert page.evaluate(LOAD, url)[0] == ["d"]
    theirs = context.storage_state(indexed_db=True)
    context.close()
    for (entry,) in (theirs["origins"], state["origins"]):
        entry["localStorage"].sort(key=lambda item: item["name"])
    assert theirs["origins"] == state["origins"]
    with from_storage_state(theirs, "safari") as browser:
        assert (browser.name, browser.origin) == ("safari", site)
        assert_models_equal(browser.load("indexeddb://m"), artifacts)
        assert_models_equal(browser.load("localstorage://m"), artifacts)


def test_a_database_that_the_page_holds_open_is_not_waited_for(real_page, site, simulated):
    simulated.save("indexeddb://m", make_artifacts())
    real_page.goto(site)
    seed(real_page, simulated)
    opening = "new Promise((resolve) => { indexedDB.open('tensorflowjs').onsuccess = (event) => { window.db = event.target.result; resolve(); }; })"
    real_page.evaluate(f"() => {opening}")
    with pytest.raises(Error, match="the page has an open connection to the database"):
        seed(real_page, simulated)
