"""``/tfjsd.js`` in a page of a listed origin: the scheme, the lists, the mirror."""

import random
import shutil

import pytest
from loopback import pages
from loopback.conftest import running

import tfjsd

SETUP = f"""
async ([name, url, token, given]) => {{
  {pages.WITH_TFJS}
  window.client = await import(`${{url}}/tfjsd.js`);
  window.tfjsd = client.register(tf, {{url, token}});
  window.model = (units) => tf.sequential({{layers: [tf.layers.dense({{units, inputShape: [2]}})]}});
  window.names = async () => Object.keys(await tf.io.listModels()).sort();
  window.attempt = (promise) => promise.then(() => 'done', (error) => `${{error.name}}: ${{error.message}}`);
}}
"""


@pytest.fixture(scope="module")
def site():
    with pages.site("localhost") as url:
        yield url


@pytest.fixture(scope="module")
def chromium():
    with pages.chromium() as browser:
        yield browser


@pytest.fixture
def daemon(site):
    with running(**{"access.origins": [site]}) as started:
        yield started


@pytest.fixture
def store(daemon):
    with tfjsd.connect(str(daemon.socket), home=str(daemon.home)) as client:
        yield client


@pytest.fixture
def new_page(chromium, site, daemon):
    """Each page has a profile of its own."""
    contexts = []

    def make(package="@tensorflow/tfjs"):
        contexts.append(chromium.new_context())
        page = contexts[-1].new_page()
        page.goto(site)
        page.evaluate(SETUP, [package, daemon.url, daemon.token, None])
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.mark.parametrize("package", ["@tensorflow/tfjs", "tfjs-3", "tfjs-2"])
def test_models_are_saved_listed_copied_moved_and_removed_across_page_and_daemon(new_page, store, package):
    page = new_page(package)
    done = page.evaluate("""async () => {
      const saved = await model(3).save('tfjsd://indexeddb/a/b c');
      await model(2).save('indexeddb://mine');
      await model(1).save('localstorage://small');
      const before = (await tf.loadLayersModel('tfjsd://indexeddb/a/b c')).countParams();
      const listed = await names();
      await tf.io.copyModel('tfjsd://indexeddb/a/b c', 'tfjsd://localstorage/é/..');
      await tf.io.copyModel('indexeddb://mine', 'tfjsd://indexeddb/..');
      await tf.io.moveModel('localstorage://small', 'tfjsd://indexeddb/moved');
      await tf.io.moveModel('tfjsd://indexeddb/..', 'localstorage://back');
      await tf.io.moveModel('tfjsd://indexeddb/moved', 'tfjsd://indexeddb/moved again');
      await tf.io.removeModel('indexeddb://mine');
      const date = (await tf.io.listModels())['tfjsd://indexeddb/a/b c'].dateSaved instanceof Date;
      return {replaced: tfjsd.replaced, before, listed, after: await names(), date,
              bytes: saved.modelArtifactsInfo.weightDataBytes};
    }""")
    assert done["replaced"]
    assert (done["before"], done["bytes"], done["date"]) == (9, 36, True)
    assert done["listed"] == ["indexeddb://mine", "localstorage://small", "tfjsd://indexeddb/a/b c"]
    assert done["after"] == [
        "localstorage://back",
        "tfjsd://indexeddb/a/b c",
        "tfjsd://indexeddb/moved again",
        "tfjsd://localstorage/é/..",
    ]
    assert sorted(store.list_models()) == ["indexeddb://a/b c", "indexeddb://moved again", "localstorage://é/.."]


def test_refusals_are_the_daemons_and_name_what_is_wrong(new_page):
    page = new_page()
    assert page.evaluate("attempt(tf.loadLayersModel('tfjsd://indexeddb/none'))") == (
        "ModelNotFoundError: Cannot find model with path 'none' in IndexedDB."
    )
    assert page.evaluate("attempt(tf.io.removeModel('tfjsd://indexeddb/none'))").startswith("ModelNotFoundError")
    too_large = "attempt(tf.sequential({layers: [tf.layers.dense({units: 1200, inputShape: [1200]})]}).save('tfjsd://localstorage/big'))"
    assert page.evaluate(too_large).startswith("QuotaExceededError: Failed to save model 'big' to local storage")
    assert page.evaluate("names()") == []


