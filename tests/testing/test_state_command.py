"""``tfjsd state`` against a daemon."""

import json
from datetime import UTC, datetime

import tfjsd
from tfjsd.testing import assert_models_equal, make_artifacts, simulate_browser
from tfjsd.testing.playwright import from_storage_state, storage_state

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
ORIGIN = "https://app.example"


def test_a_state_of_a_daemon_is_a_browsers(tfjsd_daemon, tmp_path):
    file = tmp_path / "state.json"
    store = tfjsd_daemon.connect()
    artifacts = make_artifacts(units=50_000)
    store.save("indexeddb://m", artifacts)
    store.with_origin(ORIGIN).local_storage()["k"] = "\ud800é"
    assert "exported 2 origins" in tfjsd_daemon.cli("state", "export", file, check=True).stdout
    with from_storage_state(file) as browser:
        assert_models_equal(browser.load("indexeddb://m"), artifacts)
        assert browser.list_models() == store.list_models()
        assert browser.with_origin(ORIGIN).local_storage()["k"] == "\ud800é"
    printed = json.loads(tfjsd_daemon.cli("state", "export", "--origin", ORIGIN, check=True).stdout)
    assert [entry["origin"] for entry in printed["origins"]] == [ORIGIN]


def test_a_state_of_a_browser_goes_into_a_daemon(tfjsd_daemon, tmp_path):
    artifacts = make_artifacts(weight_bytes=4000, layers=2)
    with simulate_browser(origin=ORIGIN) as browser:
        browser.save("indexeddb://my/model", artifacts)
        browser.save("localstorage://m", artifacts)
        storage_state(browser, tmp_path / "state.json")
    tfjsd_daemon.cli("state", "import", tmp_path / "state.json", check=True)
    store = tfjsd_daemon.connect()
    for url in ("indexeddb://my/model", "localstorage://m"):
        assert_models_equal(store.with_origin(ORIGIN).load(url), artifacts)
    assert store.list_models() == {}
    text = (tmp_path / "state.json").read_text()
    tfjsd_daemon.cli("state", "import", "-", "--origin", "http://localhost:5173", input=text, check=True)
    assert len(store.with_origin("http://localhost:5173").list_models()) == 2


async def put_shop(store):
    def upgrade(db, *_):
        books = db.create_object_store("books", "isbn")
        books.create_index("by_author", "author", multi_entry=True)
        db.create_object_store("log", None, True)

    with await store.indexed_db().open("shop", 3, upgrade=upgrade) as db:
        async with db.transaction(["books", "log"], "readwrite") as tx:
            await tx.object_store("books").put({"isbn": 1, "author": ["a", "b"], "cover": b"\0\xff", "when": WHEN})
            await tx.object_store("log").put({1: {"two"}, "none": tfjsd.UNDEFINED})


async def read_shop(store):
    with await store.indexed_db().open("shop") as db:
        tx = db.transaction(["books", "log"])
        books, log = tx.object_store("books"), tx.object_store("log")
        found = await books.index("by_author").get("b"), await log.get_all(), await log.get_all_keys()
        return db.version, books.index_names, log.auto_increment, found


def test_every_database_goes_through_the_file(tfjsd_daemon, tmp_path):
    """Out of a browser into the daemon, and out of the daemon into a browser: other databases than TensorFlow.js's."""
    there, back = tmp_path / "there.json", tmp_path / "back.json"
    with simulate_browser(origin=ORIGIN) as browser:
        browser.run(put_shop)
        browser.save("indexeddb://m", make_artifacts(units=10))
        expected, saved = browser.run(read_shop), browser.list_models()
        storage_state(browser, there)
    tfjsd_daemon.cli("state", "import", there, check=True)
    store = tfjsd_daemon.connect().with_origin(ORIGIN)
    assert store.run(read_shop) == expected
    assert store.list_models() == saved, "their dates included"
    tfjsd_daemon.cli("state", "export", back, check=True)
    with from_storage_state(back) as browser:
        assert browser.run(read_shop) == expected
    assert json.loads(back.read_text()) == json.loads(there.read_text())


def test_other_files_are_refused(tfjsd_daemon, tmp_path):
    for text, message in [
        ("[]", "no storage state"),
        (
            '{"origins": [{"origin": "http://a"}, {"origin": "http://b"}]}',
            "no entry for http://c; there are: http://a, http://b",
        ),
    ]:
        done = tfjsd_daemon.cli("state", "import", "-", "--origin", "http://c", input=text)
        assert done.returncode == 1
        assert message in done.stderr
