"""A model that comes back changed keeps its files: names, sub-directories, groups, shards, and what its JSON has besides."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfjsd.daemon.sync.file_layout import FileLayout
from tfjsd.daemon.sync.mount_guard import MARKER
from tfjsd.model_io.model_json import parse_model_json
from tfjsd.model_io.node_file_system import file_system
from tfjsd.model_io.stored_model import StoredModel
from tfjsd.model_io.types import ModelArtifacts


def spec(name, size, **others):
    return {"name": name, "shape": [size], "dtype": "uint8", **others}


def write(place, document, files):
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    (place / "model.json").write_text(json.dumps(document, indent=2))


def files_in(place):
    return {
        os.path.relpath(path, place): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file() and path.name not in ("model.json", MARKER)
    }


def save(pairing, model, topology, specs, data):
    artifacts = ModelArtifacts(topology, specs, data, format="layers-model")
    pairing.origin.models.save(f"indexeddb://{model}", StoredModel.of(artifacts)).result()


TWO_GROUPS = {
    "comment": {"by": "hand"},
    "format": "layers-model",
    "modelTopology": {"content": 1},
    "weightsManifest": [
        {
            "paths": ["weights/group1-shard1of2.bin", "weights/group1-shard2of2.bin"],
            "weights": [spec("a", 5, trainable=True), spec("b", 3)],
            "digest": "x",
        },
        {"weights": [spec("c", 4)], "paths": ["./heads/c.bin"]},
    ],
    "license": "MIT",
}
TWO_GROUPS_FILES = {
    "weights/group1-shard1of2.bin": b"aaaaa",
    "weights/group1-shard2of2.bin": b"bbb",
    "heads/c.bin": b"cccc",
}


@pytest.fixture
def grouped(pairing):
    """The pair and the directory of a model of two groups below sub-directories, on both sides."""
    write(pairing.directory / "m", TWO_GROUPS, TWO_GROUPS_FILES)
    assert pairing.settle().clean
    return pairing, pairing.directory / "m"


def test_groups_shards_and_sub_directories_stay(grouped):
    pairing, place = grouped
    specs = [spec("a", 6), spec("new", 1), spec("b", 4), spec("c", 2)]
    save(pairing, "m", {"content": 2}, specs, b"AAAAAA.BBBBCC")
    assert pairing.settle().clean
    assert files_in(place) == {
        "weights/group1-shard1of3.bin": b"AAAAA",
        "weights/group1-shard2of3.bin": b"A.BBB",
        "weights/group1-shard3of3.bin": b"B",
        "heads/c.bin": b"CC",
    }
    first, second = json.loads((place / "model.json").read_bytes())["weightsManifest"]
    assert [entry["name"] for entry in first["weights"]] == ["a", "new", "b"]
    assert first["paths"] == [f"weights/group1-shard{number}of3.bin" for number in (1, 2, 3)]
    assert (second["paths"], second["weights"]) == (["heads/c.bin"], [spec("c", 2)])


def test_members_that_tensorflow_js_does_not_have_stay_in_their_places(grouped):
    pairing, place = grouped
    save(pairing, "m", {"content": 2}, [spec("a", 5), spec("b", 3), spec("c", 4)], b"AAAAABBBCCCC")
    assert pairing.settle().clean
    document = json.loads((place / "model.json").read_bytes())
    assert list(document)[:5] == ["comment", "format", "modelTopology", "weightsManifest", "license"]
    assert (document["comment"], document["license"]) == ({"by": "hand"}, "MIT")
    assert document["modelTopology"] == {"content": 2}
    assert document["weightsManifest"][0]["digest"] == "x"


def test_what_the_store_kept_of_a_weight_comes_back(grouped):
    pairing, place = grouped
    specs = pairing.origin.models.artifacts("indexeddb://m").weight_specs
    assert specs[0] == spec("a", 5, trainable=True)
    save(pairing, "m", {"content": 2}, specs, b"AAAAABBBCCCC")
    assert pairing.settle().clean
    assert json.loads((place / "model.json").read_bytes())["weightsManifest"][0]["weights"] == specs[:2]


def test_weights_in_another_order_are_one_group_of_the_same_files(grouped):
    pairing, place = grouped
    save(pairing, "m", {"content": 2}, [spec("c", 4), spec("a", 5)], b"CCCCAAAAA")
    assert pairing.settle().clean
    assert files_in(place) == {
        "weights/group1-shard1of2.bin": b"CCCCA",
        "weights/group1-shard2of2.bin": b"AAA",
        "heads/c.bin": b"A",
    }


def test_a_renamed_model_keeps_its_form(grouped):
    pairing, _ = grouped
    pairing.download("d", 3)
    pairing.settle()
    pairing.rename("m", "t/n")
    pairing.rename("d", "t/e")
    pairing.settle()
    assert files_in(pairing.directory / "t" / "n") == TWO_GROUPS_FILES
    document = json.loads((pairing.directory / "t" / "n" / "model.json").read_bytes())
    assert {name: document[name] for name in ("comment", "license")} == {"comment": {"by": "hand"}, "license": "MIT"}
    assert sorted(path.name for path in (pairing.directory / "t").iterdir()) == ["e.json", "e.weights.bin", "n"]
    assert sorted(os.listdir(pairing.directory)) == [MARKER, "t"]
    assert pairing.settle().clean
    assert set(pairing.origin.models.list_models_text()) == {"indexeddb://t/n", "indexeddb://t/e"}


def test_a_renamed_download_replaces_no_other_file(pairing):
    pairing.download("d", 3)
    pairing.settle()
    (pairing.directory / "e.json").write_text("[]")
    pairing.rename("d", "e")
    pairing.settle()
    assert (pairing.directory / "e.json").read_text() == "[]"
    assert (pairing.stored(), file_system(pairing.directory / "e" / "model.json").load().model_topology) == (
        {"e": 3},
        {"content": 3},
    )


def test_the_only_shard_may_grow(pairing):
    pairing.write("m", 3, 10, shard_bytes=100)
    pairing.settle()
    pairing.save("m", 4, 5000)
    pairing.settle()
    assert {name: len(content) for name, content in files_in(pairing.directory / "m").items()} == {
        "group1-shard1of1.bin": 5000
    }


def test_passing_names_below_sub_directories_are_given_up_again(grouped):
    """As a killed replacement leaves it."""
    pairing, place = grouped
    passing = "heads/c.0123456789abcdef.bin"
    (place / "heads/c.bin").rename(place / passing)
    (place / "model.json").write_text((place / "model.json").read_text().replace("heads/c.bin", passing))
    pairing.settle()
    save(pairing, "m", {"content": 2}, [spec("a", 5), spec("b", 3), spec("c", 4)], b"AAAAABBBCCCC")
    assert pairing.settle().clean
    assert set(files_in(place)) == set(TWO_GROUPS_FILES)


def test_files_that_another_model_shares_are_left_to_it(pairing):
    shared = {"modelTopology": {"content": 1}, "weightsManifest": [{"paths": ["w.bin"], "weights": [spec("w", 2)]}]}
    write(pairing.directory, shared, {"w.bin": b"\1\1", "other.weights.bin": b""})
    (pairing.directory / "other.json").write_text(json.dumps(shared))
    pairing.settle()
    save(pairing, "model", {"content": 2}, [spec("w", 3)], b"\2\2\2")
    assert pairing.settle().clean
    assert pairing.stored() == {"model": 2, "other": 1}
    assert pairing.files() == {".": 2, "other": 1}
    assert (pairing.directory / "weights.bin").read_bytes() == b"\2\2\2"


@pytest.mark.parametrize("swapped", ["weights", "heads"])
def test_a_sub_directory_that_became_a_link_is_not_written_through(grouped, tmp_path, swapped):
    pairing, place = grouped
    outside = tmp_path / "outside"
    (place / swapped).rename(outside)
    before = files_in(outside)
    (place / swapped).symlink_to(outside)
    save(pairing, "m", {"content": 2}, [spec("a", 5), spec("b", 3), spec("c", 4)], b"AAAAABBBCCCC")
    assert pairing.settle().problems.keys() == {"m"}
    assert files_in(outside) == before


@pytest.mark.parametrize("path", ["../w.bin", "/w.bin", "a/../../w.bin", "a\\w.bin"])
def test_a_path_that_leaves_the_directory_is_no_model(pairing, path):
    document = {"modelTopology": {"content": 1}, "weightsManifest": [{"paths": [path], "weights": [spec("w", 1)]}]}
    write(pairing.directory / "t" / "m", document, {"../w.bin": b"w", "w.bin": b"w"})
    assert pairing.settle().problems.keys() == {"t/m"}
    assert pairing.stored() == {}


SIZES = st.lists(st.integers(0, 5), min_size=1, max_size=5)
GROUPS = st.lists(
    st.tuples(
        SIZES, st.sampled_from(["{n}.bin", "d/group1-shard{n}of{of}.bin", "same.bin", "group{g}-shard{n}of{of}.bin"])
    ),
    max_size=3,
)


@given(GROUPS, st.permutations(range(6)), SIZES)
def test_every_arrangement_holds_the_model(groups, order, sizes):
    manifest = [
        {
            "paths": [form.format(n=number, g=group, of=len(cut)) for number in range(1, len(cut) + 1)],
            "weights": [spec(f"w{2 * group}", 1), spec(f"w{2 * group + 1}", 1)],
        }
        for group, (cut, form) in enumerate(groups)
    ]
    document = json.dumps({"x": 1, "weightsManifest": manifest}).encode()
    layout = FileLayout.of("model.json", document, [size for cut, _ in groups for size in cut])
    specs = [spec(f"w{number}", size) for number, size in zip(order, sizes, strict=False)]
    data = bytes(range(sum(sizes)))
    texts = ModelArtifacts({"content": 1}, specs, data).texts()
    arrangement = layout.arrange(texts, memoryview(data))
    names = [file.name for file in arrangement.files]
    assert len({*names, "model.json"}) == len(names) + 1
    parsed = parse_model_json(arrangement.model_json(names))
    content = {file.name: b"".join(file.pieces) for file in arrangement.files}
    assert b"".join(content[path] for path in parsed.paths) == data
    assert parsed.artifact_texts()["weightSpecs"] == texts["weightSpecs"]
    assert parsed.texts["x"] == "1"
