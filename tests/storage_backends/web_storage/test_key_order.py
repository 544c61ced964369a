"""Keys come in the order of each engine's hash table: live, in another process, after a restart."""

import hashlib
import json
import random
import time
from pathlib import Path

import pytest

from tfjsd.storage_backends.browsers import FIREFOX
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.web_storage.key_order.blink import rapidhash
from tfjsd.storage_backends.web_storage.key_order.orders import key_order
from tfjsd.storage_backends.web_storage.operations import SetItem
from tfjsd.storage_backends.web_storage.session_area import SessionArea
from tfjsd.storage_backends.web_storage.storage_area import StorageArea

HERE = Path(__file__).parent
LISTS = json.loads((HERE / "key_order_lists.json").read_text())
RECORDED = json.loads((HERE.parents[1] / "corpus" / "localstorage_order.json").read_text())["sequences"]
ENGINES = [("chromium", "blink"), ("firefox", "gecko"), ("webkit", "webkit")]


def digest(keys):
    return hashlib.sha256("\x1f".join(keys).encode("utf-16-le", "surrogatepass")).hexdigest()


def replay(order, operations):
    log = order.log()
    last_set: dict[str, None] = {}
    for operation, key in operations:
        known = key in last_set
        last_set.pop(key, None)
        if operation == "set":
            last_set[key] = None
            if known:
                log.overwrite(key)
            else:
                log.add(key)
        elif known:
            log.remove(key)
    return log, list(last_set)


@pytest.mark.parametrize(("engine", "name"), ENGINES)
@pytest.mark.parametrize("case", LISTS["cases"], ids=lambda case: case["title"])
def test_order_live_in_a_new_process_and_after_a_restart(case, engine, name):
    order = key_order(name)
    expected = case["expected"][engine]
    log, last_set = replay(order, case["ops"])
    assert log.keys()[:4] == expected["head"]
    assert digest(log.keys()) == expected["live"]
    assert digest(order.new_process_table(last_set).keys()) == expected["newProcess"]
    restarted = order.log(lambda: order.after_restart(last_set))
    assert digest(restarted.keys()) == expected["restart"]


@pytest.mark.parametrize(("engine", "name"), ENGINES)
def test_order_of_8333_keys_takes_less_than_a_second(engine, name):
    order = key_order(name)
    keys = [f"tensorflowjs_models/m{number}/info" for number in range(8333)]
    started = time.process_time()
    log, _ = replay(order, [("set", key) for key in keys])
    found = log.keys()
    assert time.process_time() - started < 1.0
    assert digest(found) == LISTS["big"]["expected"][engine]["live"]


@pytest.mark.parametrize(("engine", "name"), ENGINES)
def test_order_of_the_recorded_sequences(engine, name):
    compared = 0
    for sequence in RECORDED:
        results = sequence["results"].get("all") or sequence["results"][engine]
        log = key_order(name).log()
        there: set[str] = set()
        for operation, result in zip(sequence["ops"], results, strict=True):
            match operation["op"]:
                case "set" if operation["key"] not in there:
                    log.add(operation["key"])
                    there.add(operation["key"])
                case "remove" if operation["key"] in there:
                    log.remove(operation["key"])
                    there.discard(operation["key"])
                case "clear":
                    log.clear()
                    there.clear()
                case "keys":
                    assert log.keys() == result, sequence["id"]
                    compared += 1
    assert compared >= 20


@pytest.mark.parametrize(("_engine", "name"), ENGINES)
def test_a_log_goes_back_to_every_mark(_engine, name):
    draw = random.Random(3)
    log = key_order(name).log()
    there: set[str] = set()
    history = []
    for step in range(400):
        history.append((log.mark(), sorted(there), log.keys().copy() if step % 3 == 0 else None))
        key = f"key{draw.randrange(60)}"
        if key in there:
            log.remove(key)
            there.discard(key)
        else:
            log.add(key)
            there.add(key)
        if draw.random() < 0.02:
            log.clear()
            there.clear()
    for mark, keys, order in reversed(history):
        assert sorted(mark.keys()) == keys
        assert order is None or mark.keys() == order
        log.rewind(mark)
        assert log.keys() == mark.keys()


