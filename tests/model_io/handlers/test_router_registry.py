"""Which handler answers for which URL (restates tfjs-core's router_registry_test)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tfjsd.errors import InvalidArtifactsError
from tfjsd.model_io.browser_downloads import Downloads
from tfjsd.model_io.caller_routers import caller_routers
from tfjsd.model_io.http import HTTPRequest
from tfjsd.model_io.node_file_system import FileSystem, LegacyFiles
from tfjsd.model_io.router_registry import IORouterRegistry, LoadHandler, SaveHandler
from tfjsd.model_io.types import ModelArtifacts, SaveResult


class Memory:
    """A handler of the test's own."""

    def __init__(self, url, options) -> None:
        self.url = url
        self.options = options

    def save(self, artifacts: ModelArtifacts) -> SaveResult:
        return SaveResult(artifacts.info())

    def load(self) -> ModelArtifacts:
        return ModelArtifacts({})


def scheme_router(scheme: str):
    def router(url, options):
        return Memory(url, options) if isinstance(url, str) and url.startswith(f"{scheme}://") else None

    return router


def pair_router(url, options):
    if isinstance(url, list) and len(url) == 2 and all(part.startswith("foo://") for part in url):
        return Memory(url, options)
    return None


def test_the_matching_router_gives_the_save_handler():
    registry = IORouterRegistry()
    registry.register_save_router(scheme_router("localstorage"))
    registry.register_save_router(scheme_router("indexeddb"))
    (first,) = registry.save_handlers("localstorage://foo-model")
    (second,) = registry.save_handlers("indexeddb://foo-model")
    assert isinstance(first, Memory)
    assert isinstance(second, Memory)
    assert (first.url, second.url) == ("localstorage://foo-model", "indexeddb://foo-model")


def test_save_and_load_routers_do_not_mix():
    registry = IORouterRegistry()
    registry.register_save_router(scheme_router("a"))
    registry.register_load_router(scheme_router("b"))
    assert registry.load_handlers("a://m") == []
    assert registry.save_handlers("b://m") == []
    assert registry.save_handlers("invalidscheme://foo-model") == []


def test_every_router_is_asked_in_the_order_of_registration():
    registry = IORouterRegistry()
    for _ in range(3):
        registry.register_load_router(scheme_router("a"))
    assert len(registry.load_handlers("a://m")) == 3


def test_a_router_may_match_lists():
    registry = IORouterRegistry()
    registry.register_load_router(pair_router)
    assert len(registry.load_handlers(["foo:///123", "foo:///456"])) == 1
    assert registry.load_handlers(["foo:///123", "bar:///456"]) == []
    assert registry.load_handlers(["foo:///123"]) == []
    assert registry.load_handlers("foo:///123") == []


def test_options_reach_the_handler():
    registry = IORouterRegistry()
    registry.register_load_router(scheme_router("a"))
    (handler,) = registry.load_handlers("a://m", timeout=1)
    assert isinstance(handler, Memory)
    assert handler.options == {"timeout": 1}


def test_two_registries_share_nothing():
    first, second = IORouterRegistry(), IORouterRegistry()
    first.register_load_router(scheme_router("a"))
    assert second.load_handlers("a://m") == []


def test_a_handler_is_known_by_what_it_can_do():
    class Saver:
        def save(self, artifacts): ...

    assert isinstance(Memory("", {}), SaveHandler)
    assert isinstance(Memory("", {}), LoadHandler)
    assert isinstance(Saver(), SaveHandler)
    assert not isinstance(Saver(), LoadHandler)
    assert not isinstance("file:///x", LoadHandler)


@pytest.mark.parametrize(
    ("location", "saver", "loader"),
    [
        ("file:///tmp/m", FileSystem, FileSystem),
        ("file://", FileSystem, FileSystem),
        (Path("m"), FileSystem, FileSystem),
        (["file:///a.pb", "file:///b.json"], LegacyFiles, LegacyFiles),
        ("http://bar/foo", HTTPRequest, HTTPRequest),
        ("https://localhost:5000/upload", HTTPRequest, HTTPRequest),
        ("downloads://foo", Downloads, None),
        ("invaliddownloads://foo", None, None),
        ("localhost://foo", None, None),
        ("foo:5000/bar", None, None),
        ("foo", None, None),
        ("", None, None),
        ("FILE:///tmp/m", None, None),
        ("HTTP://bar/foo", None, None),
        (" http://bar/foo", None, None),
        ("indexeddb://m", None, None),
        (["file:///a", "http://b"], None, None),
    ],
    ids=str,
)
def test_the_callers_routers(location, saver, loader):
    registry = caller_routers()
    assert [type(handler) for handler in registry.save_handlers(location)] == ([saver] if saver else [])
    assert [type(handler) for handler in registry.load_handlers(location)] == ([loader] if loader else [])


def test_a_constructor_may_refuse():
    with pytest.raises(InvalidArtifactsError, match="file paths must have a length of 2"):
        caller_routers().load_handlers(["file:///a"])


def test_options_of_the_callers_routers(tmp_path: Path):
    registry = caller_routers()
    (download,) = registry.save_handlers("downloads://m", downloads_directory=tmp_path, method="PUT", shard_bytes=5)
    (request,) = registry.save_handlers("http://h/", downloads_directory=tmp_path, method="PUT", shard_bytes=5)
    (file,) = registry.save_handlers(tmp_path, downloads_directory=tmp_path, method="PUT", shard_bytes=5)
    assert isinstance(download, Downloads)
    assert download.directory == str(tmp_path)
    assert isinstance(request, HTTPRequest)
    assert isinstance(file, FileSystem)


def test_the_callers_routers_load_neither_numpy_nor_a_web_client():
    program = (
        "import sys; from tfjsd.model_io.caller_routers import caller_routers;"
        "caller_routers().save_handlers('file:///x');"
        "print([name for name in ('numpy', 'http.client', 'ssl', 'aiohttp', 'plyvel') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_handlers_functions_are_names_of_the_package_whatever_was_imported_before():
    program = (
        "import sys, tfjsd.model_io as io; lazy = [n for n in sys.modules if n.startswith('tfjsd.model_io.')];"
        "from tfjsd.model_io import caller_routers; caller_routers.caller_routers();"
        "print(lazy, all(callable(getattr(io, name)) or name == 'IOHandler' for name in io.__all__), len(io.__all__))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True 8"
