"""The page at ``/`` in a real browser: what a person sees and does there."""

import json
import re
import time

import numpy
import pytest
from client_support.daemon_thread import running_daemon
from loopback import pages
from loopback.conftest import running
from playwright.sync_api import expect

import tfjsd
from tfjsd.cli import main


@pytest.fixture(scope="module")
def chromium():
    with pages.chromium() as browser:
        yield browser


@pytest.fixture
def daemon():
    with running() as started:
        yield started


@pytest.fixture
def store(daemon):
    with tfjsd.connect(str(daemon.socket), home=str(daemon.home)) as client:
        yield client


@pytest.fixture
def page(chromium, store, daemon):
    """The page as ``tfjsd open`` opens it; it may ask no other host and must not fail inside."""
    context = chromium.new_context(accept_downloads=True)
    opened = context.new_page()
    hosts, errors = set(), []
    opened.on("request", lambda request: hosts.add(request.url.split("/")[2]) if "://" in request.url else None)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    store.save("indexeddb://first", model(3))
    store.save("localstorage://<b>second</b>", model(2))
    opened.goto(store.page_address())
    expect(opened.locator("#live")).to_have_attribute("data-state", "on")
    yield opened
    context.close()
    assert hosts == {daemon.url.removeprefix("http://")}
    assert errors == []


def model(units):
    topology = {
        "class_name": "Functional",
        "config": {
            "name": "m",
            "layers": [
                {"class_name": "InputLayer", "name": "in", "config": {"name": "in"}, "inbound_nodes": []},
                {"class_name": "Dense", "name": "d", "config": {"name": "d"}, "inbound_nodes": [[["in", 0, 0, {}]]]},
            ],
        },
    }
    weights = {"d/kernel": numpy.linspace(-1, 1, 100 * units, dtype="float32").reshape(100, units)}
    return tfjsd.ModelArtifacts.from_weights(topology, weights, format="layers-model")


def names(page):
    return sorted(page.locator("tbody .open").all_inner_texts())


def test_models_are_listed_live_by_origin_with_quota_bars(page, store):
    assert names(page) == ["<b>second</b>", "first"]
    expect(page.get_by_role("navigation").get_by_role("button")).to_have_count(1)
    meters = page.locator(".meter")
    expect(meters).to_have_count(2)
    assert meters.first.bounding_box()["height"] > 0
    assert "of 5.2M" in page.get_by_role("navigation").inner_text()
    assert page.locator(".quota").last.get_attribute("title").endswith(" of 5,242,880")
    store.save("indexeddb://third", model(1))
    expect(page.get_by_role("button", name="third", exact=True)).to_be_visible()
    store.remove_model("indexeddb://third")
    expect(page.get_by_role("button", name="third", exact=True)).to_have_count(0)
    store.with_origin("https://app.example").save("indexeddb://elsewhere", model(1))
    page.get_by_role("button", name="https://app.example").click()
    expect(page.get_by_role("button", name="elsewhere", exact=True)).to_be_visible()


def test_a_model_shows_its_layers_and_the_distribution_of_its_weights(page):
    page.get_by_role("button", name="first", exact=True).click()
    aside = page.get_by_role("complementary", name="Model")
    expect(aside.get_by_role("img", name="2 layers: InputLayer in, Dense d")).to_be_visible()
    expect(aside.get_by_role("img", name="Distribution of d/kernel: from -1 to 1, mean")).to_be_visible()
    assert "300" in aside.inner_text()
    page.keyboard.press("Escape")
    expect(aside).to_be_hidden()


