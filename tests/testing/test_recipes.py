"""docs/testing.md: its recipes are run, its table is worked out anew."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tfjsd.storage_backends.browsers import GIB
from tfjsd.testing import largest_fitting, simulate_browser

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/testing.md").read_text("utf-8")
RECIPES = re.findall(r"^### (\d)\. (.*?)$.*?^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TFJS = ROOT / "tests/js/node_modules/@tensorflow/tfjs/dist/tf.min.js"

CONFTEST = """
import pytest

@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    arguments = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run"]
    return {{**browser_type_launch_args, "executable_path": {chromium!r}, "args": arguments}}

@pytest.fixture
def app(page):
    html = "<!doctype html><script src=/tf.min.js></script>"
    page.route("http://app.test/", lambda route: route.fulfill(content_type="text/html", body=html))
    page.route("http://app.test/tf.min.js", lambda route: route.fulfill(path={tfjs!r}))
    return "http://app.test/"
"""


def run_recipes(directory: Path, numbers: str) -> str:
    chromium = shutil.which("chromium")
    (directory / "conftest.py").write_text(CONFTEST.format(chromium=chromium, tfjs=str(TFJS)))
    (directory / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    for number, _, code in RECIPES:
        if number in numbers:
            (directory / f"test_recipe_{number}.py").write_text(code, "utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "TFJSD"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio"],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_there_are_eight_recipes():
    assert [number for number, _, _ in RECIPES] == list("12345678")


def test_the_recipes_without_a_browser_pass(tmp_path):
    assert "28 passed" in run_recipes(tmp_path, "1234567")


def test_the_recipe_with_a_real_page_passes(tmp_path):
    if not TFJS.exists() or shutil.which("chromium") is None:
        pytest.skip("Chromium and TensorFlow.js are not installed: scripts/test installs them")
    assert "1 passed" in run_recipes(tmp_path, "8")


@pytest.mark.parametrize("name", ["chrome", "firefox", "safari"])
def test_the_table_says_what_fits(name):
    (row,) = re.findall(rf"^\| {name} \|(.*)\|$", PAGE, re.MULTILINE)
    cells = [cell.strip() for cell in row.split("|")]
    found = []
    with simulate_browser(name) as browser:
        found.append(f"{browser.browser.web_storage.limit:,}")
        small, wide = (largest_fitting(browser, f"localstorage://{path}") for path in ("m", "模"))
        found.append(f"{small.weight_specs[0]['shape'][1]:,} values, {small.weight_data_bytes:,} bytes")
        found.append(f"{wide.weight_specs[0]['shape'][1]:,} values")
    for disk in (256 * GIB, 32 * GIB):
        with simulate_browser(name, disk_total=disk) as browser:
            found.append(f"{browser.storage.quota():,} bytes")
    assert cells[1:] == found
