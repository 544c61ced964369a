"""Random operations around the quota give what each browser's arithmetic, written down once more here, says."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjsd.errors import QuotaExceededError
from tfjsd.storage_backends.browsers import CHROME, FIREFOX, SAFARI
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.web_storage.operations import Clear, RemoveItem, SetItem
from tfjsd.storage_backends.web_storage.session_area import SessionArea
from tfjsd.storage_backends.web_storage.storage_area import StorageArea

BROWSERS = [CHROME, FIREFOX, SAFARI]


@dataclass
class Oracle:
    """A dict with a browser's refusals."""

    browser: str
    limit: int
    items: dict[str, str] = field(default_factory=dict)
    highest: int = 0

    def count(self, text):
        units = len(text.encode("utf-16-le", "surrogatepass")) // 2
        wide = any(character > "\xff" for character in set(text))
        return units * 2 if wide and self.browser == "safari" else units

    def total(self, items):
        return sum(self.count(key) + self.count(value) for key, value in items.items())

    def set(self, key, value):
        """Whether the browser accepts it."""
        old, new = self.total(self.items), self.total({**self.items, key: value})
        match self.browser:
            case "chrome":
                refused = self.count(key) + self.count(value) > self.limit or (new > old and new > self.limit)
            case "firefox":
                refused = new > max(self.highest, self.limit)
            case _:
                refused = new > self.limit
        if not refused:
            self.items[key] = value
            self.highest = max(self.highest, new)
        return not refused

    def remove(self, key):
        self.items.pop(key, None)

    def clear(self):
        self.items.clear()

    def end_task(self):
        self.highest = self.total(self.items)

    def batch(self, operations):
        kept, highest = dict(self.items), self.highest
        for operation in operations:
            match operation:
                case ("set", key, value):
                    if not self.set(key, value):
                        self.items, self.highest = kept, highest
                        return False
                case ("remove", key):
                    self.remove(key)
                case _:
                    self.clear()
        return True


keys = st.sampled_from(["", "a", "bb", "\xff\xff\xff", "\u4e2d", "\U0001f600", "\ud800", "kkkkkkkk"])
characters = st.sampled_from(["x", "\xe9", "\u0100", "\U0001f600", "\udc00"])
values = st.builds(lambda character, count, tail: character * count + tail, characters, st.integers(0, 40), characters)
change = st.one_of(
    st.tuples(st.just("set"), keys, values),
    st.tuples(st.just("set"), keys, values),
    st.tuples(st.just("remove"), keys),
    st.tuples(st.just("clear")),
)
step = st.one_of(
    change.map(lambda operation: [operation]),
    st.lists(change, min_size=2, max_size=4),
    st.just([("end task",)]),
)


def operation_of(described):
    match described:
        case ("set", key, value):
            return SetItem(key, value)
        case ("remove", key):
            return RemoveItem(key)
        case _:
            return Clear()


def accepts(area, described):
    try:
        area.submit(list(map(operation_of, described)), "relaxed").result(5)
    except QuotaExceededError:
        return False
    return True


def check(area, oracle, steps):
    for described in steps:
        if described == [("end task",)]:
            area.end_task()
            oracle.end_task()
            continue
        assert accepts(area, described) == oracle.batch(described), described
        assert dict(area.items()) == oracle.items
        assert area.used() == oracle.total(oracle.items)


@pytest.mark.parametrize("browser", BROWSERS, ids=lambda browser: browser.name)
@given(steps=st.lists(step, max_size=30), limit=st.integers(0, 120))
@settings(max_examples=40, deadline=None)
def test_operations_around_a_small_quota(browser, steps, limit):
    oracle = Oracle(browser.name, limit)
    with Home(None, engines=memory_engine) as home:
        check(StorageArea(home.bucket("o"), browser.derive(local_storage_quota=limit)), oracle, steps)


@pytest.mark.parametrize("browser", BROWSERS, ids=lambda browser: browser.name)
@given(
    steps=st.lists(step, max_size=25),
    limit=st.integers(0, 100),
    stored=st.dictionaries(keys, values, min_size=1, max_size=6),
)
@settings(max_examples=40, deadline=None)
def test_operations_in_an_area_that_is_above_its_quota(browser, steps, limit, stored):
    oracle = Oracle(browser.name, limit, dict(stored))
    oracle.end_task()
    with Home(None, engines=memory_engine) as home:
        large = StorageArea(home.bucket("o"), browser.derive(local_storage_quota=None))
        large.submit([SetItem(key, value) for key, value in stored.items()]).result(5)
        check(StorageArea(home.bucket("o"), browser.derive(local_storage_quota=limit)), oracle, steps)


@pytest.mark.parametrize("browser", BROWSERS, ids=lambda browser: browser.name)
@given(steps=st.lists(step, max_size=25), limit=st.integers(0, 120))
@settings(max_examples=40, deadline=None)
def test_session_storage_around_a_small_quota(browser, steps, limit):
    check(SessionArea(browser.derive(local_storage_quota=limit)), Oracle(browser.name, limit), steps)


@pytest.mark.parametrize("browser", BROWSERS, ids=lambda browser: browser.name)
@given(
    slack=st.lists(st.integers(-2, 2), min_size=1, max_size=2),
    character=st.sampled_from(["x", "\u4e2d", "\U0001f600"]),
    key=st.sampled_from(["", "k", "\u6a21", "tensorflowjs_models/m/weight_data"]),
)
@settings(max_examples=4, deadline=None)
def test_the_full_quota_to_the_code_unit(browser, slack, character, key):
    limit = 5_242_880
    oracle = Oracle(browser.name, limit)
    area = SessionArea(browser)
    for extra in slack:
        room = limit + extra - oracle.count(key)
        value = character * (room // oracle.count(character))
        value += "y" * (0 if oracle.count("y" + character) > 2 and browser is SAFARI else room - oracle.count(value))
        assert accepts(area, [("set", key, value)]) == oracle.set(key, value)
        assert accepts(area, [("set", "z", "")]) == oracle.set("z", "")
        assert area.used() == oracle.total(oracle.items)