def test_copy_move_and_remove_by_keyboard_alone(page, store):
    page.get_by_role("button", name="first", exact=True).focus()
    page.keyboard.press("Enter")
    copy = page.get_by_role("button", name="Copy… indexeddb://first")
    copy.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Copy indexeddb://first")
    expect(dialog).to_be_visible()
    page.keyboard.type("a copy/ü")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="a copy/ü", exact=True)).to_be_visible()
    page.get_by_role("button", name="Move… indexeddb://first", exact=True).press("Enter")
    page.get_by_label("Medium").select_option("localstorage")
    page.get_by_label("Origin", exact=True).fill("https://app.example")
    page.get_by_label("Name", exact=True).press("Enter")
    expect(page.get_by_role("button", name="first", exact=True)).to_have_count(0)
    assert list(store.with_origin("https://app.example").list_models()) == ["localstorage://first"]
    page.get_by_role("button", name="a copy/ü", exact=True).press("Enter")
    page.get_by_role("button", name="Remove… indexeddb://a copy/ü").press("Enter")
    page.get_by_role("button", name="Keep it").press("Enter")
    assert "indexeddb://a copy/ü" in store.list_models()
    page.get_by_role("button", name="Remove… indexeddb://a copy/ü").press("Enter")
    page.get_by_role("button", name="Remove", exact=True).press("Enter")
    expect(page.get_by_role("button", name="a copy/ü", exact=True)).to_have_count(0)
    assert list(store.list_models()) == ["localstorage://<b>second</b>"]


@pytest.mark.parametrize("way", ["Copy", "Move"])
@pytest.mark.parametrize("origin", [None, "https://app.example"])
def test_a_model_that_is_there_is_replaced_only_if_a_person_says_so(page, store, way, origin):
    there = store if origin is None else store.with_origin(origin)
    there.save("indexeddb://taken", model(5))
    source, old = (bytes(store.load("indexeddb://first").weight_data), bytes(model(5).weight_data))

    def carry(answer):
        page.get_by_role("button", name="first", exact=True).click()
        page.get_by_role("button", name=f"{way}… indexeddb://first", exact=True).click()
        if origin is not None:
            page.get_by_label("Origin", exact=True).fill(origin)
        page.get_by_label("Name", exact=True).fill("taken")
        page.get_by_label("Name", exact=True).press("Enter")
        question = page.get_by_role("dialog", name="Replace this model?")
        expect(question).to_contain_text("indexeddb://taken")
        question.get_by_role("button", name=answer).click()

    carry("Keep it")
    expect(page.locator("#says")).to_contain_text("A model is stored at 'indexeddb://taken' already.")
    assert bytes(there.load("indexeddb://taken").weight_data) == old
    assert "indexeddb://first" in store.list_models()
    carry("Replace")
    done, where = ("Copied" if way == "Copy" else "Moved", "" if origin is None else f" in {origin}")
    expect(page.locator("#says")).to_have_text(f"{done} indexeddb://first to indexeddb://taken{where}")
    assert bytes(there.load("indexeddb://taken").weight_data) == source
    assert ("indexeddb://first" in store.list_models()) is (way == "Copy")


def test_what_is_downloaded_can_be_uploaded_again(page, store, tmp_path):
    page.get_by_role("button", name="first", exact=True).click()
    files = []
    page.on("download", lambda file: files.append(file))
    page.get_by_role("button", name="Download indexeddb://first").click()
    page.wait_for_timeout(50)
    while len(files) < 2:
        page.wait_for_timeout(20)
    saved = [tmp_path / file.suggested_filename for file in files]
    for file, path in zip(files, saved, strict=True):
        file.save_as(path)
    assert sorted(path.name for path in saved) == ["first.json", "first.weights.bin"]
    original = bytes(store.load("indexeddb://first").weight_data)
    store.remove_model("indexeddb://first")
    expect(page.get_by_role("button", name="first", exact=True)).to_have_count(0)
    page.locator("#files").set_input_files(saved)
    expect(page.get_by_role("button", name="first", exact=True)).to_be_visible()
    assert bytes(store.load("indexeddb://first").weight_data) == original
    page.locator("#files").set_input_files(saved[:1] if saved[0].suffix == ".json" else saved[1:])
    expect(page.locator("#says")).to_contain_text("needs these files as well: first.weights.bin")


