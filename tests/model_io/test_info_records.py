"""The list of models follows each change, and is at any time what reading all of it again would give."""

import json
import random

import pytest
from idb_support.agreement import disagreements

from tfjsd.errors import CorruptionError
from tfjsd.model_io.indexed_db import (
    DATABASE_NAME,
    INFO_STORE_NAME,
    MODEL_STORE_NAME,
    STORES,
    IndexedDBModels,
    create_database,
)
from tfjsd.model_io.info_records import InfoRecords
from tfjsd.model_io.origin import Origins
from tfjsd.model_io.stored_model import StoredModel
from tfjsd.storage_backends import values
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.changed_keys import ChangedKeys
from tfjsd.storage_backends.engines.leveldb import leveldb_factory
from tfjsd.storage_backends.home import Home, SystemClock
from tfjsd.storage_backends.indexed_db.direct_transaction import BackingTransaction


@pytest.fixture
def origin(tmp_path):
    home = Home(tmp_path / "home", engines=leveldb_factory(), clock=SystemClock())
    yield Origins(home, CHROME, SystemClock()).get("http://localhost")
    home.close()


@pytest.fixture
def reads(monkeypatch):
    """How often all records were read."""
    count = []
    records = BackingTransaction.records
    monkeypatch.setattr(BackingTransaction, "records", lambda self, store: count.append(store) or records(self, store))
    return count


def model(size: int) -> StoredModel:
    specs = json.dumps([{"name": "w", "shape": [size], "dtype": "bool"}], separators=(",", ":"))
    return StoredModel({"modelTopology": '{"class_name":"Sequential"}', "weightSpecs": specs}, memoryview(bytes(size)))


def parts(origin):
    return origin.models._bucket, origin.models._databases


def read_again(origin):
    """The list of somebody who has read nothing yet."""
    return [info.url for info in IndexedDBModels(*parts(origin)).infos()]


def put_info(origin, path, record):
    put_bytes(origin, path, values.encode(record, lambda data: None))


def put_bytes(origin, path, encoded, store=INFO_STORE_NAME):
    def work(transaction):
        transaction.put(store, path, encoded)

    parts(origin)[1].transact(DATABASE_NAME, STORES, "readwrite", work, create=create_database).result()


def some_change(origin, dice):
    models = origin.models
    listed = [url for url in models.list_models_text() if url.startswith("indexeddb://")]
    path = dice.choice(["a", "b", "9", "10", "z/y", "", "é"]) + str(dice.randrange(6))
    match dice.randrange(8):
        case 0 | 1 | 2:
            models.save(f"indexeddb://{path}", model(dice.randrange(50)))
        case 3 if listed:
            models.remove(dice.choice(listed))
        case 4 if listed:
            models.move(dice.choice(listed), f"indexeddb://{path} moved {dice.random()}")
        case 5 if listed:
            models.copy(dice.choice(listed), f"localstorage://{path}")
        case 6:
            for number in range(dice.randrange(70)):
                origin.area.set_item(f"item{number}", str(dice.random()))
        case 7 if not dice.randrange(5):
            parts(origin)[1].remove_database(DATABASE_NAME).result()


@pytest.mark.parametrize("seed", range(4))
def test_what_has_changed_since_is_read_and_nothing_is_missed(origin, seed):
    dice = random.Random(seed)
    for _ in range(150):
        some_change(origin, dice)
        if dice.random() < 0.7:
            listed = origin.models.list_models_text()
            fresh = IndexedDBModels(*parts(origin))
            again = {info.url: info.text for info in fresh.infos()}
            assert {url: text for url, text in listed.items() if url.startswith("indexeddb")} == again
            assert json.loads(origin.models.list_models_json()) == {
                url: json.loads(text) for url, text in listed.items()
            }


def test_one_change_among_many_models_does_not_read_them_all(origin, reads):
    for number in range(30):
        origin.models.save(f"indexeddb://{number}", model(8)).result()
    origin.models.list_models_json()
    before = len(reads)
    for number in (7, 31, 8):
        origin.models.save(f"indexeddb://{number}", model(9)).result()
        assert list(json.loads(origin.models.list_models_json())) == sorted(
            read_again(origin), key=lambda url: int(url.rpartition("/")[2])
        )
    assert len(reads) == before + 3  # read_again's


