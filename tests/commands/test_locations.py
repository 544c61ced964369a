"""What an argument is, and the name that a model goes by."""

from pathlib import Path

import pytest

from tfjsd.commands.arguments import UsageError
from tfjsd.commands.locations import join, locate
from tfjsd.errors import InvalidArtifactsError


@pytest.mark.parametrize(
    ("word", "kind", "scheme"),
    [
        ("-", "archive", "file"),
        ("localstorage://a", "stored", "localstorage"),
        ("indexeddb://a://b", "stored", "indexeddb"),
        ("http://x/model.json", "http", "http"),
        ("https://x", "http", "https"),
        ("downloads://x", "downloads", "downloads"),
        ("file://x", "path", "file"),
        ("x", "path", "file"),
        ("./indexeddb:/x", "path", "file"),
        ("C:\\x", "path", "file"),
        ("HTTP://x", "other", "HTTP"),
        ("ftp://x", "other", "ftp"),
        ("", "path", "file"),
    ],
)
def test_kinds(word, kind, scheme):
    location = locate(word)
    assert (location.kind, location.scheme) == (kind, scheme)


def test_a_directory_means_its_model_json(tmp_path):
    assert locate(str(tmp_path)).source_path() == tmp_path / "model.json"
    assert locate(f"file://{tmp_path}").source_path() == tmp_path / "model.json"
    assert locate(str(tmp_path / "x.json")).source_path() == tmp_path / "x.json"


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("indexeddb://a/b c", "a/b c"),
        ("indexeddb://a://b", "a://b"),
        ("models/mnist/model.json", "mnist"),
        ("downloads/mine.json", "mine"),
        ("https://x.example/models/mnist/model.json?v=1#f", "mnist"),
        ("https://x.example/mine.json", "mine"),
        ("https://x.example/model.json", "model"),
        ("https://x.example", "model"),
        ("-", "model"),
    ],
)
def test_names(word, name):
    assert locate(word).model_name == name


def test_a_directory_names_its_model(tmp_path, monkeypatch):
    (tmp_path / "mnist").mkdir()
    monkeypatch.chdir(tmp_path / "mnist")
    for word in (".", str(tmp_path / "mnist"), f"{tmp_path}/mnist/", "model.json", "./model.json"):
        assert locate(word).model_name == "mnist"


@pytest.mark.parametrize(
    ("prefix", "target"),
    [
        ("indexeddb://", "indexeddb://a/b"),
        ("indexeddb://p", "indexeddb://p/a/b"),
        ("indexeddb://p/", "indexeddb://p/a/b"),
        ("out", "out/a/b"),
        ("out/", "out/a/b"),
        ("/", "/a/b"),
        ("https://x/up", "https://x/up/a/b"),
    ],
)
def test_into_a_prefix(prefix, target):
    assert join(prefix, locate("localstorage://a/b")).text == target


@pytest.mark.parametrize("name", ["..", "../x", "a/../../x", "/etc", "a//b", "a/", ".", "a\0b", ""])
def test_no_name_leaves_the_directory(name):
    with pytest.raises(InvalidArtifactsError):
        join("out", locate(f"indexeddb://{name}"))
    assert join("indexeddb://p", locate(f"indexeddb://{name}")).text == f"indexeddb://p/{name}"


def test_a_pipe_holds_one_model():
    with pytest.raises(UsageError):
        join("-", locate("indexeddb://a"))


def test_only_a_word_that_is_no_path_is_a_bare_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("there").touch()
    assert locate("mnist").is_bare_name
    assert locate("a/b").is_bare_name  # names have slashes, too
    for word in ("there", "./mnist", "../mnist", "/mnist", "file://mnist", "indexeddb://mnist", "-"):
        assert not locate(word).is_bare_name
