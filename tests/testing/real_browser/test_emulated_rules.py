"""The emulation in a real page and the simulated browser refuse the same writes, in the same words."""

import random

import pytest

from tfjsd.errors import QuotaExceededError
from tfjsd.testing.playwright import emulate

QUOTA = 30
TEXTS = ["", "a", "bc", "é" * 5, "\u4e2d", "\u4e2d\u6587", "x" * 11, "\u0100" + "y" * 6, "z" * 23, "\ud83c\udf88"]
KEYS = ["k", "key", "\u6a21", "é"]

REPLAY = """(sequences) => sequences.map((operations) => {
    localStorage.clear();
    return operations.map(([name, key, value]) => {
        try {
            if (name === "set") localStorage.setItem(key, value);
            else if (name === "remove") localStorage.removeItem(key);
            else if (name === "clear") localStorage.clear();
            return localStorage.getItem(key);
        } catch (e) { return {name: e.name, code: e.code, message: e.message}; }
    });
})"""


def sequence(draw: random.Random) -> list[list[str]]:
    names = draw.choices(["set", "remove", "clear"], weights=[12, 3, 1], k=25)
    return [[name, draw.choice(KEYS), draw.choice(TEXTS)] for name in names]


def replay(browser, operations):
    storage = browser.local_storage()
    storage.clear()
    browser.reload()
    results = []
    for name, key, value in operations:
        try:
            if name == "set":
                storage.set_item(key, value)
            elif name == "remove":
                storage.remove_item(key)
            else:
                storage.clear()
            results.append(storage.get_item(key))
        except QuotaExceededError as error:
            shown = error.as_dom()
            results.append({name: shown[name] for name in ("name", "code", "message")})
    return results


@pytest.mark.parametrize("name", ["chrome", "firefox", "safari"])
def test_random_sequences_agree(tfjsd_browser_factory, real_page, site, name):
    draw = random.Random(name)
    sequences = [sequence(draw) for _ in range(200)]
    browser = tfjsd_browser_factory(name, local_storage_quota=QUOTA)
    emulate(real_page, name, local_storage_quota=QUOTA)
    real_page.goto(site)
    found = real_page.evaluate(REPLAY, sequences)
    refused = 0
    for operations, real in zip(sequences, found, strict=True):
        assert real == replay(browser, operations), operations
        refused += sum(isinstance(result, dict) for result in real)
    assert refused > 200
