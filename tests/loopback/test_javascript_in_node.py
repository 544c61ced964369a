"""A program that was written for the browser runs in Node: its storage is the daemon's."""

import shutil
import subprocess

import pytest
from loopback.conftest import running
from loopback.pages import JS

import tfjsd

PACKAGES = ("@tensorflow/tfjs", "tfjs-3", "tfjs-2")


@pytest.fixture(autouse=True)
def _needs_node():
    if shutil.which("node") is None or not (JS / "node_modules").exists():
        pytest.skip("Node or TensorFlow.js is not installed: scripts/test installs them")


def run(program, daemon, package):
    words = ["node", program, str(daemon.home), package]
    done = subprocess.run(words, cwd=JS, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout) == (0, "done"), done.stderr[-3000:]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_browsers_own_handlers_work_on_the_adapters(package):
    with running() as daemon:
        run("in-node-native.mjs", daemon, package)
        with tfjsd.connect(str(daemon.socket), home=str(daemon.home)) as store:
            assert sorted(store.list_models()) == ["indexeddb://native/x", "localstorage://native"]
            first, second = (store.load(url) for url in store.list_models())
            assert bytes(first.weight_data) == bytes(second.weight_data)


@pytest.mark.parametrize("package", PACKAGES)
def test_models_and_local_storage_of_a_browser_program(package):
    with running() as daemon:
        run("in-node.mjs", daemon, package)
        with tfjsd.connect(str(daemon.socket), home=str(daemon.home)) as store:
            assert list(store.list_models()) == ["localstorage://m"]
            assert store.local_storage()["k"] == "v"