def test_a_change_that_is_taken_back_is_not_listed(origin):
    models = origin.models
    models.save("indexeddb://kept", model(8)).result()
    models.list_models_text()
    with origin.bucket.rehearsal():
        models.save("indexeddb://rehearsed", model(8))
        assert list(models.list_models_text()) == ["indexeddb://kept", "indexeddb://rehearsed"]
    assert list(models.list_models_text()) == ["indexeddb://kept"] == read_again(origin)


def test_keys_that_are_no_paths_are_followed_too(origin):
    for key in (-0.0, 0, 1, b"binary", ["a", -0.0]):
        put_info(origin, key, {"modelPath": f"of {key}", "modelArtifactsInfo": {}})
        assert list(origin.models.list_models_text()) == read_again(origin)
        put_info(origin, key, {"modelPath": f"again {key}", "modelArtifactsInfo": {}})
        assert list(origin.models.list_models_text()) == read_again(origin)


@pytest.mark.parametrize("key", [5, b"m", ["m"], "no path", "no object"], ids=repr)
def test_a_record_without_a_path_hides_no_model(origin, key):
    foreign = "text" if key == "no object" else {"modelPath": None if key == "no path" else key}
    put_info(origin, key, foreign)
    origin.models.save("indexeddb://m", model(8)).result()
    listed = origin.models.list_models_text()
    assert list(listed) == ["indexeddb://m"] == read_again(origin)
    put_info(origin, key, {"modelPath": "found", "modelArtifactsInfo": {}})
    assert sorted(origin.models.list_models_text()) == ["indexeddb://found", "indexeddb://m"]
    put_info(origin, key, foreign)
    assert origin.models.list_models_text() == listed


def test_a_record_that_is_damaged_is_an_error_until_it_is_gone(origin):
    origin.models.save("indexeddb://m", model(8)).result()
    before = origin.models.list_models_text()
    whole = values.encode({"modelPath": "odd"}, values.cannot_stage).data
    put_bytes(origin, "odd", values.Encoded(whole[:-1]))
    for _ in range(2):
        with pytest.raises(CorruptionError):
            origin.models.list_models_text()
    put_info(origin, "odd", {"modelPath": "odd", "modelArtifactsInfo": {}})
    origin.models.remove("indexeddb://odd").result()
    assert origin.models.list_models_text() == before


@pytest.mark.parametrize("damaged", [INFO_STORE_NAME, MODEL_STORE_NAME])
def test_a_model_with_a_damaged_record_can_be_saved_anew(origin, damaged):
    origin.models.save("indexeddb://m", model(200_000)).result()
    put_bytes(origin, "m", values.Encoded(b""), damaged)
    with pytest.raises(CorruptionError):
        origin.models.list_models_text() if damaged == INFO_STORE_NAME else origin.models.open("indexeddb://m")
    origin.models.save("indexeddb://m", model(100)).result()
    assert list(origin.models.list_models_text()) == ["indexeddb://m"]
    assert origin.models.open("indexeddb://m").weight_bytes == 100
    assert disagreements(origin.bucket) == []


def test_changes_are_told_as_long_as_they_are_known():
    changed = ChangedKeys()
    assert changed.since(0) == set()
    assert changed.since(-1) is None
    changed.note((b"a", b"b"))
    changed.note((b"b", b"c"))
    assert (changed.since(0), changed.since(1), changed.since(2)) == ({b"a", b"b", b"c"}, {b"b", b"c"}, set())
    changed.note(None)
    assert (changed.since(2), changed.since(3)) == (None, set())
    changed.note(tuple(b"%d" % number for number in range(1000)))
    assert changed.since(3) is None
    assert changed._last[-1] is None, "so many keys are not kept"
    for number in range(65):
        changed.note((b"%d" % number,))
    assert changed.since(changed.generation - 65) is None
    assert len(changed.since(changed.generation - 64)) == 64


def test_the_negative_control_of_a_reader_that_ignores_changes(origin, monkeypatch):
    monkeypatch.setattr(InfoRecords, "_changes", lambda self, transaction, changed: {})
    origin.models.save("indexeddb://a", model(8)).result()
    origin.models.list_models_text()
    origin.models.save("indexeddb://b", model(8)).result()
    assert list(origin.models.list_models_text()) != read_again(origin)
