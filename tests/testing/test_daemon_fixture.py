"""The fixture ``tfjsd_daemon``."""

import json
import os
import subprocess
import sys

import pytest

import tfjsd
from tfjsd.testing import assert_models_equal, make_artifacts

URL = "indexeddb://m"


def test_clients_and_the_command_line_reach_it(tfjsd_daemon):
    tfjsd_daemon.connect().save(URL, make_artifacts())
    listed = tfjsd_daemon.cli("list", "--json", check=True)
    assert list(json.loads(listed.stdout)) == [URL]
    assert tfjsd_daemon.cli("remove", "indexeddb://absent", "-y").returncode == 1
    tfjsd_daemon.cli("storage", "set", "k", "-", input="wörter", check=True)
    assert tfjsd_daemon.connect().local_storage()["k"] == "wörter"


async def test_asynchronous_clients_too(tfjsd_daemon):
    async with tfjsd_daemon.aconnect() as store:
        await store.save(URL, make_artifacts())
        assert list(await store.list_models()) == [URL]


def test_data_survives_kill_and_restart(tfjsd_daemon):
    store = tfjsd_daemon.connect()
    store.save(URL, make_artifacts())
    tfjsd_daemon.kill()
    with pytest.raises(tfjsd.DaemonUnavailableError):
        tfjsd_daemon.connect().list_models()
    tfjsd_daemon.restart()
    assert_models_equal(store.load(URL), make_artifacts())
    first = tfjsd_daemon.pid
    tfjsd_daemon.restart()
    assert tfjsd_daemon.pid != first
    assert_models_equal(tfjsd_daemon.connect().load(URL), make_artifacts())


def test_it_is_apart_from_the_users_own(tfjsd_daemon, tmp_path):
    assert tfjsd_daemon.home.is_relative_to(tmp_path)
    assert len(os.fsencode(tfjsd_daemon.socket)) < 80
    code = "import tfjsd; print(tfjsd.connect().status()['pid'])"
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code], env=tfjsd_daemon.env, capture_output=True, text=True, check=True
    )
    assert int(ran.stdout) == tfjsd_daemon.pid
    assert str(tfjsd_daemon.pid) in tfjsd_daemon.logs or tfjsd_daemon.logs == "" or "tfjsd" in tfjsd_daemon.logs


@pytest.mark.tfjsd_browsers("safari")
def test_it_shows_the_browser_of_the_marker(tfjsd_daemon):
    assert tfjsd_daemon.connect().status()["browser"] == "safari"
