"""``loadWeights``: weights by a manifest alone (restates tfjs-core's weights_loader_test)."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from tfjsd.errors import HTTPStatusError, InvalidArtifactsError
from tfjsd.model_io.weights_loader import load_weights

TWO_GROUPS = [
    {
        "paths": ["weightfile0"],
        "weights": [
            {"name": "weight0", "dtype": "float32", "shape": [2]},
            {"name": "weight1", "dtype": "float32", "shape": [3]},
        ],
    },
    {
        "paths": ["weightfile1"],
        "weights": [
            {"name": "weight2", "dtype": "float32", "shape": [3, 1]},
            {"name": "weight3", "dtype": "float32", "shape": []},
        ],
    },
]
FILES = {"weightfile0": struct.pack("<5f", 1, 2, 3, 4, 5), "weightfile1": struct.pack("<4f", 6, 7, 8, 9)}


@pytest.fixture(params=["server", "directory"])
def prefix(request, web_server, tmp_path: Path) -> str:
    """The two files, on a server or in a directory."""
    for name, data in FILES.items():
        web_server.serve(f"/m/{name}", data)
        (tmp_path / name).write_bytes(data)
    return f"{web_server.url}/m" if request.param == "server" else str(tmp_path)


@pytest.mark.parametrize("slash", ["", "/"])
def test_all_weights(prefix: str, slash: str):
    weights = load_weights(TWO_GROUPS, prefix + slash)
    assert list(weights) == ["weight0", "weight1", "weight2", "weight3"]
    assert weights["weight1"].tolist() == [3, 4, 5]
    assert weights["weight2"].shape == (3, 1)
    assert weights["weight3"].shape == ()


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["weight0"], ["weightfile0"]),
        (["weight1"], ["weightfile0"]),
        (["weight0", "weight1"], ["weightfile0"]),
        (["weight3"], ["weightfile1"]),
        (["weight0", "weight2"], ["weightfile0", "weightfile1"]),
    ],
)
def test_only_groups_that_hold_a_wanted_weight_are_fetched(web_server, prefix: str, names: list[str], files: list[str]):
    weights = load_weights(TWO_GROUPS, prefix, names)
    assert list(weights) == names
    if prefix.startswith("http"):
        assert sorted(web_server.paths) == [f"/m/{name}" for name in files]


def test_a_weight_over_several_files(tmp_path: Path):
    numbers = [1, 2, 3, 4, 5, 1.5, 2.25, 10, 20, 30]
    data = struct.pack("<10f", *numbers)
    for index, part in enumerate((data[:20], data[20:28], data[28:])):
        (tmp_path / str(index)).write_bytes(part)
    manifest = [{"paths": ["0", "1", "2"], "weights": [{"name": "w", "dtype": "float32", "shape": [5, 2]}]}]
    assert load_weights(manifest, str(tmp_path))["w"].ravel().tolist() == numbers


def test_several_dtypes_without_alignment(tmp_path: Path):
    (tmp_path / "w").write_bytes(struct.pack("<2i?3f", 1, 2, True, 3, 4, 5))
    specs = [
        {"name": "i", "dtype": "int32", "shape": [2]},
        {"name": "b", "dtype": "bool", "shape": []},
        {"name": "f", "dtype": "float32", "shape": [3]},
    ]
    weights = load_weights([{"paths": ["w"], "weights": specs}], str(tmp_path))
    assert {name: array.tolist() for name, array in weights.items()} == {"i": [1, 2], "b": True, "f": [3, 4, 5]}


@pytest.mark.parametrize(("dtype", "kind"), [("uint8", np.uint8), ("uint16", np.uint16)])
def test_quantized_weights(tmp_path: Path, dtype: str, kind: type):
    (tmp_path / "w").write_bytes(np.array([0, 48, 255] * 2, kind).tobytes())
    quantization = {"min": -1, "scale": 0.1, "dtype": dtype}
    specs = [
        {"name": "f", "dtype": "float32", "shape": [3], "quantization": quantization},
        {"name": "i", "dtype": "int32", "shape": [3], "quantization": quantization},
    ]
    weights = load_weights([{"paths": ["w"], "weights": specs}], str(tmp_path))
    assert weights["f"].tolist() == pytest.approx([-1, 3.8, 24.5], rel=1e-6)
    assert weights["i"].tolist() == [-1, 4, 25]


def test_string_weights(tmp_path: Path):
    (tmp_path / "w").write_bytes(struct.pack("<I2sI", 2, b"ab", 0))
    specs = [{"name": "s", "dtype": "string", "shape": [2]}]
    assert load_weights([{"paths": ["w"], "weights": specs}], str(tmp_path))["s"].tolist() == [b"ab", b""]


def test_an_empty_prefix_is_the_working_directory(tmp_path: Path, monkeypatch):
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    assert load_weights(TWO_GROUPS)["weight0"].tolist() == [1, 2]


def test_missing_names(prefix: str):
    with pytest.raises(InvalidArtifactsError) as caught:
        load_weights(TWO_GROUPS, prefix, ["x", "weight0", "y"])
    assert str(caught.value) == (
        "Could not find weights in manifest with names: x, y. \n"
        "Manifest JSON has weights with names: weight0, weight1, weight2, weight3."
    )


def test_an_unknown_dtype(tmp_path: Path):
    (tmp_path / "w").write_bytes(bytes(12))
    specs = [{"name": "weight0", "dtype": "null", "shape": [3]}]
    with pytest.raises(InvalidArtifactsError, match="Unsupported dtype in weight 'weight0': null"):
        load_weights([{"paths": ["w"], "weights": specs}], str(tmp_path))


def test_headers_are_sent(web_server):
    for name, data in FILES.items():
        web_server.serve(f"/{name}", data)
    load_weights(TWO_GROUPS, web_server.url, headers={"X-Key": "v"})
    assert {request.headers["x-key"] for request in web_server.received} == {"v"}


def test_a_missing_file_is_an_error(web_server, tmp_path: Path):
    with pytest.raises(HTTPStatusError, match="404"):
        load_weights(TWO_GROUPS, web_server.url)
    with pytest.raises(InvalidArtifactsError, match="does not exist"):
        load_weights(TWO_GROUPS, str(tmp_path))


def test_a_manifest_cannot_leave_the_directory(tmp_path: Path):
    (tmp_path / "secret").write_bytes(bytes(4))
    (tmp_path / "m").mkdir()
    manifest = [{"paths": ["../secret"], "weights": [{"name": "w", "dtype": "uint8", "shape": [4]}]}]
    with pytest.raises(InvalidArtifactsError, match="leaves its directory"):
        load_weights(manifest, str(tmp_path / "m"))
