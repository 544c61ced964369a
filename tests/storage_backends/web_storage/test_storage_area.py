"""A storage area is durable, all or nothing, and shows others only what is committed."""

import random
import threading
import time
from concurrent.futures import Future

import pytest

from tfjsd.errors import CorruptionError, QuotaExceededError, StoreFailedError
from tfjsd.storage_backends.abc import INLINE_LIMIT, Blob
from tfjsd.storage_backends.browsers import CHROME, FIREFOX, SAFARI
from tfjsd.storage_backends.engines.faulty import Fault, Faults, faulty_factory
from tfjsd.storage_backends.engines.leveldb import leveldb_factory
from tfjsd.storage_backends.engines.memory import MemoryEngine, memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.verification import verify_home
from tfjsd.storage_backends.web_storage.operations import Change, Clear, RemoveItem, SetItem
from tfjsd.storage_backends.web_storage.storage_area import StorageArea
from tfjsd.storage_backends.web_storage.storage_event import StorageEvent
from tfjsd.storage_backends.web_storage.text import EncodedText

ORIGIN = "https://app.example"
TEXTS = [
    "",
    "\0",
    "plain",
    "\xff",
    "\u4e2d\u6587",
    "\U0001f600",
    "\ud800",
    "a\udc00z",
    "x" * 200_000,
    "\u4e2d" * 80_000,
]


class GatedEngine(MemoryEngine):
    """Holds or fails writes when told to."""

    may_be_late = False

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.failing = False

    def write(self, batch, *, sync):
        self.gate.wait(10)
        if self.failing:
            raise StoreFailedError("the disk failed", outcome="unchanged")
        super().write(batch, sync=sync)

    def close(self):
        """The bucket reopens its engine after a failure: here the same one."""


@pytest.fixture
def home():
    with Home(None, engines=memory_engine) as home:
        yield home


@pytest.fixture
def bucket(home):
    return home.bucket(ORIGIN)


@pytest.fixture
def area(bucket):
    return StorageArea(bucket, CHROME)


@pytest.fixture
def gated():
    """An area and the engine below it."""
    engine = GatedEngine()
    with Home(None, engines=lambda directory, *, create: engine) as home:
        area = StorageArea(home.bucket(ORIGIN), CHROME)
        area.set_item("first", "1").result(5)
        yield area, engine
        engine.gate.set()


def sequence(area, operation, *, source=None, url=""):
    """A change whose commit is left to the pool."""
    with area._bucket.mutate() as mutation:
        area.apply(mutation, [operation], source=source, url=url)
    return mutation.future


def set_all(area, items):
    area.submit([SetItem(key, value) for key, value in items]).result(5)


# -- Restart -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "leveldb"])
def reopening(request, tmp_path):
    """Opens an area again and again; with LevelDB everything is closed in between."""
    homes: list[Home] = []

    def reopen(browser=CHROME):
        if request.param == "memory":
            if not homes:
                homes.append(Home(None, engines=memory_engine))
        else:
            for home in homes:
                home.close()
            homes.append(Home(tmp_path / "home", engines=leveldb_factory()))
        return StorageArea(homes[-1].bucket(ORIGIN), browser)

    yield reopen
    for home in homes:
        home.close()


def test_every_text_survives_a_restart(reopening):
    items = [(f"{number}{text[:3]}", text) for number, text in enumerate(TEXTS)] + [(text[:5], "v") for text in TEXTS]
    area = reopening()
    set_all(area, items)
    area.remove_item("").result(5)
    expected = {key: value for key, value in items if key}
    again = reopening()
    assert dict(again.items()) == expected
    assert again.used() == area.used()
    assert again.units() == area.units()
    assert again.length() == len(expected)


