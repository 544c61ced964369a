"""What a page does to localStorage without calling a method is caught as well, and it stays a Storage to the page."""

import pytest

from tfjsd.testing.playwright import emulate

CHECK = "(code) => { 'use strict'; try { return [eval(code)]; } catch (e) { return `${e.name}: ${e.message}`; } }"

ASSIGNMENTS = [
    "localStorage.a = '%s'",
    "localStorage['a'] = '%s'",
    "Object.assign(localStorage, {a: '%s'}) && 1",
    "Reflect.set(localStorage, 'a', '%s')",
    "Object.defineProperty(localStorage, 'a', {value: '%s'}) && 1",
    "sessionStorage.a = '%s'",
    "window.localStorage.setItem('a', '%s')",
    "Storage.prototype.setItem.call(localStorage, 'a', '%s')",
]


@pytest.fixture
def evaluate(real_page, site):
    def start(browser, **options):
        emulate(real_page, browser, **options)
        real_page.goto(site)
        return lambda code: real_page.evaluate(CHECK, code)

    return start


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_way_to_assign_meets_the_limit(evaluate, assignment):
    run = evaluate("safari", local_storage_quota=10)
    assert isinstance(run(assignment % ("x" * 9)), list)
    assert run(assignment % ("x" * 10)) == "QuotaExceededError: The quota has been exceeded."
    area = "sessionStorage" if "sessionStorage" in assignment else "localStorage"
    assert run(f"[{area}.a, {area}['a'], {area}.getItem('a'), {area}.length]") == [["x" * 9] * 3 + [1]]


def test_chromes_words_name_the_property(evaluate):
    run = evaluate("chrome", local_storage_quota=4)
    exceeded = "on 'Storage': Setting the value of '{}' exceeded the quota."
    named = "QuotaExceededError: Failed to set a named property"
    assert run("localStorage.abc = 'xx'") == f"{named} 'abc' {exceeded.format('abc')}"
    assert run("localStorage[''] = 'xxxxx'") == f"{named} {exceeded.format('')}"
    assert run("localStorage[7] = 'xxxxx'") == (
        f"QuotaExceededError: Failed to set an indexed property [7] {exceeded.format('7')}"
    )


def test_an_assignment_is_a_write_for_the_fault(evaluate):
    run = evaluate("firefox", fail_nth_write=2)
    assert run("localStorage.a = 1") == [1]
    assert run("localStorage.b = 1") == "QuotaExceededError: The quota has been exceeded."
    assert run("localStorage.b = 1") == [1]


SAME = [
    "localStorage instanceof Storage",
    "localStorage === window.localStorage && localStorage === localStorage",
    "localStorage !== sessionStorage",
    "Object.getPrototypeOf(localStorage) === Storage.prototype",
    "Object.prototype.toString.call(localStorage)",
    "String(localStorage)",
    "Object.keys(localStorage)",
    "Object.entries(localStorage)",
    "Object.getOwnPropertyNames(localStorage)",
    "JSON.stringify(localStorage)",
    "JSON.stringify(Object.getOwnPropertyDescriptor(localStorage, 'a'))",
    "({...localStorage})",
    "'a' in localStorage",
    "'missing' in localStorage",
    "'getItem' in localStorage",
    "localStorage.hasOwnProperty('a')",
    "Object.hasOwn(localStorage, 'getItem')",
    "(() => { const found = []; for (const name in localStorage) found.push(name); return found; })()",
    "localStorage.length",
    "localStorage.key(0)",
    "localStorage.missing",
    "typeof localStorage.setItem",
    "localStorage.setItem.name + localStorage.setItem.length + localStorage.getItem.length + localStorage.clear.length",
    "Object.keys(Storage.prototype)",
    "(() => { delete localStorage.a; return localStorage.getItem('a'); })()",
    "(() => { localStorage.removeItem('b'); return localStorage.length; })()",
    "(() => { localStorage.n = {}; return localStorage.n; })()",
    "(() => { localStorage.x = undefined; return localStorage.getItem('x'); })()",
    "(() => { localStorage.getItem = 'y'; return [typeof localStorage.getItem, localStorage.length]; })()",
    "(() => { localStorage[Symbol.for('s')] = 1; return localStorage[Symbol.for('s')]; })()",
    "(() => { const heir = Object.create(localStorage); heir.own = 1; return localStorage.getItem('own'); })()",
    "localStorage.setItem('only one')",
    "Storage.prototype.getItem.call({}, 'a')",
    "Storage.prototype.length",
    "new Storage()",
    "localStorage.getItem(Symbol())",
    "(localStorage.s = Symbol())",
    "Object.isFrozen(localStorage)",
    "new StorageEvent('storage', {storageArea: localStorage, key: 'k'}).storageArea === localStorage",
    "new StorageEvent('storage').storageArea",
    "(() => { const e = document.createEvent('StorageEvent');"
    " e.initStorageEvent('storage', false, false, 'k', null, 'v', 'u', sessionStorage);"
    " return [e.key, e.newValue, e.storageArea === sessionStorage]; })()",
    "new StorageEvent('storage') instanceof StorageEvent && StorageEvent.name",
    "new StorageEvent()",
    "(() => { localStorage.clear(); return Object.keys(localStorage); })()",
    "Object.getOwnPropertyDescriptor(window, 'localStorage').get.name",
]
OTHER_WORDS = ["localStorage.length = 7", "Object.freeze(localStorage)"]
"""A proxy's TypeErrors have texts of their own."""

