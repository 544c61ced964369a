"""What goes in through the manager is there through the raw storage, and the reverse."""

import pytest

import tfjsd
from tfjsd.model_io.types import ModelArtifacts, ModelArtifactsInfo


@pytest.fixture(params=["memory", "leveldb"])
async def store(request, tmp_path):
    async with tfjsd.aopen_store(None if request.param == "memory" else tmp_path / "home") as store:
        yield store


def artifacts(size: int = 16) -> ModelArtifacts:
    return ModelArtifacts(
        {"class_name": "Sequential"},
        [{"name": "w", "shape": [size], "dtype": "bool"}],
        b"\x07" * size,
        format="layers-model",
        converted_by=None,
    )


@pytest.mark.parametrize("size", [16, 200_000])
async def test_a_saved_model_is_two_records(store, size):
    saved = await store.save("indexeddb://a/b", artifacts(size))
    db = await store.indexed_db().open("tensorflowjs")
    assert (db.version, sorted(db.object_store_names)) == (1, ["model_info_store", "models_store"])
    tx = db.transaction(["models_store", "model_info_store"])
    record = await tx.object_store("models_store").get("a/b")
    info = await tx.object_store("model_info_store").get("a/b")
    db.close()
    assert record["modelArtifacts"]["modelTopology"] == {"class_name": "Sequential"}
    assert bytes(record["modelArtifacts"]["weightData"]) == b"\x07" * size
    assert record["modelArtifacts"]["convertedBy"] is None
    assert info["modelPath"] == "a/b"
    assert info["modelArtifactsInfo"]["dateSaved"] == saved.model_artifacts_info.date_saved


async def test_the_members_of_a_record_are_in_the_order_of_tfjs(store):
    whole = artifacts().replace(generated_by="tfjs", training_config={"loss": "mse"})
    await store.save("indexeddb://whole", whole)
    await store.save("indexeddb://bare", ModelArtifacts({}, None, None))
    db = await store.indexed_db().open("tensorflowjs")
    records = db.transaction(["models_store"]).object_store("models_store")
    found = {path: list((await records.get(path))["modelArtifacts"]) for path in ("whole", "bare")}
    db.close()
    before = ["modelTopology", "format", "generatedBy", "convertedBy", "trainingConfig"]
    assert found["whole"] == [*before, "weightData", "weightSpecs"]
    assert found["bare"][-2:] == ["weightData", "weightSpecs"]


async def test_records_that_were_put_raw_are_a_model(store):
    await store.save("indexeddb://first", artifacts())
    db = await store.indexed_db().open("tensorflowjs")
    tx = db.transaction(["models_store", "model_info_store"], "readwrite")
    for name in ("models_store", "model_info_store"):
        record = await tx.object_store(name).get("first")
        record["modelPath"] = "second"
        await tx.object_store(name).put(record)
    await tx.done
    db.close()
    assert list(await store.list_models()) == ["indexeddb://first", "indexeddb://second"]
    assert await store.load("indexeddb://second") == await store.load("indexeddb://first")


@pytest.mark.parametrize("info", [None, "s", [], tfjsd.UNDEFINED, tfjsd.BigInt(5)], ids=str)
async def test_a_record_without_an_info_hides_no_model_and_can_be_removed(store, info):
    await store.save("indexeddb://other", artifacts())
    db = await store.indexed_db().open("tensorflowjs")
    async with db.transaction(["model_info_store"], "readwrite") as tx:
        await tx.object_store("model_info_store").put({"modelPath": "bad", "modelArtifactsInfo": info})
        await tx.object_store("model_info_store").put({"modelPath": "worse"})
    db.close()
    unknown = ModelArtifactsInfo.from_json('{"dateSaved":null}')
    listed = await store.list_models()
    assert list(listed) == ["indexeddb://bad", "indexeddb://other", "indexeddb://worse"]
    assert listed["indexeddb://bad"] == listed["indexeddb://worse"] == unknown
    with pytest.raises(tfjsd.ModelNotFoundError):
        await store.load("indexeddb://bad")
    assert await store.remove_model("indexeddb://bad") == await store.remove_model("indexeddb://worse") == unknown
    assert list(await store.list_models()) == ["indexeddb://other"]


@pytest.mark.parametrize("path", [5, -0.0, b"other", ["other"], tfjsd.Date(0)], ids=str)
async def test_a_record_whose_path_is_no_text_is_no_model_and_hides_none(store, path):
    await store.save("indexeddb://other", artifacts())
    listed = await store.list_models()
    db = await store.indexed_db().open("tensorflowjs")
    async with db.transaction(["model_info_store", "models_store"], "readwrite") as tx:
        for name in ("model_info_store", "models_store"):
            await tx.object_store(name).put({"modelPath": path, "modelArtifactsInfo": {"dateSaved": None}})
    db.close()
    assert await store.list_models() == listed
    with pytest.raises(tfjsd.ModelNotFoundError):
        await store.load("indexeddb://5")
    await store.save("indexeddb://5", artifacts())
    assert list(await store.list_models()) == ["indexeddb://5", "indexeddb://other"]


async def test_a_save_waits_for_a_transaction_on_the_models(store):
    await store.save("indexeddb://m", artifacts())
    db = await store.indexed_db().open("tensorflowjs")
    async with db.transaction(["model_info_store", "models_store"], "readwrite") as tx:
        await tx.object_store("model_info_store").delete("m")
        await tx.object_store("models_store").delete("m")
        assert list(await store.list_models()) == ["indexeddb://m"]  # nothing of a live transaction is seen
    db.close()
    assert await store.list_models() == {}
