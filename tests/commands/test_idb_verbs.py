"""``tfjsd idb``, on an embedded store and through a daemon."""

import json
import math
from datetime import UTC, datetime

import numpy as np
import pytest
from client_support.daemon_thread import running_daemon

import tfjsd
from tfjsd.commands import idb_work
from tfjsd.commands.arguments import UsageError
from tfjsd.commands.idb_arguments import key_of, range_of
from tfjsd.commands.json_value import json_value
from tfjsd.commands.value_json import raw_bytes, value_json
from tfjsd.errors import DataCloneError, DataError
from tfjsd.storage_backends.script_collections import Map, Set
from tfjsd.storage_backends.script_types import BinaryView, Blob, Boxed, Date, File, RegExp, ScriptError
from tfjsd.storage_backends.values import cannot_stage, encode


class Kept:
    """A store that a command may close without closing it."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None


@pytest.fixture(params=["embedded", "daemon"])
def store(request):
    if request.param == "embedded":
        with tfjsd.open_store() as store:
            yield Kept(store)
    else:
        pytest.importorskip("plyvel")
        with running_daemon() as daemon, tfjsd.connect(home=daemon.home, autostart=False) as store:
            yield Kept(store)


@pytest.fixture
def shop(store):
    store.run(_fill)


async def _fill(client):
    def upgrade(db, tx, old, new):
        books = db.create_object_store("books", key_path="isbn")
        books.create_index("by_author", "author")
        db.create_object_store("covers", auto_increment=True)

    with await client.indexed_db().open("shop", 3, upgrade=upgrade) as db:
        async with db.transaction(["books", "covers"], "readwrite") as tx:
            for isbn, author in ((1, "b"), (2, "a"), (3, "b")):
                tx.object_store("books").put({"isbn": isbn, "author": author})
            tx.object_store("covers").put(np.arange(4, dtype=np.float32), "vector")
            tx.object_store("covers").put("text", "7")


def test_databases_and_stores_are_listed(run, shop, schemas):
    listed = json.loads(run("idb", "databases", "--json").out)
    schemas.validate("idb-databases", listed)
    assert listed == [{"name": "shop", "version": 3}]
    assert "shop" in run("idb", "databases").out
    stores = json.loads(run("idb", "stores", "shop", "--json").out)
    schemas.validate("idb-stores", stores)
    assert [(store["name"], store["keyPath"], store["records"]) for store in stores["stores"]] == [
        ("books", "isbn", 3),
        ("covers", None, 2),
    ]
    assert "by_author" in run("idb", "stores", "shop").out


def test_what_is_not_there_is_an_error_and_is_not_made(run, shop):
    done = run("idb", "stores", "none")
    assert (done.code, "no database 'none'" in done.err) == (1, True)
    assert run("idb", "get", "shop", "books", "9").code == 1
    assert run("idb", "get", "shop", "none", "9").code == 1
    assert json.loads(run("idb", "databases", "--json").out) == [{"name": "shop", "version": 3}]


def test_what_is_not_there_is_named_beside_what_is(run, shop):
    for verb in (("get", "shop", "none", "9"), ("put", "shop", "none", "9"), ("count", "shop", "none")):
        done = run("idb", *verb)
        assert (done.code, "no object store 'none' in 'shop'" in done.err) == (1, True)
        assert "there is 'books', 'covers'" in done.err
    done = run("idb", "records", "shop", "books", "--index", "none")
    assert (done.code, "no index 'none' on 'books' of 'shop'" in done.err) == (1, True)
    assert "there is 'by_author'" in done.err
    assert "there are no indexes" in run("idb", "count", "shop", "covers", "--index", "none").err


def test_a_value_that_is_no_json_is_called_by_its_name(run, shop):
    for stdin, value in ((None, "not json"), (b"{", "-")):
        done = run("idb", "put", "shop", "covers", value, "k", stdin=stdin)
        assert (done.code, "VALUE is no JSON" in done.err, "--raw" in done.err) == (1, True, True)


async def test_a_deletion_says_that_it_waits():
    async with tfjsd.aopen_store() as store:
        db = await store.indexed_db().open("d", 3)
        waited = []

        def waits():
            waited.append(db.name)
            db.close()

        assert await idb_work.delete_database(store, "d", waits) == 3
        assert waited == ["d"]


def test_a_key_is_json_where_it_parses_else_text(run, shop):
    assert json.loads(run("idb", "get", "shop", "books", "2").out) == {"isbn": 2, "author": "a"}
    assert run("idb", "get", "shop", "covers", '"7"').out == '"text"\n'
    assert run("idb", "get", "shop", "covers", "7").code == 1
    assert key_of("seven") == "seven"
    assert key_of('[1,"a"]') == [1, "a"]


def test_bytes_are_read_and_written_as_they_are(run, shop, tmp_path):
    target = tmp_path / "vector.bin"
    assert run("idb", "get", "shop", "covers", "vector", "--raw", "-o", str(target)).code == 0
    assert target.read_bytes() == np.arange(4, dtype=np.float32).tobytes()
    done = run("idb", "put", "shop", "covers", f"@{target}", "bytes", "--raw", "--json")
    assert json.loads(done.out) == {"key": "bytes"}
    shown = json.loads(run("idb", "get", "shop", "covers", "bytes", "--json").out)
    assert shown == {"$bytes": "AAAAAAAAgD8AAABAAABAQA=="}
    assert run("idb", "get", "shop", "books", "1", "--raw").code == 1


def test_put_stores_json_and_says_its_key(run, shop, schemas):
    put = json.loads(run("idb", "put", "shop", "books", '{"isbn": 4, "author": "c"}', "--json").out)
    schemas.validate("idb-put", put)
    assert put == {"key": 4}
    assert run("idb", "put", "shop", "covers", "-", stdin=b"[1]").out == "put 1\n"
    assert run("idb", "put", "shop", "books", "{}").code == 1
    assert run("idb", "put", "shop", "books", "not json").code == 1


def test_records_and_counts_of_indexes_and_ranges(run, shop, schemas):
    records = json.loads(run("idb", "records", "shop", "books", "--index", "by_author", "--json").out)
    schemas.validate("idb-records", records)
    assert [(record["key"], record["primaryKey"]) for record in records] == [("a", 2), ("b", 1), ("b", 3)]
    assert json.loads(run("idb", "count", "shop", "books", "--range", "(1,3]", "--json").out) == {"count": 2}
    assert run("idb", "count", "shop", "books", "--range", "[2,null]").out == "2\n"
    assert len(json.loads(run("idb", "records", "shop", "books", "--limit", "1", "--json").out)) == 1
    assert "isbn" in run("idb", "records", "shop", "books").out


def test_a_range_is_an_interval():
    for wrong in ("1,2", "[1", "[1,2,3]", "[a,b]", ""):
        with pytest.raises(UsageError, match="interval"):
            range_of(wrong)
    with pytest.raises(DataError):
        range_of("[3,1]")
    assert range_of("[null,null]") is None
    upper = range_of("[null,5)")
    assert upper is not None
    assert not upper.includes(5)


def test_a_database_is_deleted_after_asking(run, shop, schemas):
    assert run("idb", "delete-database", "shop", stdin=b"n\n", terminal=True).code == 1
    deleted = json.loads(run("idb", "delete-database", "shop", "-y", "--json").out)
    schemas.validate("idb-delete-database", deleted)
    assert deleted == {"name": "shop", "version": 3}
    assert json.loads(run("idb", "databases", "--json").out) == []
    assert run("idb", "delete-database", "shop", "-y").code == 1


def test_what_json_has_no_form_for_is_an_object_with_one_member():
    cases = [
        (tfjsd.UNDEFINED, {"$undefined": True}),
        (float("nan"), {"$number": "NaN"}),
        (2**60, {"$bigint": str(2**60)}),
        (datetime(2026, 1, 2, tzinfo=UTC), {"$date": "2026-01-02T00:00:00Z"}),
        (tfjsd.Map({1: "a"}), {"$map": [[1, "a"]]}),
        ({1}, {"$set": [1]}),
        ([None, True, "x", 1.5], [None, True, "x", 1.5]),
        (np.zeros((1, 2), np.int8), {"$array": {"dtype": "int8", "shape": [1, 2], "bytes": "AAA="}}),
    ]
    for value, expected in cases:
        assert value_json(value) == expected
    assert value_json(b"abc", brief=True) == {"$bytes": 3}
    assert raw_bytes({}) is None
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(DataCloneError):
        value_json(endless)


VALUES: list[object] = [
    *(None, True, 0, -1.5, 2**53, "x", [1, [2]], {"a": {"b": []}}, {}, {"$": 1}, {"$bytes": 1, "b": 2}),
    {"$bytes": "AP8="},
    {"$date": {"$plain": 1}},
    tfjsd.UNDEFINED,
    float("nan"),
    float("-inf"),
    2**60,
    b"abc",
    datetime(2026, 1, 2, tzinfo=UTC),
    Date(9e12 + 0.0),
    Date(math.nan),
    Map({1: "a", "b": {"$set": []}}),
    Set([1, "a"]),
    RegExp("a/b", "gi"),
    ScriptError("TypeError", "no"),
    Boxed("text"),
    BinaryView("DataView", b"ab"),
    Blob(b"ab", "text/plain"),
    File(b"ab", "text/plain", "a.txt", 5),
    [{"$number": "NaN"}, float("inf")],
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_can_be_put_as_it_is_printed(value):
    printed = json.dumps(value_json(value))
    read = json_value(json.loads(printed))
    assert json.dumps(value_json(read)) == printed
    assert encode(read, cannot_stage).data == encode(value, cannot_stage).data


def test_an_array_can_be_put_as_it_is_printed():
    array = np.arange(6, dtype="f4").reshape(2, 3)
    read = json_value(value_json({"w": array}))["w"]
    assert (read.dtype, read.tolist()) == (array.dtype, array.tolist())


def test_what_one_verb_prints_another_stores(run, shop):
    shown = run("idb", "get", "shop", "covers", "vector").out
    assert run("idb", "put", "shop", "covers", "-", "copy", stdin=shown.encode()).code == 0
    assert run("idb", "get", "shop", "covers", "copy").out == shown


@pytest.mark.parametrize(
    "value",
    [
        {"$bytes": 1},
        {"$date": "soon"},
        {"$array": {}},
        {"$map": [1]},
        {"$regexp": "x"},
        {"$regexp": ""},
        {"$other": "x"},
        {"$view": []},
    ],
)
def test_a_value_that_is_not_what_it_says_is_refused(value):
    with pytest.raises(UsageError, match="is not what"):
        json_value([value])


def test_one_value_without_a_json_form_hides_no_other_record(run, shop, store):
    async def fill(client):
        endless = {}
        endless["self"] = endless
        with await client.indexed_db().open("shop") as db:
            async with db.transaction("covers", "readwrite") as tx:
                await tx.object_store("covers").put(endless, "endless")

    store.run(fill)
    records = json.loads(run("idb", "records", "shop", "covers", "--json").out)
    assert [record["key"] for record in records] == ["7", "endless", "vector"]
    assert "contains itself" in records[1]["value"]["$other"]
    assert "contains itself" in run("idb", "records", "shop", "covers").out
    assert run("idb", "get", "shop", "covers", "endless").code == 1


KEYS = [
    *(
        0,
        -1,
        1.5,
        math.inf,
        -math.inf,
        2**53,
        "7",
        "",
        "true",
        "null",
        "[1]",
        "{",
        "-x",
        "--json",
        "a b",
        "\n",
        "\ud800",
    ),
    *(b"", b"\x00\xff", [], [1, ["a", b"x", [math.inf]]], datetime(2026, 1, 1, 2, 3, 4, 5000, tzinfo=UTC)),
    *(tfjsd.Date(8.64e15), "NaN", "Infinity", '"q"'),
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_can_be_given_as_it_is_printed(key):
    read = key_of(json.dumps(value_json(key)))
    assert (type(read), read) == (type(key), key)


def test_every_record_can_be_reached_by_its_key(run, shop, store):
    async def fill(client):
        with await client.indexed_db().open("shop") as db:
            async with db.transaction("covers", "readwrite") as tx:
                for number, key in enumerate(KEYS):
                    await tx.object_store("covers").put({"n": number}, key)

    store.run(fill)
    for number, key in enumerate(KEYS):
        shown = run("idb", "get", "--json", "--", "shop", "covers", json.dumps(value_json(key)))
        assert json.loads(shown.out) == {"n": number}, key


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "[NaN]", "seven", "{", "0x1", "1 2"])
def test_what_is_no_json_is_text(word):
    assert key_of(word) == word


@pytest.mark.parametrize(
    "word", ['{"$date": "soon"}', '{"$date": {}}', '{"$bytes": "a"}', '{"$bytes": 1}', '{"$number": "NaN"}', "[" * 9999]
)
def test_a_key_that_is_not_what_it_says_is_refused(word):
    with pytest.raises(UsageError):
        key_of(word)


def test_a_range_takes_the_same_keys():
    found = range_of('({"$date": "2026-01-01T00:00:00Z"}, {"$bytes": ""}]')
    assert (found.lower, found.upper, found.lower_open) == (datetime(2026, 1, 1, tzinfo=UTC), b"", True)
