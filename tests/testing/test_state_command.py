"""``tfjsd state`` against a daemon."""

import json

from tfjsd.testing import assert_models_equal, make_artifacts, simulate_browser
from tfjsd.testing.playwright import from_storage_state, storage_state

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
