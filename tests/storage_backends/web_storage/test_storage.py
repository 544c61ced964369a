"""Storage is the W3C interface and a Python mapping; AsyncStorage is its twin."""

import asyncio

import pytest

from tfjsd.errors import QuotaExceededError
from tfjsd.storage_backends.browsers import CHROME, FIREFOX
from tfjsd.storage_backends.engines.leveldb import leveldb_factory
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.web_storage.async_storage import AsyncAreaBackend, AsyncStorage
from tfjsd.storage_backends.web_storage.backend import AreaBackend
from tfjsd.storage_backends.web_storage.session_area import SessionArea
from tfjsd.storage_backends.web_storage.storage import Storage
from tfjsd.storage_backends.web_storage.storage_area import StorageArea
from tfjsd.storage_backends.web_storage.storage_event import StorageEvent
from tfjsd.testing.conformance.web_storage import StorageBackendConformance

ORIGIN = "https://app.example"


class TestLocalStorageInMemory(StorageBackendConformance):
    @pytest.fixture
    def clients(self):
        with Home(None, engines=memory_engine) as home:
            area = StorageArea(home.bucket(ORIGIN), CHROME)
            yield AreaBackend(area), AreaBackend(area)


class TestLocalStorageOnDisk(StorageBackendConformance):
    @pytest.fixture
    def clients(self, tmp_path):
        with Home(tmp_path / "home", engines=leveldb_factory()) as home:
            area = StorageArea(home.bucket(ORIGIN), CHROME)
            yield AreaBackend(area), AreaBackend(area)


class TestSessionStorage(StorageBackendConformance):
    @pytest.fixture
    def clients(self):
        area = SessionArea(CHROME)
        return AreaBackend(area), AreaBackend(area)


@pytest.fixture
def area():
    with Home(None, engines=memory_engine) as home:
        yield StorageArea(home.bucket(ORIGIN), CHROME)


@pytest.fixture
def storage(area):
    return Storage(AreaBackend(area))


# -- The mapping protocol ----------------------------------------------------------------------------------------------


def test_it_is_a_mutable_mapping(storage):
    storage["a"] = "1"
    storage |= {"b": "2"}
    storage.update([("c", "3")], d="4")
    assert dict(storage) == storage == {"a": "1", "b": "2", "c": "3", "d": "4"}
    assert len(storage) == storage.length == 4
    assert ("a" in storage, "z" in storage, 1 in storage) == (True, False, False)
    assert (storage.get("a"), storage.get("z"), storage.get("z", "default")) == ("1", None, "default")
    assert (storage.pop("a"), storage.pop("a", None), storage.setdefault("b", "9"), storage.setdefault("e", "5")) == (
        "1",
        None,
        "2",
        "5",
    )
    del storage["e"]
    assert set(storage.keys()) == {"b", "c", "d"}
    key, value = storage.popitem()
    assert {"b": "2", "c": "3", "d": "4"}[key] == value
    assert repr(storage) == "<Storage with 2 items>"


def test_a_missing_key_is_a_key_error(storage):
    with pytest.raises(KeyError, match="nope"):
        storage["nope"]
    with pytest.raises(KeyError, match="nope"):
        del storage["nope"]
    with pytest.raises(KeyError):
        storage.pop("nope")
    with pytest.raises(KeyError):
        storage.popitem()


def test_views_follow_the_browsers_order(storage):
    for number in reversed(range(5)):
        storage[f"key{number}"] = str(number)
    order = ["key0", "key1", "key3", "key4", "key2"]
    assert list(storage) == list(storage.keys()) == [key for key, _ in storage.items()] == order
    assert list(storage.values()) == ["0", "1", "3", "4", "2"]
    assert ("3" in storage.values(), "9" in storage.values()) == (True, False)
    assert ("key3", "3") in storage.items()
    assert len(storage.items()) == len(storage.values()) == 5


def test_removing_while_iterating_disturbs_nothing(storage):
    storage.update({f"k{number}": "v" for number in range(20)})
    for key in storage:
        del storage[key]
    assert storage.length == 0


@pytest.mark.parametrize("name", ["length", "key", "getItem", "get_item", "clear", "constructor", "__proto__"])
def test_names_of_methods_are_plain_items(storage, name):
    storage[name] = "x"
    assert (storage[name], storage.get_item(name), storage.length, list(storage)) == ("x", "x", 1, [name])
    del storage[name]
    assert storage.length == 0


def test_an_update_that_does_not_fit_changes_nothing(storage):
    storage["a"] = "1"
    with pytest.raises(QuotaExceededError, match="Failed to set a named property 'big'"):
        storage.update({"a": "2", "b": "3", "big": "x" * 5_242_880})
    assert storage == {"a": "1"}
    storage.update()
    storage.update({}, a="4")
    assert storage == {"a": "4"}


