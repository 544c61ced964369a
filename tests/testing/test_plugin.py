"""The plugin in projects of other people: generated ones, each run by a pytest of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

INI = """\
[pytest]
addopts = --strict-markers --strict-config
filterwarnings =
    error
    ignore:(?s).*asyncio_default_fixture_loop_scope
"""


class Project:
    """A directory with tests."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, **files: str) -> None:
        for name, text in files.items():
            suffix = ".ini" if name == "pytest" else ".py"
            (self.directory / f"{name}{suffix}").write_text(text)

    def run(self, *args: str) -> subprocess.CompletedProcess:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "TFJSD"))}
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args],
            cwd=self.directory,
            env=environment,
            capture_output=True,
            text=True,
        )

    def passes(self, *args: str) -> str:
        done = self.run(*args)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write(pytest=INI)
    return made


SYNCHRONOUS = """
import pytest
from tfjsd.testing import make_artifacts

def test_default(tfjsd_browser):
    assert tfjsd_browser.name == "chrome"
    tfjsd_browser.save("localstorage://m", make_artifacts())
    assert list(tfjsd_browser.list_models()) == ["localstorage://m"]

def test_store(tfjsd_store):
    tfjsd_store.save("indexeddb://m", make_artifacts())

@pytest.mark.tfjsd_browsers("firefox", "safari", quirks=None)
def test_marked(tfjsd_browser, tfjsd_browser_factory):
    assert tfjsd_browser.name in ("firefox", "safari")
    assert tfjsd_browser_factory().name == tfjsd_browser.name
    assert tfjsd_browser_factory("unlimited").name == "unlimited"
"""

ASYNCHRONOUS = """
import pytest
import tfjsd
from tfjsd.testing import make_artifacts

{mark}
async def test_awaited(tfjsd_browser):
    store = tfjsd_browser.aio
    assert isinstance(store, tfjsd.AsyncStore)
    await store.save("indexeddb://m", make_artifacts())
    await store.local_storage().set_item("k", "v")
    assert tfjsd_browser.local_storage()["k"] == "v"
    assert list(await store.list_models()) == ["indexeddb://m"]
"""


def test_fixtures_are_there_without_configuration(project):
    project.write(test_it=SYNCHRONOUS)
    out = project.passes("-v")
    assert "4 passed" in out
    assert "test_marked[firefox]" in out
    assert "test_marked[safari]" in out
    assert "test_default PASSED" in out


def test_the_option_chooses_for_tests_without_the_marker(project):
    project.write(test_it="def test_it(tfjsd_browser): assert tfjsd_browser.name != 'chrome'\n")
    assert "2 passed" in project.passes("--tfjsd-browser", "firefox", "--tfjsd-browser=safari")
    assert "1 passed" in project.passes("--tfjsd-browser", "unlimited")


def test_a_misspelt_marker_is_refused(project):
    project.write(test_it="import pytest\n@pytest.mark.tfjsd_browsers('lynx')\ndef test_it(tfjsd_browser): pass\n")
    done = project.run()
    assert done.returncode != 0
    assert "knows no browser 'lynx': there are chrome, firefox, safari, unlimited" in done.stdout
    project.write(test_it="import pytest\n@pytest.mark.tfjsd_browsers(quirk=1)\ndef test_it(tfjsd_browser): pass\n")
    assert "tfjsd_browsers has no argument quirk" in project.run().stdout


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_it_works_in_both_modes_of_pytest_asyncio(project, mode):
    project.write(test_it=ASYNCHRONOUS.format(mark="@pytest.mark.asyncio" if mode == "strict" else ""))
    assert "1 passed" in project.passes(
        "-o", f"asyncio_mode={mode}", "-o", "asyncio_default_fixture_loop_scope=function"
    )


def test_it_works_with_xdist(project):
    project.write(test_it=SYNCHRONOUS)
    assert "4 passed" in project.passes("-n", "2")


def test_it_works_without_other_plugins(project):
    project.write(test_it=SYNCHRONOUS)
    assert "4 passed" in project.passes("-p", "no:asyncio", "-p", "no:xdist", "-p", "no:playwright", "-p", "no:timeout")


def test_it_leaves_the_names_of_pytest_playwright_alone(project):
    pytest.importorskip("pytest_playwright")
    project.write(
        test_it="""
import pytest

def test_fixtures(request, tfjsd_browser):
    assert request.config.getoption("--browser") == ["firefox"]
    assert tfjsd_browser.name == "safari"
"""
    )
    listed = project.passes("--fixtures", "-v")
    ours = [line.split()[0] for line in listed.splitlines() if "testing/plugin.py:" in line]
    assert ours
    assert all(name.startswith("tfjsd_") for name in ours)
    assert "1 passed" in project.passes("--browser", "firefox", "--tfjsd-browser", "safari")


def test_loading_it_imports_neither_numpy_nor_an_engine(project):
    project.write(
        test_it="""
import sys

def test_it():
    assert "tfjsd.testing.plugin" in sys.modules
    assert not {"numpy", "plyvel", "aiohttp", "watchdog", "blake3", "tfjsd.embedded", "tfjsd.client"} & set(sys.modules)
"""
    )
    off = ["-p", "no:asyncio", "-p", "no:playwright", "-p", "no:hypothesispytest"]
    assert "1 passed" in project.passes(*off)


def test_a_simulated_browser_needs_neither_numpy_nor_an_engine(project):
    project.write(
        test_it="""
import sys
from tfjsd.testing import assert_models_equal, largest_fitting, make_artifacts

def test_it(tfjsd_browser_factory):
    browser = tfjsd_browser_factory("safari", quota=10_000)
    browser.save("localstorage://m", largest_fitting(browser, "localstorage://m"))
    assert_models_equal(browser.load("localstorage://m"), browser.load("localstorage://m"))
    assert not {"numpy", "plyvel", "aiohttp"} & set(sys.modules)
"""
    )
    assert "1 passed" in project.passes("-p", "no:playwright", "-p", "no:hypothesispytest")


def test_nothing_is_left_open(project):
    project.write(
        test_it="""
import threading

def test_one(tfjsd_browser, tfjsd_store):
    tfjsd_browser.local_storage()["a"] = "b"
    tfjsd_store.local_storage()["a"] = "b"

def test_two():
    assert [thread.name for thread in threading.enumerate() if "tfjsd" in thread.name] == []
"""
    )
    assert "2 passed" in project.passes()


def test_an_unknown_browser_is_a_usage_error(project):
    project.write(test_a="def test_it(tfjsd_browser): pass")
    done = project.run("--tfjsd-browser", "opera")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "invalid choice: 'opera'" in done.stderr
    project.write(
        test_a="import pytest\n@pytest.mark.tfjsd_browsers('opera')\ndef test_it(tfjsd_browser): pass",
    )
    done = project.run()
    assert "knows no browser 'opera': there are chrome, firefox, safari, unlimited" in done.stdout