@pytest.mark.parametrize(
    ("browser", "live", "restarted"),
    [
        # Recorded live orders of item0 to item6; after a restart as the engine's table is filled then.
        (CHROME, ["item4", "item3", "item6", "item2", "item0", "item1", "item5"], None),
        (FIREFOX, ["item6", "item0", "item1", "item2", "item3", "item4", "item5"], None),
        (SAFARI, ["item5", "item6", "item2", "item1", "item3", "item0", "item4"], None),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_order_after_a_restart_is_the_engines(reopening, browser, live, restarted):
    area = reopening(browser)
    set_all(area, [(f"item{number}", "v") for number in range(7)])
    assert area.keys() == live
    new_process = area.keys_in_new_process()
    again = reopening(browser)
    assert sorted(again.keys()) == sorted(live)
    if browser is CHROME:
        assert again.keys() == new_process
    once_more = reopening(browser)
    assert once_more.keys() == again.keys()


def test_the_last_set_item_of_a_key_decides_its_place_after_a_restart(reopening):
    first = reopening(FIREFOX)
    set_all(first, [(f"item{number}", "v") for number in range(7)])
    first.set_item("item0", "changed").result(5)
    first.set_item("item1", "v").result(5)  # the same value: not a change
    expected = StorageArea(Home(None, engines=memory_engine).bucket("x"), FIREFOX)
    set_all(expected, [(f"item{number}", "v") for number in (1, 2, 3, 4, 5, 6, 0)])
    assert reopening(FIREFOX).keys_in_new_process() == StorageArea(expected._bucket, FIREFOX).keys_in_new_process()


def test_ten_thousand_keys_open_quickly_and_undecoded(reopening):
    area = reopening()
    set_all(area, [(f"key{number}", f"value{number}" * 4) for number in range(10_000)])
    again = reopening()
    started = time.process_time()
    assert again.length() == 10_000
    assert time.process_time() - started < 0.5
    assert again.get_item("key77") == "value77" * 4
    assert len(again.keys()) == 10_000


def test_reading_an_origin_that_does_not_exist_creates_nothing(tmp_path):
    with Home(tmp_path / "home", engines=leveldb_factory()) as home:
        area = StorageArea(home.bucket(ORIGIN), CHROME)
        assert (area.get_item("k"), area.length(), area.keys(), area.used(), area.stored("k")) == (None, 0, [], 0, None)
        area.remove_item("k").result(5)
        area.clear().result(5)
        with pytest.raises(QuotaExceededError):
            area.set_item("k", "x" * 6_000_000)
        assert home.origins() == []
        assert list((tmp_path / "home").glob("buckets/*")) == []


# -- All or nothing ----------------------------------------------------------------------------------------------------


def test_a_refused_batch_leaves_no_trace(area, bucket):
    set_all(area, [("a", "1"), ("b", "2"), ("c", "x" * 200_000)])
    before = (area.items(), area.used(), area.generation, area.keys_in_new_process(), dict(bucket.scan(b"\0", None)))
    blobs = sorted(bucket.blobs.digests())
    operations = [
        RemoveItem("a"),
        SetItem("new", "y" * 300_000),
        Clear(),
        SetItem("b", "3"),
        SetItem("big", "x" * 6_000_000),
    ]
    with pytest.raises(QuotaExceededError):
        area.submit(operations)
    after = (area.items(), area.used(), area.generation, area.keys_in_new_process(), dict(bucket.scan(b"\0", None)))
    assert after == before
    assert sorted(bucket.blobs.digests()) == blobs


def test_an_apply_that_is_refused_adds_nothing_to_the_mutation(area, bucket):
    with bucket.mutate() as mutation:
        area.apply(mutation, [SetItem("kept", "1")])
        with pytest.raises(QuotaExceededError):
            area.apply(mutation, [SetItem("lost", "1"), SetItem("big", "x" * 6_000_000)])
    mutation.future.result(5)
    assert area.items() == [("kept", "1")]
    assert StorageArea(bucket, CHROME).items() == [("kept", "1")]


def test_a_block_that_raises_takes_the_changes_back(area, bucket):
    set_all(area, [("a", "1"), ("b", "2")])
    generation = area.generation
    order = area.keys()

    def change_and_raise():
        with bucket.mutate() as mutation:
            area.apply(mutation, [SetItem("a", "9"), Clear()])
            area.apply(mutation, [SetItem("c", "3")])
            assert area.items() == [("c", "3")]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_raise()
    assert dict(area.items()) == {"a": "1", "b": "2"}
    assert area.keys() == order
    assert area.generation > generation


def test_a_commit_that_fails_takes_the_changes_back(gated):
    area, engine = gated
    engine.failing = True
    events: list[StorageEvent] = []
    area.subscribe(events.append)
    with pytest.raises(StoreFailedError):
        area.submit([SetItem("first", "2"), SetItem("second", "x" * 200_000)]).result(5)
    assert area.items() == [("first", "1")]
    assert events == []
    engine.failing = False
    area.set_item("second", "3").result(5)
    assert dict(area.items()) == {"first": "1", "second": "3"}


def test_apply_tells_what_changed(area, bucket):
    set_all(area, [("same", "1"), ("gone", "1")])
    with bucket.mutate() as mutation:
        changes = area.apply(
            mutation,
            [SetItem("same", "1"), SetItem("same", "2"), SetItem("new", ""), RemoveItem("gone"), RemoveItem("gone")],
        )
        changes += area.apply(mutation, [Clear(), Clear()])
    assert changes == [
        Change("same", True, True),
        Change("new", False, True),
        Change("gone", True, False),
        Change(None, True, False),
    ]


def test_the_generation_grows_with_changes_only(area):
    start = area.generation
    area.set_item("a", "1").result(5)
    assert area.generation > start
    start = area.generation
    area.set_item("a", "1").result(5)
    area.remove_item("b").result(5)
    assert area.generation == start


# -- Large values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "width"), [("x" * (INLINE_LIMIT + 1), 1), ("\u4e2d" * (INLINE_LIMIT // 2 + 1), 2)])
def test_values_above_the_inline_limit_are_blobs(area, bucket, text, width):
    area.set_item("inline", text[1:]).result(5)
    area.set_item("k", text).result(5)
    inline, stored = area.stored("inline"), area.stored("k")
    assert inline is not None
    assert isinstance(inline.data, bytes)
    assert stored is not None
    assert isinstance(stored.data, Blob)
    assert (stored.width, stored.units, stored.byte_length) == (width, len(text), stored.data.size)
    assert area.get_item("k") == text
    assert StorageArea(bucket, CHROME).get_item("k") == text


def test_the_blob_goes_when_its_item_does(area, bucket):
    text = "x" * 200_000
    area.set_item("a", text).result(5)
    area.set_item("b", text).result(5)
    area.set_item("a", text).result(5)
    area.set_item("a", "short").result(5)
    assert area.get_item("b") == text
    area.remove_item("b").result(5)
    deadline = time.monotonic() + 5
    while list(bucket.blobs.digests()) and time.monotonic() < deadline:
        bucket.mutate()
        time.sleep(0.01)
    assert list(bucket.blobs.digests()) == []


def test_values_are_copied_without_decoding(area, bucket):
    set_all(area, [("a", "\u4e2d"), ("b", "x" * 200_000)])
    copies = [(key, area.stored(key)) for key in "ab"]
    area.submit([SetItem(f"copy-{key}", stored) for key, stored in copies if stored is not None]).result(5)
    again = StorageArea(bucket, CHROME)
    assert (again.get_item("copy-a"), again.get_item("copy-b")) == ("\u4e2d", "x" * 200_000)
    area.remove_item("b").result(5)
    assert area.get_item("copy-b") == "x" * 200_000


def test_what_was_prepared_and_given_up_is_not_kept(area, bucket):
    prepared = area.prepare([SetItem("a", "x" * 200_000)])
    assert isinstance(prepared[0].value, EncodedText)
    assert isinstance(prepared[0].value.data, Blob)
    area.discard(prepared)
    deadline = time.monotonic() + 5
    while list(bucket.blobs.digests()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(bucket.blobs.digests()) == []


def test_what_does_not_fit_is_refused_before_it_is_staged(area, bucket):
    with pytest.raises(QuotaExceededError):
        area.prepare([SetItem("a", "x" * 5_242_880)])
    assert list(bucket.blobs.digests()) == []


@pytest.mark.parametrize(
    "operations",
    [
        [SetItem("new", "1"), SetItem("big", "q" * 200_000), RemoveItem("new")],
        [SetItem("k", "\u20ac\u20ac\u20ac"), SetItem("big", "q" * 200_000), SetItem("k", "d")],
        [SetItem("big", "p" * 200_000), SetItem("big", "q" * 200_000), SetItem("big", "p" * 200_000)],
        [SetItem("big", "q" * 200_000), Clear(), SetItem("k", "e")],
    ],
)
def test_a_key_may_occur_twice_beside_a_large_value(area, operations):
    set_all(area, [("k", "abc")])
    expected = {"k": "abc"}
    for operation in operations:
        if isinstance(operation, SetItem):
            expected[operation.key] = operation.value
        elif isinstance(operation, RemoveItem):
            del expected[operation.key]
        else:
            expected.clear()
    area.submit(operations).result(5)
    assert dict(area.items()) == expected


def test_values_beyond_the_cache_are_read_again(bucket):
    area = StorageArea(bucket, CHROME.derive(local_storage_quota=None))
    values = {f"k{number}": chr(65 + number % 26) * 120_000 for number in range(200)}
    for start in range(0, 200, 50):
        set_all(area, list(values.items())[start : start + 50])
    cached = sum(item.value is not None for item in area._loaded().items.values())
    assert 0 < cached < 200
    assert dict(area.items()) == values


@pytest.mark.parametrize("damage", [b"", b"\x01", b"\x03" + bytes(9), b"\x02" + bytes(9), b"\x11" + bytes(20)])
def test_a_damaged_record_is_named(bucket, damage):
    with bucket.mutate() as mutation:
        mutation.put(b"\x02\x01key", damage)
    mutation.future.result(5)
    with pytest.raises(CorruptionError, match=b"\x02\x01key".hex()):
        StorageArea(bucket, CHROME).get_item("key")


def test_a_flipped_bit_in_a_large_value_is_no_other_value(tmp_path):
    with Home(tmp_path / "home", engines=leveldb_factory()) as home:
        StorageArea(home.bucket(ORIGIN), CHROME).set_item("key", "x" * 200_000).result(20)
        (blob,) = tmp_path.glob("home/buckets/*/blobs/*")
        blob.chmod(0o600)
        blob.write_bytes(b"y" + blob.read_bytes()[1:])
        with pytest.raises(CorruptionError, match=blob.name):
            StorageArea(home.bucket(ORIGIN), CHROME).get_item("key")


# -- Other clients -----------------------------------------------------------------------------------------------------


def test_others_see_a_change_once_it_is_committed(gated):
    area, engine = gated
    mine, theirs = object(), object()
    engine.gate.clear()
    pending: list[Future[None]] = [
        sequence(area, SetItem("first", "2"), source=mine),
        sequence(area, SetItem("second", "2"), source=mine),
        sequence(area, RemoveItem("first"), source=mine),
    ]
    assert area.items(source=mine) == area.items() == [("second", "2")]
    assert area.items(source=theirs) == [("first", "1")]
    assert (area.length(source=theirs), area.key(0, source=theirs)) == (1, "first")
    assert area.get_item("second", source=theirs) is None
    pending.append(sequence(area, Clear(), source=mine))
    assert area.length(source=mine) == 0
    assert area.get_item("first", source=theirs) == "1"
    engine.gate.set()
    for future in pending:
        future.result(5)
    assert area.items(source=theirs) == []


def test_who_writes_upon_a_pending_change_sees_it(gated):
    area, engine = gated
    mine, theirs = object(), object()
    engine.gate.clear()
    sequence(area, SetItem("first", "2"), source=mine)
    last = sequence(area, SetItem("own", "3"), source=theirs)
    assert dict(area.items(source=theirs)) == {"first": "2", "own": "3"}
    assert dict(area.items(source=mine)) == {"first": "2"}
    engine.gate.set()
    last.result(5)
    assert dict(area.items(source=mine)) == {"first": "2", "own": "3"}


def test_others_still_read_what_a_pending_clear_took_away(gated):
    area, engine = gated
    set_all(area, [("large", "x" * 200_000), ("small", "s")])
    fresh = StorageArea(area._bucket, CHROME)  # nothing of it is cached
    mine, theirs = object(), object()
    engine.gate.clear()
    cleared = sequence(fresh, Clear(), source=mine)
    assert dict(fresh.items(source=theirs)) == {"first": "1", "large": "x" * 200_000, "small": "s"}
    engine.gate.set()
    cleared.result(5)
    assert fresh.items(source=theirs) == []


def test_events_go_to_the_others_after_the_commit(gated):
    area, engine = gated
    mine, theirs = object(), object()
    heard: dict[str, list[StorageEvent]] = {"mine": [], "theirs": [], "all": []}
    area.subscribe(heard["mine"].append, source=mine)
    area.subscribe(heard["theirs"].append, source=theirs)
    stop = area.subscribe(heard["all"].append)
    engine.gate.clear()
    pending = sequence(area, SetItem("first", "2"), source=mine, url="https://app.example/page")
    assert heard["theirs"] == []
    engine.gate.set()
    pending.result(5)
    event = StorageEvent("first", "1", "2", "https://app.example/page", "localStorage")
    assert heard == {"mine": [], "theirs": [event], "all": [event]}
    stop()
    sequence(area, Clear(), source=theirs, url="u").result(5)
    assert heard["mine"] == [StorageEvent(None, None, None, "u", "localStorage")]
    assert heard["all"] == [event]


def test_what_changes_nothing_has_no_event(area):
    events: list[StorageEvent] = []
    area.subscribe(events.append)
    area.clear().result(5)
    area.set_item("a", "1").result(5)
    area.set_item("a", "1").result(5)
    area.remove_item("b").result(5)
    with pytest.raises(QuotaExceededError):
        area.set_item("a", "x" * 6_000_000)
    assert events == [StorageEvent("a", None, "1", f"{ORIGIN}/", "localStorage")]


def test_events_carry_large_values(area):
    events: list[StorageEvent] = []
    area.set_item("a", "x" * 200_000).result(5)
    area.subscribe(events.append)
    area.set_item("a", "y" * 200_000).result(5)
    area.remove_item("a").result(5)
    assert [(event.old_value, event.new_value) for event in events] == [
        ("x" * 200_000, "y" * 200_000),
        ("y" * 200_000, None),
    ]


def test_a_listener_that_fails_is_nobody_elses_matter(area, caplog):
    events: list[StorageEvent] = []

    def fail(event):
        raise ZeroDivisionError

    area.subscribe(fail)
    area.subscribe(events.append)
    area.set_item("a", "1").result(5)
    assert len(events) == 1
    assert "a storage event listener failed" in caplog.text


# -- The short way of one short item -----------------------------------------------------------------------------------


def test_a_short_item_is_stored_like_any_other(reopening):
    area = reopening()
    area.set_item("a", "0").result(5)
    for number in range(50):
        assert area.set_item(f"k{number % 7}", f"\u4e2d{number}", "relaxed").done()
    again = reopening()
    assert dict(again.items()) == {"a": "0", **{f"k{number % 7}": f"\u4e2d{number}" for number in range(50)}}
    assert again.used() == area.used()


def test_the_bucket_counts_what_took_the_short_way(tmp_path):
    with Home(tmp_path / "home", engines=leveldb_factory()) as home:
        bucket = home.bucket(ORIGIN)
        area = StorageArea(bucket, CHROME)
        area.set_item("a", "0").result(5)
        for value in ("1", "22", "22", "333"):
            area.set_item("a", value, "relaxed").result(5)
            area.set_item(f"b{value}", value, "relaxed").result(5)
        area.set_item("large", "x" * 200_000, "relaxed").result(5)
        area.set_item("large", "short", "relaxed").result(5)
        expected = {(key, len(key) + len(value)) for key, value in bucket.scan(b"\x02", b"\x03")}
        assert bucket.totals().count == len(expected)
        assert bucket.bytes_used() == sum(size for _, size in expected)
    with Home(tmp_path / "home", engines=leveldb_factory()) as home:
        assert home.bucket(ORIGIN).totals().count == len(expected)


@pytest.mark.parametrize("engines", [memory_engine, leveldb_factory()], ids=["memory", "leveldb"])
@pytest.mark.parametrize("browser", [CHROME, FIREFOX, SAFARI], ids=["chrome", "firefox", "safari"])
def test_the_catalogue_and_the_quota_agree_whichever_way_an_item_took(tmp_path, browser, engines):
    """Short and long ways in turn, over the same items: new ones, other widths, the same value, removals."""
    choose = random.Random(5)
    texts = ["", "plain", "\u4e2d\u6587", "\xff", "\U0001f600", "\ud800", "x" * 70_000]
    expected: dict[str, str] = {}
    with Home(None if engines is memory_engine else tmp_path / "home", engines=engines) as home:
        bucket = home.bucket(ORIGIN)
        area = StorageArea(bucket, browser)
        for _ in range(300):
            key, text = choose.choice("abcd\u4e2d"), choose.choice(texts)
            if choose.random() < 0.2 and key in expected:
                area.remove_item(key, "relaxed").result(5)
                del expected[key]
            else:
                area.set_item(key, text, choose.choice(["relaxed"] * 9 + ["strict"])).result(5)
                expected[key] = text
            assert area.get_item(key) == expected.get(key)
            if choose.random() < 0.1:
                assert bucket.totals().count == len(expected)
        opened = StorageArea(bucket, browser)
        assert dict(opened.items()) == dict(area.items()) == expected
        assert opened.used() == area.used()
        assert verify_home(home).ok


def test_a_short_item_whose_outcome_is_unknown_is_taken_back(tmp_path):
    faults = Faults()
    with Home(tmp_path / "home", engines=faulty_factory(leveldb_factory(), faults)) as home:
        area = StorageArea(home.bucket(ORIGIN), CHROME)
        area.set_item("a", "old").result(5)
        for key in ("a", "new"):
            faults.planned += [Fault("write", faults.calls["write"] + 1, applied=True)]
            faults.planned += [Fault("open", faults.calls["open"] + 1)]
            with pytest.raises(StoreFailedError) as caught:
                area.set_item(key, "changed", "relaxed")
            assert caught.value.outcome == "unknown"
            assert dict(area.items()) == {"a": "old"}
            assert dict(StorageArea(home.bucket(ORIGIN), CHROME).items()) == {"a": "old"}
        assert verify_home(home).ok


def test_a_write_that_fails_in_the_caller_changes_nothing(gated):
    area, engine = gated
    area.set_item("second", "2").result(5)
    before, order, generation = area.items(), area.keys(), area._bucket.totals()
    engine.failing = True
    with pytest.raises(StoreFailedError):
        area.set_item("first", "changed", "relaxed").result(5)
    assert (area.items(), area.keys()) == (before, order)
    assert area._bucket.totals().count == generation.count
    engine.failing = False
    area.set_item("first", "3", "relaxed").result(5)
    assert area.get_item("first") == "3"
    assert StorageArea(area._bucket, CHROME).get_item("first") == "3"


def test_the_short_way_is_closed_while_something_is_pending(gated):
    area, engine = gated
    engine.gate.clear()
    first = sequence(area, SetItem("first", "2"))
    second = area.set_item("first", "3", "relaxed")
    assert not second.done()
    engine.gate.set()
    first.result(5)
    second.result(5)
    assert StorageArea(area._bucket, CHROME).get_item("first") == "3"


def test_threads_lose_no_update(area):
    def work(number):
        for step in range(100):
            area.set_item(f"{number}-{step % 10}", str(step), "relaxed", source=number).result(10)
            assert area.get_item(f"{number}-{step % 10}", source=number) == str(step)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = {f"{number}-{digit}": f"{90 + digit}" for number in range(4) for digit in range(10)}
    assert dict(area.items()) == expected
    assert area.used() == sum(len(key) + len(value) for key, value in expected.items())


# -- Quota that others share -------------------------------------------------------------------------------------------


def test_a_full_bucket_refuses_growth_where_the_browser_shares_the_quota(bucket):
    area = StorageArea(bucket, FIREFOX)
    area.set_item("a", "12345").result(5)
    room = [3]
    area.share_quota(lambda growth: growth <= room[0])
    with pytest.raises(QuotaExceededError, match="The quota has been exceeded"):
        area.set_item("b", "123")
    area.set_item("b", "12").result(5)
    room[0] = 0
    area.set_item("a", "1").result(5)
    area.remove_item("b").result(5)


def test_firefox_grants_freed_room_again_within_a_task(bucket):
    area = StorageArea(bucket, FIREFOX.derive(local_storage_quota=None))
    set_all(area, [("a", "x" * 40)])
    small = StorageArea(bucket, FIREFOX.derive(local_storage_quota=20))
    small.set_item("a", "x" * 30).result(5)
    small.set_item("a", "y" * 40).result(5)
    small.set_item("a", "x" * 30).result(5)
    small.end_task()
    with pytest.raises(QuotaExceededError):
        small.set_item("a", "y" * 40)
    assert small.get_item("a") == "x" * 30


def test_changes_without_a_sync_are_committed_by_the_caller(area, tmp_path):
    threads: list[str] = []

    def listen(event):
        threads.append(threading.current_thread().name)

    area.subscribe(listen)
    assert area.set_item("a", "1").done()
    assert area.set_item("a", "2", "relaxed").done()
    with Home(tmp_path / "home", engines=leveldb_factory()) as home:
        durable = StorageArea(home.bucket(ORIGIN), CHROME)
        durable.subscribe(listen)
        assert durable.set_item("a", "1", "relaxed").done()
        durable.set_item("a", "2").result(5)
    assert threads[:3] == [threading.current_thread().name] * 3
    assert threads[3].startswith("tfjsd-commit")


def test_what_a_mutation_set_can_be_copied_within_it(area, bucket):
    with bucket.mutate() as mutation:
        area.apply(mutation, [SetItem("a", "\u4e2d"), SetItem("b", "x" * 200_000)])
        copies = [(key, area.stored(key)) for key in "ab"]
        area.apply(mutation, [SetItem(f"copy-{key}", stored) for key, stored in copies if stored is not None])
    mutation.future.result(5)
    again = StorageArea(bucket, CHROME)
    assert (again.get_item("copy-a"), again.get_item("copy-b")) == ("\u4e2d", "x" * 200_000)


def test_readers_never_see_what_is_refused(area):
    area.set_item("a", "1").result(5)
    seen: set[object] = set()
    stop = threading.Event()

    def read(source):
        while not stop.is_set():
            seen.update((area.get_item("a", source=source), area.length(source=source), area.used()))

    readers = [threading.Thread(target=read, args=(source,)) for source in (None, object())]
    for reader in readers:
        reader.start()
    for _ in range(200):
        with pytest.raises(QuotaExceededError):
            area.submit([SetItem("a", "2"), SetItem("b", ""), SetItem("c", "x" * 60_000), SetItem("k" * 6_000_000, "")])
    stop.set()
    for reader in readers:
        reader.join()
    assert seen == {"1", 1, 2}