def test_the_daemons_local_storage_as_promises(new_page, store):
    page = new_page()
    page.evaluate("tfjsd.localStorage.setItem('k', 'v\\ud800')")
    assert store.local_storage()["k"] == "v\ud800"
    assert page.evaluate("tfjsd.localStorage.getItem('none')") is None
    assert page.evaluate("tfjsd.localStorage.length()") == 1


def test_a_mirror_imports_what_a_page_holds(new_page, store):
    page = new_page()
    report = page.evaluate("""async () => {
      for (const name of ['a', 'b/c']) await model(2).save(`indexeddb://${name}`);
      await model(3).save('localstorage://d');
      window.mirrored = client.mirror(tf, {direction: 'up', prefix: 'laptop/', interval: 100000});
      return mirrored.sync();
    }""")
    assert sorted(report["up"]) == ["indexeddb://a", "indexeddb://b/c", "localstorage://d"]
    assert sorted(store.list_models()) == ["indexeddb://laptop/a", "indexeddb://laptop/b/c", "localstorage://laptop/d"]
    store.remove_model("indexeddb://laptop/a")
    again = page.evaluate("mirrored.sync().finally(() => mirrored.stop())")
    assert (again["up"], again["down"], again["removed"], again["errors"]) == ([], [], [], {})


def test_a_mirror_follows_live(new_page, store):
    page = new_page()
    page.evaluate("""async () => {
      await model(2).save('indexeddb://source');
      window.mirrored = client.mirror(tf, {interval: 100});
      await mirrored.sync();
    }""")
    store.copy_model("indexeddb://source", "localstorage://made here")
    # wait_for_function takes a promise for true.
    while "localstorage://made here" not in page.evaluate("names()"):
        page.wait_for_timeout(20)
    store.remove_model("indexeddb://source")
    while "indexeddb://source" in page.evaluate("names()"):
        page.wait_for_timeout(20)
    page.evaluate("mirrored.stop()")
    assert sorted(store.list_models()) == ["localstorage://made here"]


def test_two_pages_and_a_daemon_converge_after_random_changes(new_page, store):
    mirror = "() => { window.mirrored = client.mirror(tf, {interval: 100000}); return mirrored.sync(); }"
    own = "tf.io.listModels().then((all) => Object.keys(all).filter((url) => !url.startsWith('tfjsd')).sort())"
    first, second = new_page(), new_page("tfjs-3")
    for page in (first, second):
        page.evaluate(mirror)
    rng = random.Random(7)
    urls = [f"{medium}://{name}" for medium in ("indexeddb", "localstorage") for name in "abc"]
    for _ in range(6):
        for _ in range(4):
            url, page = rng.choice(urls), rng.choice((first, second, None))
            if page is None:
                if url in store.list_models():
                    store.remove_model(url)
            elif rng.random() < 0.65:
                page.evaluate(f"model({rng.randint(1, 9)}).save('{url}')")
            else:
                page.evaluate(f"tf.io.removeModel('{url}').catch(() => null)")
        for page in (first, second, first, second):
            assert page.evaluate("mirrored.sync()")["errors"] == {}
        listed = sorted(store.list_models())
        assert first.evaluate(own) == second.evaluate(own) == listed
        for url in listed:
            expected = bytes(store.load(url).weight_data)
            load = f"tf.io.getLoadHandlers('{url}')[0].load().then((all) => [...new Uint8Array(all.weightData)])"
            assert bytes(first.evaluate(load)) == bytes(second.evaluate(load)) == expected
    for page in (first, second):
        page.evaluate("mirrored.stop()")


def test_the_module_is_served_and_kept_by_browsers(daemon):
    status, headers, body = daemon.request("GET", "/tfjsd.js")
    assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert b"export function register" in body
    assert daemon.request("GET", "/tfjsd.js", headers={"If-None-Match": headers["etag"]})[0] == 304
    assert shutil.which("node") is None or b"import " not in body.replace(b"//   import ", b"")
