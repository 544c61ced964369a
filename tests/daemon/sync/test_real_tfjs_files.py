"""tfjs-node's file:// handlers write and read a directory while its pair is live."""

import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

JS = Path(__file__).parents[2] / "js"
SAVES = 200


@pytest.fixture
def node():
    if not (JS / "node_modules" / "@tensorflow" / "tfjs-node").exists() or shutil.which("node") is None:
        pytest.skip("TensorFlow.js is not installed: scripts/test installs it (npm ci in tests/js)")

    def start(*words):
        return subprocess.Popen(
            ["node", str(JS / "file_system.mjs"), *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


@pytest.fixture
def pair(daemons):
    """A daemon whose directory ``models`` is live."""
    daemon = daemons.in_process()
    place = daemons.directory / "models"
    body = {"directory": str(place), "prefix": "indexeddb://"}
    assert daemon.request("POST", "/v1/sync", body).status == 201
    return daemon, place


def number_of(daemon):
    """The number of the stored save; every weight and the metadata must agree on it."""
    header, weights = daemon.load("/v1/models/indexeddb/m")
    number = header["userDefinedMetadata"]["number"]
    assert set(struct.unpack(f"<{len(weights) // 4}f", weights)) == {float(number)}, "torn"
    return number


@pytest.mark.timeout(180)
def test_no_save_of_node_comes_across_torn(pair, node, eventually):
    daemon, place = pair
    process = node("save", place / "m", SAVES)
    seen = set()
    while process.poll() is None:
        if "indexeddb://m" in daemon.get("/v1/models").json:
            seen.add(number_of(daemon))
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert json.loads(output) == {"number": SAVES}
    eventually(lambda: number_of(daemon) == SAVES)
    assert len(seen) >= 3, "the pair was not live"


@pytest.mark.timeout(180)
def test_no_load_of_node_fails_while_the_store_changes(pair, node, eventually):
    daemon, place = pair
    saver = node("save", place / "m", 1)
    saver.communicate(timeout=60)
    assert saver.returncode == 0
    eventually(lambda: "indexeddb://m" in daemon.get("/v1/models").json)
    header, weights = daemon.load("/v1/models/indexeddb/m")
    reader = node("load", place / "m")
    fields = {name: value for name, value in header.items() if name not in ("modelArtifactsInfo", "weightDataBytes")}
    for number in range(2, 42):
        fields["userDefinedMetadata"] = {"number": number}
        packed = struct.pack("<f", number) * (len(weights) // 4)
        assert daemon.save("/v1/models/indexeddb/m", packed, **fields).status == 200
        eventually(
            lambda number=number: (
                json.loads((place / "m" / "model.json").read_text())["userDefinedMetadata"]["number"] == number
            )
        )
    output, errors = reader.communicate(timeout=60)
    assert reader.returncode == 0, errors
    result = json.loads(output)
    assert result["failures"] == []
    assert result["loads"] > 20