def test_sorting_and_finding(page, store):
    store.save("indexeddb://zebra", model(50))
    expect(page.get_by_role("button", name="zebra", exact=True)).to_be_visible()
    page.get_by_role("button", name="Weights", exact=True).click()
    assert page.locator("tbody .open").first.inner_text() == "zebra"
    assert page.get_by_role("columnheader", name="Weights").get_attribute("aria-sort") == "descending"
    page.keyboard.press("/")
    page.keyboard.type("SECO")
    assert names(page) == ["<b>second</b>"]


def test_the_code_works_once_and_the_token_ends_with_a_rotation(page, store, daemon, chromium):
    assert "#" not in page.url
    page.reload()
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    address = store.page_address()
    url, _, code = address.partition("#")
    assert code not in daemon.token
    answers = [daemon.request("POST", "/v1/page/session", json.dumps({"code": code}).encode()) for _ in range(2)]
    assert [status for status, _, _ in answers] == [201, 401]
    session = {"Authorization": f"Bearer {json.loads(answers[0][2])['token']}"}
    assert daemon.request("GET", "/v1/sync", headers=session)[0] == 200
    assert daemon.request("POST", "/v1/sync", b"{}", session)[0] == 403
    assert daemon.request("GET", "/v1/sync", headers=daemon.authorization)[0] == 403
    assert daemon.request("POST", "/v1/page/code", headers=session)[0] == 403
    tfjsd.wire.token_file.rotate_token(daemon.home)
    assert daemon.request("GET", "/v1/models", headers=session)[0] == 401
    page.reload()
    expect(page.get_by_label("Token")).to_be_visible()
    page.get_by_label("Token").fill(daemon.token)
    page.get_by_label("Token").press("Enter")
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    assert url == f"{daemon.url}/"


