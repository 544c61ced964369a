"""What the README claims is there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"^### (.*?)$.*?^```\w+\n(.*?)^```$", README, re.MULTILINE | re.DOTALL))
VARYING = r"Less than a second ago|\d seconds? ago|(?<= of )[\d.]+ [GT]B|\d{4}-\d\d-\d\dT[\d:.]+Z"
"""Ages, the disk's size, dates."""


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


@pytest.fixture
def newcomer() -> Iterator[dict[str, str]]:
    """The environment of one who has just installed it."""
    home = tempfile.mkdtemp(prefix="tfjsd-")  # pytest's own directories are too deep for the name of a socket
    mine = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "TFJSD", "XDG"))}
    environment = mine | {"HOME": home, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    try:
        yield environment
    finally:
        subprocess.run(["tfjsd", "--quiet", "stop"], env=environment, check=True)
        shutil.rmtree(home)


def shown(example: str, environment: Mapping[str, str]) -> str:
    """What a terminal shows of the example's commands."""
    commands = [line[2:] for line in example.splitlines() if line.startswith("$ ")]
    script = 'curl() { command curl --silent "$@"; }\n'
    script += "".join(f"printf '%s\\n' {shlex.quote('$ ' + command)}\n{command}\necho\n" for command in commands)
    run = subprocess.run(
        ["sh", "-c", script], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return re.sub(r"\n+", "\n", run.stdout)


def test_the_examples_show_what_they_say_one_after_the_other(newcomer):
    terminal, python, curl = (EXAMPLES[name] for name in ("At a terminal", "In Python", "With curl"))
    assert re.sub(VARYING, "…", shown(terminal, newcomer)) == re.sub(VARYING, "…", terminal)
    subprocess.run([sys.executable, "-c", python], cwd=ROOT, env=newcomer, check=True)
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: the last example was not run")
    assert re.sub(VARYING, "…", shown(curl, newcomer)) == re.sub(VARYING, "…", curl)


def test_the_example_of_a_test_passes(newcomer, tmp_path):
    (tmp_path / "test_example.py").write_text(EXAMPLES["In a test"])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, env=newcomer, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
