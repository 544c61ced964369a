"""The runner of the web platform tests, on a file of its own, and what is known of the real ones."""

import re
import shutil
from pathlib import Path

import pytest

from web_platform.expectations import Expectations
from web_platform.run import HARNESS, FileResult, addresses, run_file
from web_platform.stores import STORES

OWN = Path(__file__).with_name("own")
PAGE = Path(__file__).parents[2] / "docs" / "indexeddb.md"
MOST_FAILURES = 10


@pytest.fixture
def node():
    if shutil.which("node") is None:
        pytest.skip("Node is not installed: scripts/test installs it with npm")


@pytest.mark.parametrize("store", STORES)
async def test_a_file_of_tests_runs_on_each_store(node, store):
    assert addresses(OWN) == ["own.any.js"]
    async with STORES[store]() as factory:
        result = await run_file(OWN, "own.any.js", factory)
    assert {name: problem for name, problem in result.subtests.items() if problem} == {
        "this one is wrong": "Fail: Error: 1 in place of 2"
    }
    assert result.passed == 6


async def test_a_file_that_breaks_counts_as_failed(node, tmp_path):
    shutil.copytree(OWN, tmp_path / "tree")
    (tmp_path / "tree/IndexedDB/own.any.js").write_text("// META: script=resources/missing.js\n")
    async with STORES["memory"]() as factory:
        result = await run_file(tmp_path / "tree", "own.any.js", factory)
    assert (result.passed, list(result.subtests)) == (0, [HARNESS])
    assert "ENOENT" in result.subtests[HARNESS]


def test_a_run_is_held_against_the_list():
    expected = Expectations("", {}, {}, {"a.any.js": {"known": "node"}}, {})
    assert expected.differences(FileResult("a.any.js", {"known": "Fail: x", "other": None})) == []
    assert expected.differences(FileResult("a.any.js", {"known": None})) == ["passes: known"]
    assert expected.differences(FileResult("b.any.js", {"known": "Fail: x"})) == ["fails: known: Fail: x"]


def test_every_known_failure_has_a_reason_and_the_list_only_shrinks():
    expected = Expectations.load()
    failing = [(file, name) for file, names in expected.failing.items() for name in names]
    assert len(failing) == expected.total - expected.passed <= MOST_FAILURES
    used = {reason for names in expected.failing.values() for reason in names.values()}
    assert used | {entry["reason"] for entry in expected.not_run.values()} == set(expected.reasons)
    assert all(
        expected.files[file][1] - expected.files[file][0] == len(names) for file, names in expected.failing.items()
    )


def test_the_page_gives_the_figures_of_the_list():
    expected = Expectations.load()
    numbers = re.findall(r"\*\*([\d,]+) of ([\d,]+)\*\*", PAGE.read_text())
    found = [(int(passed.replace(",", "")), int(total.replace(",", ""))) for passed, total in numbers]
    assert found == [(expected.passed, expected.total), (expected.passed, expected.whole)]
