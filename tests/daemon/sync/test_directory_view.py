"""A look at what was touched sees what a look at everything sees, and costs less."""

import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjsd.daemon.sync import directory_snapshot
from tfjsd.daemon.sync.directory_snapshot import DirectoryView, take_directory
from tfjsd.daemon.sync.settling import Settling
from tfjsd.model_io.browser_downloads import downloads
from tfjsd.model_io.node_file_system import file_system
from tfjsd.wire.sync_pair import SyncPair

from .conftest import artifacts

MODELS = st.sampled_from(["a", "b", "t/a", "t"])
FILES = st.sampled_from(["a/model.json", "a/weights.bin", "t/model.json", "t/a/weights.bin", "d.json", "d.weights.bin"])
OPERATIONS = st.one_of(
    st.tuples(st.just("save"), MODELS, st.integers(0, 9)),
    st.tuples(st.just("download"), st.sampled_from(["d", "a", "t/d"]), st.integers(0, 9)),
    st.tuples(st.just("cut"), FILES),
    st.tuples(st.just("delete"), FILES),
    st.tuples(st.just("rename"), FILES, FILES),
    st.tuples(st.just("look")),
)


class Directory:
    """Says of each change what the watcher would: the directories of files, None where directories changed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def save(self, model, content):
        is_new = not (self.root / model).exists()
        file_system(self.root / model).save(artifacts(content))
        return None if is_new else {model}

    def download(self, name, content):
        is_new = not (self.root / name).parent.exists()
        (self.root / name).parent.mkdir(exist_ok=True)
        downloads(Path(name).name, (self.root / name).parent).save(artifacts(content))
        return None if is_new else {parent_of(name)}

    def cut(self, file):
        if (self.root / file).exists():
            (self.root / file).write_bytes((self.root / file).read_bytes()[:-1])
        return {parent_of(file)}

    def delete(self, file):
        (self.root / file).unlink(missing_ok=True)
        return {parent_of(file)}

    def rename(self, file, name):
        if (self.root / file).exists() and (self.root / name).parent.exists():
            (self.root / file).rename(self.root / name)
        return {parent_of(file), parent_of(name)}


def parent_of(path: str) -> str:
    return path.rpartition("/")[0]


def check(root, operations):
    pair = SyncPair.of({"directory": str(root), "prefix": "indexeddb://"}, origin="http://localhost")
    directory, view, known, touched = Directory(root), DirectoryView(), {}, set()
    for name, *words in (*operations, ("look",)):
        if name != "look":
            told = getattr(directory, name)(*words)
            if told is None:
                view.forget()
            else:
                touched |= told
            continue
        settling, expected = Settling(0.0, time.time()), {model: known[model].digest for model in known}
        partial = take_directory(pair, known, expected, settling, view=view, touched=touched)
        full = take_directory(pair, known, expected, settling)
        assert (partial.states, partial.found, partial.known) == (full.states, full.found, full.known)
        known, touched = partial.known, set()


@settings(deadline=None, max_examples=200)
@given(st.lists(OPERATIONS, max_size=25))
def test_it_sees_what_a_look_at_everything_sees(operations):
    root = Path(tempfile.mkdtemp(prefix="tfjsd-view-"))
    try:
        check(root, operations)
    finally:
        shutil.rmtree(root)


def test_the_check_catches_a_look_that_misses_a_change(tmp_path, monkeypatch):
    """The negative control."""
    monkeypatch.setattr(Directory, "cut", lambda self, file: (Directory.delete(self, file), set())[1])
    with pytest.raises(AssertionError):
        check(tmp_path, [("save", "a", 1), ("look",), ("cut", "a/weights.bin"), ("look",)])


def test_it_looks_at_the_files_of_no_other_model(pairing, monkeypatch):
    for number in range(20):
        pairing.write(f"m{number}", number)
    view, looked = DirectoryView(), []
    pairing.run(view=view)
    pairing.run(view=view)
    real = directory_snapshot.stamp
    monkeypatch.setattr(directory_snapshot, "stamp", lambda root, path: (looked.append(path), real(root, path))[1])
    assert pairing.run(view=view).clean
    assert looked == []
    pairing.write("m3", 30)
    assert pairing.run(view=view, places={"m3"}).applied == {"copy_store": 1}
    assert {parent_of(path) for path in looked} == {"m3"}
    looked.clear()
    pairing.save("m4", 40)
    pairing.run(view=view)
    pairing.run(view=view)
    assert pairing.run(view=view).clean
    assert {parent_of(path) for path in looked} == {"m4"}
    assert pairing.files() == pairing.stored()