# -- Arguments ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [None, 1, 1.5, True, b"a", ["a"], {"a": 1}])
def test_what_is_not_a_str_is_a_type_error_that_says_so(storage, wrong):
    name = type(wrong).__name__
    with pytest.raises(TypeError, match=f"a storage key is a str, not {name}"):
        storage.set_item(wrong, "v")
    with pytest.raises(TypeError, match=rf"a storage value is a str, not {name}: .*json.dumps\(\)"):
        storage.set_item("k", wrong)
    for call in (storage.get_item, storage.remove_item, storage.__getitem__, storage.__delitem__):
        with pytest.raises(TypeError, match="a storage key is a str"):
            call(wrong)
    with pytest.raises(TypeError):
        storage["k"] = wrong
    with pytest.raises(TypeError):
        storage.update({"a": "1", "b": wrong})
    with pytest.raises(TypeError):
        storage.update([("a", "1"), (wrong, "2")])
    assert storage.length == 0


def test_subclasses_of_str_are_their_text(storage, area):
    class Name(str):
        __slots__ = ()

    storage[Name("a")] = Name("\u4e2d")
    assert type(storage["a"]) is type(next(iter(storage))) is str
    assert area.stored("a").units == 1


@pytest.mark.parametrize(
    ("index", "found"),
    [
        (0, True),
        (0.9, True),
        (-0.5, True),
        (2**32, True),
        (2**64, True),
        (float("nan"), True),
        (float("inf"), True),
        (False, True),
        (-(2**32), True),
        (1, False),
        (-1, False),
        (2**32 - 1, False),
        (1e300, True),
    ],
)
def test_indices_are_to_uint32(storage, index, found):
    storage["a"] = "1"
    assert storage.key(index) == ("a" if found else None)


@pytest.mark.parametrize("wrong", [None, "0", [0], b"0"])
def test_an_index_is_a_number(storage, wrong):
    with pytest.raises(TypeError, match="an index is a number"):
        storage.key(wrong)


# -- Events ------------------------------------------------------------------------------------------------------------


def test_clients_hear_of_each_other_and_not_of_themselves(area):
    pages = [AreaBackend(area, url=f"{ORIGIN}/{name}") for name in "ab"]
    heard: list[list[StorageEvent]] = [[], []]
    for page, events in zip(pages, heard, strict=True):
        page.subscribe(events.append)
    first, second = map(Storage, pages)
    first["a"] = "1"
    first["a"] = "1"
    second["a"] = "2"
    del first["a"]
    first.clear()
    assert heard == [
        [StorageEvent("a", "1", "2", f"{ORIGIN}/b", "localStorage")],
        [
            StorageEvent("a", None, "1", f"{ORIGIN}/a", "localStorage"),
            StorageEvent("a", "2", None, f"{ORIGIN}/a", "localStorage"),
        ],
    ]


def test_session_storage_has_events_of_its_own():
    area = SessionArea(FIREFOX)
    events: list[StorageEvent] = []
    own, frame = AreaBackend(area, url="page"), AreaBackend(area, url="frame")
    own.subscribe(events.append)
    storage = Storage(frame)
    storage.update(a="1", b="2")
    storage.clear()
    assert [(event.key, event.old_value, event.new_value, event.url) for event in events] == [
        ("a", None, "1", "frame"),
        ("b", None, "2", "frame"),
        (None, None, None, "frame"),
    ]
    assert {event.storage_area for event in events} == {"sessionStorage"}


def test_a_tab_opened_by_another_one_gets_a_copy_of_its_session():
    area = SessionArea(CHROME)
    storage = Storage(AreaBackend(area))
    storage["a"] = "1"
    copied = Storage(AreaBackend(area.copy(CHROME)))
    storage["a"] = "2"
    assert dict(copied) == {"a": "1"}
    assert dict(storage) == {"a": "2"}
    assert area.used() == 2


# -- The asynchronous twin ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_thread", [None, asyncio.to_thread])
async def test_the_asynchronous_twin(area, in_thread):
    storage = AsyncStorage(AsyncAreaBackend(AreaBackend(area), asyncio.wrap_future, in_thread))
    await storage.set_item("a", "1")
    await storage.update({"b": "2"}, c="3")
    await storage.update({})
    assert await storage.length() == 3
    assert sorted(await storage.keys()) == ["a", "b", "c"]
    assert [await storage.key(index) for index in range(4)] == [*await storage.keys(), None]
    assert sorted(await storage.items()) == [("a", "1"), ("b", "2"), ("c", "3")]
    assert (await storage.get_item("a"), await storage.get_item("z")) == ("1", None)
    with pytest.raises(QuotaExceededError, match="Failed to execute 'setItem'"):
        await storage.set_item("a", "x" * 5_242_880)
    with pytest.raises(TypeError, match="a storage value is a str, not int"):
        await storage.set_item("a", 1)  # type: ignore[arg-type]
    await storage.set_item("large", "x" * 300_000)
    assert await storage.get_item("large") == "x" * 300_000
    await storage.remove_item("a")
    await storage.clear()
    assert await storage.length() == 0
    assert not hasattr(storage, "__getitem__")


def test_the_length_reads_as_an_attribute_and_as_a_method(storage):
    storage.update(a="1", b="2")
    assert storage.length == 2
    assert storage.length() == 2
    assert f"{storage.length}" == "2"