START = "localStorage.clear(); localStorage.a = '1'; localStorage.b = '2'; localStorage.getItemx = '3'"


def test_to_the_page_it_is_the_same_object(real_context, site):
    """Under Chrome's own rules nothing that a page can ask is answered otherwise."""
    plain, emulated = real_context.new_page(), real_context.new_page()
    emulate(emulated, "chrome")
    answers = []
    for page in (plain, emulated):
        page.goto(site)
        found = {}
        for code in [*SAME, *OTHER_WORDS]:
            page.reload()
            page.evaluate(START)
            answer = page.evaluate(CHECK, code)
            found[code] = answer.partition(":")[0] if code in OTHER_WORDS else answer
        answers.append(found)
    differences = {
        code: (answers[0][code], answers[1][code]) for code in answers[0] if answers[0][code] != answers[1][code]
    }
    assert differences == {}


def test_other_pages_hear_of_an_assignment(real_context, site):
    emulate(real_context, "safari")
    page, other = real_context.new_page(), real_context.new_page()
    for each in (page, other):
        each.goto(site)
    other.evaluate("window.heard = []")
    other.evaluate(
        "addEventListener('storage', (e) => heard.push([e.key, e.newValue, e.storageArea === localStorage]))"
    )
    page.evaluate("localStorage.a = 'b'")
    other.wait_for_function("heard.length")
    assert other.evaluate("heard") == [["a", "b", True]]


def test_a_frame_has_a_storage_of_its_own_over_the_same_items(real_page, site):
    emulate(real_page, "safari", local_storage_quota=10)
    real_page.goto(site)
    real_page.evaluate(
        "(url) => new Promise((done) => { const frame = document.createElement('iframe'); frame.src = url;"
        " frame.onload = done; document.body.append(frame); })",
        site,
    )
    real_page.evaluate("frames[0].localStorage.a = 'xyz'")
    assert real_page.evaluate("[localStorage.a, Storage.prototype.getItem.call(frames[0].localStorage, 'a')]") == [
        "xyz",
        "xyz",
    ]
    assert real_page.evaluate(CHECK, "frames[0].localStorage.b = '0123456789'").startswith("QuotaExceededError")


@pytest.mark.parametrize("browser", ["firefox", "safari"])
def test_elsewhere_a_methods_name_is_an_items(evaluate, browser):
    """Chromium hides the method behind a property of the object; the others store an item."""
    run = evaluate(browser)
    run("localStorage.getItem = 'y'")
    assert run("[typeof localStorage.getItem, localStorage.getItem('getItem'), localStorage.length]") == [
        ["function", "y", 1]
    ]
