"""What the README claims is there."""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("proof", sorted(set(re.findall(r"`(tests/[^`]+)`", README))))
def test_each_proof_of_a_promise_is_a_test(proof):
    path, _, name = proof.partition("::")
    text = (ROOT / path).read_text("utf-8")
    assert re.search(rf"^(async )?def {name}\b" if name else r"^(async )?def test_", text, re.MULTILINE)


def test_each_promise_has_a_proof():
    rows = re.findall(r"^\| \*\*(P\d)\*\* \|.*\| (.*) \|$", README, re.MULTILINE)
    assert [name for name, _ in rows] == [f"P{number}" for number in range(1, 8)]
    assert all("`tests/" in proof for _, proof in rows)


@pytest.mark.parametrize("page", sorted(set(re.findall(r"\]\((docs/[^)#]+)", README))))
def test_each_page_that_it_points_to_is_there(page):
    assert (ROOT / page).is_file()


def test_each_page_of_the_docs_is_pointed_to():
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= set(
        re.findall(r"\]\((docs/[^)#]+)", README)
    )


def test_the_two_commands_are_there():
    for command in ("scripts/tour", "scripts/test"):
        assert f"\n{command} " in README
        assert os.access(ROOT / command, os.X_OK)
