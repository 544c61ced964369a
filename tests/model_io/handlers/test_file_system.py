"""``file://``: tfjs-node's layout, texts and checks (restates tfjs-node's file_system_test), and what it lacks."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import stat
import struct
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjsd.errors import (
    AccessDeniedError,
    InvalidArtifactsError,
    ModelNotFoundError,
    QuotaExceededError,
    TooLargeError,
)
from tfjsd.model_io import model_files
from tfjsd.model_io.node_file_system import file_system
from tfjsd.model_io.types import ModelArtifacts
from tfjsd.storage_backends import durable

SPECS_1 = [{"name": "dense/kernel", "shape": [3, 1], "dtype": "float32"}]
SPECS_2 = [{"name": "dense/bias", "shape": [1], "dtype": "float32"}]
DATA_1 = struct.pack("<3f", -1.1, -3.3, -3.3)
DATA_2 = struct.pack("<f", -7.7)
TWO_GROUPS = [{"paths": ["weights.1.bin"], "weights": SPECS_1}, {"paths": ["weights.2.bin"], "weights": SPECS_2}]
TWO_FILES = {"weights.1.bin": DATA_1, "weights.2.bin": DATA_2}


def raw(model: ModelArtifacts) -> bytes:
    """All weight bytes."""
    data = model.joined_weight_data()
    assert data is not None
    return bytes(data)


def tree(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


# -- Save --------------------------------------------------------------------------------------------------------------


def test_a_save_creates_the_directory_with_model_json_and_weights(tmp_path: Path, artifacts: ModelArtifacts):
    start = datetime.now(UTC).replace(microsecond=0)
    result = file_system(tmp_path / "save-destination").save(artifacts)
    info = result.model_artifacts_info
    assert info.date_saved is not None
    assert info.date_saved >= start
    assert info.model_topology_type == "JSON"
    assert info.weight_data_bytes == 16
    files = tree(tmp_path / "save-destination")
    assert set(files) == {"model.json", "weights.bin"}
    assert files["weights.bin"] == raw(artifacts)
    model_json = json.loads(files["model.json"])
    assert model_json["modelTopology"] == artifacts.model_topology
    assert model_json["weightsManifest"] == [{"paths": ["weights.bin"], "weights": artifacts.weight_specs}]


def test_keys_are_in_the_order_of_tfjs_node_and_none_is_lost(tmp_path: Path, artifacts: ModelArtifacts):
    file_system(tmp_path).save(artifacts)
    text = (tmp_path / "model.json").read_text(encoding="utf-8")
    assert list(json.loads(text)) == [
        "modelTopology", "weightsManifest", "format", "generatedBy", "convertedBy", "trainingConfig", "signature",
        "userDefinedMetadata", "modelInitializer", "initializerSignature",
    ]  # fmt: skip
    assert '"ümläut 🐍"' in text
    assert not text.endswith("\n")


def test_save_and_load_give_the_same_model(tmp_path: Path, artifacts: ModelArtifacts):
    file_system(tmp_path).save(artifacts)
    assert file_system(tmp_path / "model.json").load() == artifacts


def test_missing_parents_are_created(tmp_path: Path, artifacts: ModelArtifacts):
    file_system(tmp_path / "a" / "b" / "c").save(artifacts)
    assert file_system(tmp_path / "a" / "b" / "c" / "model.json").load() == artifacts
    (tmp_path / "plain").mkdir()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


@pytest.mark.parametrize("shard_bytes", [1, 5, 8, 16, 100])
def test_weights_are_cut_into_shards_of_the_converters_names(tmp_path: Path, artifacts, shard_bytes: int):
    file_system(tmp_path, shard_bytes=shard_bytes).save(artifacts)
    count = -(-16 // shard_bytes)
    names = [f"group1-shard{number}of{count}.bin" for number in range(1, count + 1)]
    assert sorted(os.listdir(tmp_path)) == sorted(["model.json", *names])
    assert json.loads((tmp_path / "model.json").read_text())["weightsManifest"][0]["paths"] == names
    assert b"".join((tmp_path / name).read_bytes() for name in names) == raw(artifacts)
    assert file_system(tmp_path / "model.json").load() == artifacts


def test_shards_are_saved_whole(tmp_path: Path, artifacts: ModelArtifacts):
    """tfjs-node writes as many zero bytes as there are shards."""
    data = raw(artifacts)
    sharded = artifacts.replace(weight_data=[data[:3], data[3:3], data[3:]])
    result = file_system(tmp_path).save(sharded)
    assert (tmp_path / "weights.bin").read_bytes() == data
    assert result.model_artifacts_info.weight_data_bytes == 16


def test_a_topology_alone_is_saved_without_a_manifest(tmp_path: Path, bare: ModelArtifacts):
    file_system(tmp_path).save(bare)
    assert os.listdir(tmp_path) == ["model.json"]
    assert file_system(tmp_path / "model.json").load() == bare


def test_no_weights_but_specs_of_none(tmp_path: Path, bare: ModelArtifacts):
    nothing: list[bytes] = []
    for data in (None, b"", nothing):
        file_system(tmp_path).save(bare.replace(weight_specs=[], weight_data=data))
        loaded = file_system(tmp_path / "model.json").load()
        assert loaded.weight_specs == []
        assert loaded.weight_data_bytes == 0


def test_a_path_that_is_a_file_is_refused(tmp_path: Path, artifacts: ModelArtifacts):
    path = tmp_path / "save-destination"
    path.write_text("foo")
    with pytest.raises(InvalidArtifactsError) as caught:
        file_system(path).save(artifacts)
    assert str(caught.value) == (f"Path {path} exists as a file. The path must be nonexistent or point to a directory.")
    assert path.read_text() == "foo"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model_topology": b"\0"},
            "NodeFileSystem.save() does not support saving model topology in binary format yet.",
        ),
        ({"weight_data": bytes(15)}, "weightSpecs describe 16 bytes, but the weights have 15"),
        ({"weight_data": None}, "weightSpecs describe 16 bytes, but the weights have 0"),
        ({"weight_specs": None}, "weights without weightSpecs could not be loaded again"),
    ],
)
def test_a_refused_save_changes_nothing(tmp_path: Path, artifacts: ModelArtifacts, changes, message: str):
    file_system(tmp_path / "m").save(artifacts)
    before = tree(tmp_path)
    for directory in (tmp_path / "m", tmp_path / "new"):
        with pytest.raises(InvalidArtifactsError) as caught:
            file_system(directory).save(artifacts.replace(**changes))
        assert str(caught.value) == message
    assert tree(tmp_path) == before
    assert not (tmp_path / "new").exists()


def test_a_full_disk_is_named_and_changes_nothing(tmp_path: Path, artifacts: ModelArtifacts):
    file_system(tmp_path).save(artifacts)
    before = tree(tmp_path)
    big = artifacts.replace(
        weight_specs=[{"name": "w", "shape": [1 << 20], "dtype": "uint8"}], weight_data=bytes(1 << 20)
    )
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
    try:
        with pytest.raises(QuotaExceededError) as caught:
            file_system(tmp_path).save(big)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.unit == "disk"
    assert tree(tmp_path) == before


def test_a_path_without_permission_is_named(tmp_path: Path, artifacts: ModelArtifacts, monkeypatch):
    def refuse(path: Path, *, mode: int) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(durable, "make_directory", refuse)
    with pytest.raises(AccessDeniedError, match=f"Cannot save to {tmp_path}.*Permission denied"):
        file_system(tmp_path).save(artifacts)


def test_a_relative_path_is_of_the_directory_in_which_the_handler_was_made(tmp_path: Path, artifacts, monkeypatch):
    monkeypatch.chdir(tmp_path)
    relative, empty = file_system("m"), file_system("")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    relative.save(artifacts)
    empty.save(artifacts)
    assert set(tree(tmp_path)) == {"m/model.json", "m/weights.bin", "model.json", "weights.bin"}


@pytest.mark.parametrize("path", ["a\0b", "a\ud800b"])
def test_a_path_that_no_file_can_have(path: str):
    with pytest.raises(InvalidArtifactsError, match="no file can be named"):
        file_system(path)


def test_impossible_paths_are_refused_and_nothing_is_created(tmp_path: Path, artifacts: ModelArtifacts):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(os.listdir(tmp_path))
    for path in ("x" * 4096, "y/" * 2500, "file/m", "loop/m"):
        with pytest.raises(InvalidArtifactsError):
            file_system(tmp_path / path).save(artifacts)
        with pytest.raises((InvalidArtifactsError, ModelNotFoundError)):
            file_system(tmp_path / path).load()
    assert sorted(os.listdir(tmp_path)) == before


def test_a_link_to_a_directory_is_followed(tmp_path: Path, artifacts: ModelArtifacts):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    file_system(tmp_path / "link").save(artifacts)
    assert (tmp_path / "link").is_symlink()
    assert file_system(tmp_path / "link" / "model.json").load() == artifacts


# -- Load --------------------------------------------------------------------------------------------------------------


def test_two_weight_files_are_loaded_in_order(tmp_path: Path, write_model):
    path = write_model(tmp_path, TWO_FILES, TWO_GROUPS)
    loaded = file_system(path).load()
    assert loaded.weight_specs == SPECS_1 + SPECS_2
    assert raw(loaded) == DATA_1 + DATA_2
    assert loaded.weights()["dense/bias"].tolist() == pytest.approx([-7.7])


def test_what_the_converter_wrote_in_sub_directories_is_loaded(tmp_path: Path, write_model):
    groups = [{"paths": ["./a/1.bin", "b//2.bin"], "weights": SPECS_1 + SPECS_2}]
    path = write_model(tmp_path, {"a/1.bin": DATA_1, "b/2.bin": DATA_2}, groups)
    assert raw(file_system(path).load()) == DATA_1 + DATA_2


def test_a_nonexistent_path(tmp_path: Path):
    path = tmp_path / "foo" / "model.json"
    with pytest.raises(ModelNotFoundError) as caught:
        file_system(path).load()
    assert str(caught.value) == f"Path {path} does not exist: loading failed"
    assert str(caught.value.hint).startswith("a model on disk is a model.json")


@pytest.mark.parametrize("kind", ["directory", "pipe", "socket", "device"])
def test_a_path_that_is_no_file(tmp_path: Path, kind: str):
    path = tmp_path / "x"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        os.mknod(path, stat.S_IFSOCK | 0o600)
    else:
        path = Path("/dev/null")
    with pytest.raises(InvalidArtifactsError) as caught:
        file_system(path).load()
    assert str(caught.value) == ("The path to load from must be a file. Loading from a directory is not supported.")


def test_a_missing_weight_file(tmp_path: Path, write_model):
    path = write_model(tmp_path, {"weights.1.bin": DATA_1}, TWO_GROUPS)
    with pytest.raises(InvalidArtifactsError) as caught:
        file_system(path).load()
    assert str(caught.value) == f"Weight file {tmp_path}/weights.2.bin does not exist: loading failed"


@pytest.mark.parametrize(
    "name", ["../secret.bin", "/etc/hostname", "sub/../../secret.bin", "..\\secret.bin", "link.bin"]
)
def test_a_manifest_cannot_leave_its_directory(tmp_path: Path, write_model, name: str):
    (tmp_path / "secret.bin").write_bytes(DATA_1)
    path = write_model(tmp_path / "m", {}, [{"paths": [name], "weights": SPECS_1}])
    (tmp_path / "m" / "link.bin").symlink_to("../secret.bin")
    with pytest.raises(InvalidArtifactsError, match="The weights manifest names a file that"):
        file_system(path).load()


@pytest.mark.parametrize("size", [0, 11, 13, 1 << 21])
def test_weights_of_another_size_than_the_specs(tmp_path: Path, write_model, size: int):
    path = write_model(tmp_path, {"w.bin": bytes(size)}, [{"paths": ["w.bin"], "weights": SPECS_1}])
    with pytest.raises(InvalidArtifactsError, match=f"weightSpecs describe 12 bytes, but the weights have {size}"):
        file_system(path).load()


@pytest.mark.parametrize("shape", [[-1], [1 << 60], [2**40, 2**40], [1.5], "3", [10**9]])
def test_impossible_shapes(tmp_path: Path, write_model, shape):
    specs = [{"name": "w", "shape": shape, "dtype": "float32"}]
    path = write_model(tmp_path, {"w.bin": DATA_1}, [{"paths": ["w.bin"], "weights": specs}])
    with pytest.raises(InvalidArtifactsError):
        file_system(path).load()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "NaN", '{"a": NaN}', "[" * 100_000, '{"weightsManifest": {}}', "\ufeff{}", "<html>"]
)
def test_json_that_is_no_model(tmp_path: Path, text: str):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(InvalidArtifactsError):
        file_system(tmp_path / "model.json").load()


def test_json_beyond_the_limit_is_not_read(tmp_path: Path):
    with (tmp_path / "model.json").open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(TooLargeError):
        file_system(tmp_path / "model.json").load()


def test_too_many_files_are_refused(tmp_path: Path, write_model):
    path = write_model(tmp_path, {"w": b""}, [{"paths": ["w"] * 100_001, "weights": []}])
    with pytest.raises(TooLargeError, match="100001 paths"):
        file_system(path).load()


def test_large_weights_are_mapped_and_outlive_the_file(tmp_path: Path):
    size = 4 << 20
    model = ModelArtifacts({}, [{"name": "w", "shape": [size], "dtype": "uint8"}], os.urandom(size))
    file_system(tmp_path).save(model)
    loaded = file_system(tmp_path / "model.json").load()
    assert str(tmp_path / "weights.bin") in Path("/proc/self/maps").read_text()
    (tmp_path / "weights.bin").unlink()
    assert loaded == model
    assert isinstance(loaded.weight_data, memoryview)
    assert loaded.weight_data.readonly
    del loaded
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()


def test_a_mapped_model_is_not_changed_by_the_next_save(tmp_path: Path):
    size = 2 << 20
    specs = [{"name": "w", "shape": [size], "dtype": "uint8"}]
    file_system(tmp_path).save(ModelArtifacts({}, specs, b"a" * size))
    loaded = file_system(tmp_path / "model.json").load()
    file_system(tmp_path).save(ModelArtifacts({}, specs, b"b" * size))
    assert set(raw(loaded)) == {ord("a")}


def test_a_file_that_shrinks_while_it_is_opened(tmp_path: Path, monkeypatch):
    path = tmp_path / "w"
    path.write_bytes(bytes(2 << 20))
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        monkeypatch.setattr(os, "fstat", lambda descriptor: status)
        os.truncate(path, 0)
        with pytest.raises(InvalidArtifactsError, match="shorter"):
            model_files.content_of(file.fileno(), "w", limit=1 << 30)


def test_no_descriptor_is_left_open(tmp_path: Path, artifacts: ModelArtifacts, write_model):
    broken = write_model(tmp_path / "broken", {"weights.1.bin": DATA_1}, TWO_GROUPS)
    before = len(os.listdir("/proc/self/fd"))
    file_system(tmp_path / "m").save(artifacts)
    file_system(tmp_path / "m" / "model.json").load()
    with pytest.raises(InvalidArtifactsError):
        file_system(broken).load()
    assert len(os.listdir("/proc/self/fd")) == before


# -- The legacy form ---------------------------------------------------------------------------------------------------


@pytest.fixture
def legacy(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "model.pb").write_bytes(b"\x01\x02\x03")
    (tmp_path / "manifest.json").write_text(json.dumps(TWO_GROUPS))
    for name, data in TWO_FILES.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path / "model.pb", tmp_path / "manifest.json"


def test_the_legacy_form_is_loaded(legacy):
    loaded = file_system(legacy).load()
    assert bytes(loaded.model_topology) == b"\x01\x02\x03"
    assert loaded.weight_specs == SPECS_1 + SPECS_2
    assert raw(loaded) == DATA_1 + DATA_2


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_legacy_form_has_two_paths(count: int):
    with pytest.raises(InvalidArtifactsError) as caught:
        file_system(["a"] * count)
    assert str(caught.value) == f"file paths must have a length of 2, (actual length is {count})."


def test_the_legacy_form_does_not_save(legacy, artifacts: ModelArtifacts):
    with pytest.raises(InvalidArtifactsError, match=r"^Cannot perform saving to multiple paths\.$"):
        file_system(legacy).save(artifacts)


def test_a_missing_file_of_the_legacy_form_is_named(legacy):
    topology, manifest = legacy
    manifest.unlink()
    with pytest.raises(ModelNotFoundError) as caught:
        file_system(legacy).load()
    assert str(caught.value) == f"Weight Manifest Path {manifest} does not exist: loading failed"
    topology.unlink()
    with pytest.raises(ModelNotFoundError) as caught:
        file_system(legacy).load()
    assert str(caught.value) == f"Topology Path {topology} does not exist: loading failed"


def test_directories_in_the_legacy_form(legacy, tmp_path: Path):
    (tmp_path / "d").mkdir()
    with pytest.raises(InvalidArtifactsError, match=r"^File specified for topology is not a file!$"):
        file_system((tmp_path / "d", legacy[1])).load()
    with pytest.raises(InvalidArtifactsError, match=r"^File specified for the weight manifest is not a file!$"):
        file_system((legacy[0], tmp_path / "d")).load()


def test_a_missing_weight_file_of_the_legacy_form(legacy, tmp_path: Path):
    (tmp_path / "weights.2.bin").unlink()
    with pytest.raises(InvalidArtifactsError, match=r"Weight file .*weights\.2\.bin does not exist"):
        file_system(legacy).load()


# -- What TensorFlow.js wrote ------------------------------------------------------------------------------------------


def fixture_models() -> list[str]:
    root = Path(__file__).parents[2] / "fixtures" / "tfjs-models"
    return sorted(path.parent.name for path in root.glob("*/model.json"))


@pytest.mark.parametrize("name", fixture_models())
def test_a_model_of_tfjs_survives_load_save_load(fixtures: Path, tmp_path: Path, name: str):
    source = fixtures / "tfjs-models" / name
    loaded = file_system(source / "model.json").load()
    files = sorted(path for path in source.iterdir() if path.suffix == ".bin")
    if len(files) == 1:
        assert hashlib.sha256(raw(loaded)).digest() == hashlib.sha256(files[0].read_bytes()).digest()
    for shard_bytes in (None, 100):
        file_system(tmp_path, shard_bytes=shard_bytes).save(loaded)
        assert file_system(tmp_path / "model.json").load() == loaded


@pytest.mark.parametrize("name", [name for name in fixture_models() if name.startswith(("js", "opt"))])
def test_a_save_writes_the_bytes_that_tfjs_node_writes(fixtures: Path, tmp_path: Path, name: str):
    source = fixtures / "tfjs-models" / name
    file_system(tmp_path).save(file_system(source / "model.json").load())
    assert tree(tmp_path) == tree(source)


# -- Readers beside savers ---------------------------------------------------------------------------------------------


def generation(number: int) -> ModelArtifacts:
    size = 1000 if number % 2 else 2_000_000
    specs = [{"name": "w", "shape": [size], "dtype": "uint8"}]
    return ModelArtifacts({"generation": number}, specs, bytes([number]) * size)


def whole_generation(directory: Path) -> int:
    loaded = file_system(directory / "model.json").load()
    number = loaded.model_topology["generation"]
    assert set(raw(loaded)) == {number}
    return number


@pytest.mark.parametrize("shard_bytes", [None, 400_000])
def test_a_reader_beside_savers_always_finds_a_whole_model(tmp_path: Path, shard_bytes: int | None):
    file_system(tmp_path).save(generation(1))
    failures: list[BaseException] = []
    seen: set[int] = set()
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                seen.add(whole_generation(tmp_path))
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(2, 40):
        file_system(tmp_path, shard_bytes=shard_bytes if number % 3 else None).save(generation(number))
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert len(seen) > 1


def test_a_reader_that_meets_a_save_starts_again(tmp_path: Path, monkeypatch):
    """Deterministic: the save happens between the JSON and the weights of the first attempt."""
    file_system(tmp_path).save(generation(1))
    original = model_files.read_weights
    saves = [generation(2)]

    def interrupted(directory, manifest):
        if saves:
            file_system(tmp_path).save(saves.pop())
        return original(directory, manifest)

    monkeypatch.setattr("tfjsd.model_io.node_file_system.read_weights", interrupted)
    assert whole_generation(tmp_path) == 2


def test_a_model_that_never_settles_is_an_error(tmp_path: Path, monkeypatch):
    file_system(tmp_path).save(generation(1))
    original = model_files.read_weights

    def interrupted(directory, manifest):
        os.utime(tmp_path / "model.json", ns=(0, (tmp_path / "model.json").stat().st_mtime_ns + 1))
        return original(directory, manifest)

    monkeypatch.setattr("tfjsd.model_io.node_file_system.read_weights", interrupted)
    with pytest.raises(InvalidArtifactsError, match="is being replaced all the time"):
        whole_generation(tmp_path)


@settings(deadline=None, max_examples=25)
@given(
    steps=st.lists(st.tuples(st.integers(0, 40), st.sampled_from([None, 1, 7, 16])), min_size=1, max_size=6),
)
def test_any_sequence_of_saves_leaves_the_last_model_and_no_rest(tmp_path_factory, steps):
    directory = tmp_path_factory.mktemp("m")
    for number, (size, shard_bytes) in enumerate(steps):
        model = ModelArtifacts(
            {"n": number}, [{"name": "w", "shape": [size], "dtype": "uint8"}], bytes([number]) * size
        )
        file_system(directory, shard_bytes=shard_bytes).save(model)
        assert file_system(directory / "model.json").load() == model
        paths = json.loads((directory / "model.json").read_text())["weightsManifest"][0]["paths"]
        assert sorted(os.listdir(directory)) == sorted(["model.json", *paths])
