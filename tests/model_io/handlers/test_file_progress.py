"""A save to a directory tells how far it is."""

import pytest

from tfjsd.model_io.node_file_system import file_system
from tfjsd.model_io.reported_pieces import ReportedPieces
from tfjsd.model_io.types import ModelArtifacts

SIZE = 20 << 20


@pytest.fixture
def model():
    return ModelArtifacts({}, [{"name": "w", "shape": [SIZE], "dtype": "uint8"}], [bytes(SIZE - 5), b"12345"])


@pytest.mark.parametrize("shard_bytes", [None, 3 << 20])
def test_progress_grows_to_the_total(model, tmp_path, shard_bytes):
    seen = []
    handler = file_system(
        tmp_path / "m", shard_bytes=shard_bytes, on_progress=lambda done, total: seen.append((done, total))
    )
    handler.save(model)
    assert {total for _, total in seen} == {SIZE}
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert len(seen) >= 3
    assert seen[-1] == (SIZE, SIZE)
    assert file_system(tmp_path / "m" / "model.json").load() == model


def test_what_was_asked_for_next_was_written_before():
    seen = []
    pieces = iter(ReportedPieces([b"abc", memoryview(b"de")], seen.append))
    assert bytes(next(pieces)) == b"abc"
    assert seen == []
    assert bytes(next(pieces)) == b"de"
    assert seen == [3]
    assert next(pieces, None) is None
    assert seen == [3, 2]