@pytest.mark.parametrize(("_engine", "name"), ENGINES)
def test_a_long_history_of_one_key_takes_no_room(_engine, name):
    log = key_order(name).log()
    for _ in range(10_000):
        log.add("k")
        log.remove("k")
    assert len(log.mark().log) <= 4096
    assert log.keys() == []


# Found in Firefox 153, and worked out from PLDHashTable.cpp: an overwritten key is inserted anew, which may grow the table,
# a refused one is inserted and taken back, and slots after a reused one are not marked as collided.
GROWING = [("add", f"item{number}") for number in range(6)]


def test_firefox_grows_its_table_for_a_key_that_is_there():
    log = key_order("gecko").log()
    for change, key in GROWING:
        getattr(log, change)(key)
    before = log.keys().copy()
    log.overwrite("item1")
    assert log.keys() != before
    assert sorted(log.keys()) == sorted(before)


def test_firefox_grows_its_table_for_a_key_that_is_refused():
    log = key_order("gecko").log()
    for change, key in GROWING:
        getattr(log, change)(key)
    before = log.keys().copy()
    log.refuse("item1")
    assert log.keys() != before


def test_firefox_inserts_an_empty_value_again_but_not_in_session_storage():
    """Found by the live run: sessionStorage takes any value that is there already for no operation."""
    with Home(None, engines=memory_engine) as home:
        areas = (StorageArea(home.bucket("http://localhost"), FIREFOX), SessionArea(FIREFOX))
        for area, is_moved in zip(areas, (True, False), strict=True):
            for _, key in GROWING:
                area.submit([SetItem(key, "")]).result(5)
            before = area.keys()
            area.submit([SetItem("item1", "")]).result(5)
            assert (area.keys() != before) == is_moved


@pytest.mark.parametrize("name", ["blink", "webkit"])
def test_other_tables_notice_neither(name):
    log = key_order(name).log()
    for change, key in GROWING * 2:
        getattr(log, change)(key)
    before = log.keys().copy()
    log.overwrite("item1")
    log.refuse("item1")
    log.refuse("zz")
    assert log.keys() == before


@pytest.mark.parametrize(("name", "is_new"), [("blink", True), ("webkit", True), ("gecko", False)])
def test_clearing_an_empty_area_makes_a_new_table_but_in_firefox(name, is_new):
    log = key_order(name).log()
    for number in range(5):
        log.add(f"item{number}")
    for number in range(5):
        log.remove(f"item{number}")
    log.clear(was_empty=True)
    assert (log.mark().length == 0) is is_new
    log.clear()
    assert log.mark().length == 0


def test_firefox_does_not_mark_slots_after_the_one_it_reuses():
    smile, high, bee, zero, ka, ba = (
        "\U0001f600/b0\x00a\u0100",
        "\ud83d\u4e2d\xe9",
        "\x00b\u4e2db0",
        "0\u0100__\xe9k\ude00b",
        "\xffka",
        "ba0b\U0001f600\xe9",
    )
    log = key_order("gecko").log()
    for key in (smile, high, bee, zero):
        log.add(key)
    log.remove(bee)
    log.add(ka)
    log.add(bee)
    log.remove(zero)
    log.add(ba)
    log.overwrite(high)
    assert log.keys() == [smile, ka, bee, ba, high]


@pytest.mark.parametrize("length", [0, 1, 3, 4, 7, 8, 15, 16, 17, 32, 33, 47, 48, 49, 95, 96, 97, 200])
def test_rapidhash_depends_on_every_byte(length):
    data = bytes(range(256))[:length]
    flipped = {data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :] for i in range(length)}
    assert len({rapidhash(other) for other in flipped | {data}}) == length + 1