def test_the_page_fits_narrow_windows_and_every_control_has_a_name(page):
    page.set_viewport_size({"width": 380, "height": 700})
    page.get_by_role("button", name="first", exact=True).click()
    page.wait_for_selector(".weights svg")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    unnamed = """[...document.querySelectorAll('button, input:not([type=file]), select, [role=img], [role=meter]')]
      .filter((one) => one.getClientRects().length && !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length))
      .map((one) => one.outerHTML)"""
    assert page.evaluate(unnamed) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_in_light_and_dark(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.get_by_role("button", name="first", exact=True).click()
    page.wait_for_selector(".weights svg")
    ratios = page.evaluate("""() => {
      const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
      const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
      const light = (colour) => { const [r, g, b] = colour.map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const ground = (one) => { for (; one; one = one.parentElement) { const c = rgb(getComputedStyle(one).backgroundColor); if (c[3] > 250) return c; } return rgb(getComputedStyle(document.documentElement).backgroundColor); };
      return [...document.querySelectorAll('small, th button, td, button, dt, dd, caption, h1, h2, h3, figcaption, .hint, #live, #daemon')]
        .filter((one) => one.textContent.trim() && one.getClientRects().length)
        .map((one) => { const [a, b] = [light(rgb(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x); return [(a + 0.05) / (b + 0.05), one.outerHTML.slice(0, 90)]; })
        .filter(([ratio]) => ratio < 4.5);
    }""")
    assert ratios == []


def test_the_address_has_a_code_and_a_daemon_without_listener_says_so(daemon, store, tmp_path):
    assert re.fullmatch(rf"{re.escape(daemon.url)}/#[\w-]{{43}}", store.page_address())
    with (
        running_daemon() as silent,
        tfjsd.connect(str(silent.socket), home=str(silent.home)) as client,
        pytest.raises(tfjsd.ConfigurationError, match="does not listen on TCP"),
    ):
        client.page_address()


def test_open_leads_a_browser_to_the_page_without_telling_the_code_on_a_command_line(chromium, daemon, monkeypatch):
    monkeypatch.setenv("TFJSD_SOCKET", str(daemon.socket))
    monkeypatch.setenv("TFJSD_HOME", str(daemon.home))
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert main(["open"]) == 0
    (address,) = opened
    assert address == (daemon.home / "open.html").as_uri()
    assert (daemon.home / "open.html").stat().st_mode & 0o077 == 0
    context = chromium.new_context()
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    assert page.url == f"{daemon.url}/"
    assert not (daemon.home / "open.html").exists()
    page.reload()
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    context.close()


def test_a_code_that_no_browser_has_used_does_not_lie_about(daemon, store, monkeypatch):
    monkeypatch.setattr("tfjsd.daemon.routes.page.CODE_SECONDS", 0.2)
    store.page_address()
    (daemon.home / "open.html").write_text("code")
    while (daemon.home / "open.html").exists():
        time.sleep(0.01)


def test_open_prints_the_address(daemon, monkeypatch, capsys):
    monkeypatch.setenv("TFJSD_SOCKET", str(daemon.socket))
    monkeypatch.setenv("TFJSD_HOME", str(daemon.home))
    assert main(["open", "--print"]) == 0
    assert capsys.readouterr().out.startswith(f"{daemon.url}/#")


def test_directories_are_listed_and_their_conflicts_decided(page, store, tmp_path):
    (tmp_path / "m").mkdir()
    store.save("indexeddb://synced/m", model(2))
    store.save(tmp_path / "m", model(7))
    store.sync_pairs().add(tmp_path, "indexeddb://synced/", name="work", on_conflict="fail")
    navigation = page.get_by_role("navigation")
    expect(navigation.get_by_role("heading", name="Directories")).to_be_visible(timeout=20_000)
    navigation.get_by_role("button", name="Keep the directory’s: m in work").click()
    expect(page.locator("#says")).to_contain_text("work: done")
    while bytes(store.load("indexeddb://synced/m").weight_data) != bytes(model(7).weight_data):
        page.wait_for_timeout(50)
    navigation.get_by_role("button", name="Pause: work").click()
    expect(navigation.get_by_role("button", name="Resume: work")).to_be_visible()


def weights_at(store, url):
    return bytes(store.load(url).weight_data)


@pytest.mark.parametrize(("choice", "units"), [("Keep the directory’s", 7), ("Keep the store’s", 2)])
def test_copies_of_a_conflict_that_a_rule_has_decided_are_shown_and_settled(page, store, tmp_path, choice, units):
    store.save("indexeddb://synced/m", model(2))
    store.save(tmp_path / "m", model(7))
    store.sync_pairs().add(tmp_path, "indexeddb://synced/", name="work")  # the newer one keeps the name
    navigation = page.get_by_role("navigation")
    expect(navigation.get_by_text("Kept as copies:")).to_be_visible(timeout=20_000)
    expect(navigation.locator(".copies")).to_contain_text("the store’s: m.conflict-")
    navigation.get_by_role("button", name=f"{choice}: m in work").click()
    expect(page.locator("#says")).to_contain_text("work: done")
    expect(navigation.get_by_text("Kept as copies:")).to_have_count(0)
    while weights_at(store, "indexeddb://synced/m") != bytes(model(units).weight_data):
        page.wait_for_timeout(50)


def test_why_models_of_a_directory_are_not_equal_is_shown(page, store, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.json").write_text("{")
    for number in range(22):
        (tmp_path / f"half{number:02}").mkdir()
        manifest = '{"modelTopology": {}, "weightsManifest": [{"paths": ["w.bin"], "weights": []}]}'
        (tmp_path / f"half{number:02}" / "model.json").write_text(manifest)
    store.sync_pairs().add(tmp_path, "indexeddb://synced/", name="work")
    pair = page.get_by_role("navigation").locator(".pair")
    expect(pair).to_contain_text(re.compile("broken: .+"), timeout=20_000)
    expect(pair).to_contain_text("half00: ")
    expect(pair).to_contain_text(re.compile(r"\d more"))
