"""SIGHUP: which settings a running daemon takes over, which it names as waiting, and what happens to what is open."""

import http.client
import json
import signal
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tfjsd.daemon.reloading import RELOADED
from tfjsd.wire.configuration_keys import KEYS
from tfjsd.wire.token_file import TOKEN_FILE, read_token, rotate_token

PAGE, OTHER = "https://page.example", "https://other.example"


class Configured:
    """A daemon that listens on TCP, and the file that it reads."""

    def __init__(self, daemons, directory, **environ):
        self.file = directory / "tfjsd" / "config.toml"
        self.file.parent.mkdir()
        self.origins(PAGE)
        environ = {"XDG_CONFIG_HOME": str(directory), **environ}
        self.daemon = daemons.process(environ=environ, http="127.0.0.1:0", **{"log.format": "json"})
        self.port = int(json.loads((self.daemon.home / "daemon.json").read_bytes())["http"].rpartition(":")[2])

    def origins(self, *listed):
        self.file.write_text(f"[access]\norigins = {json.dumps(list(listed))}\n")

    def hang_up(self):
        self.daemon.signal(signal.SIGHUP)

    @contextmanager
    def asking(self, path, origin=None):
        """The answer to a page of that origin (or to a program) that has the token, its body yet to be read."""
        headers = {"Authorization": f"Bearer {read_token(self.daemon.home)}"}
        if origin is not None:
            headers["Origin"] = origin
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request("GET", path, headers=headers)
            yield connection.getresponse()

    def status(self, origin):
        with self.asking("/v1/models", origin) as answer:
            return answer.status


@pytest.fixture
def configured(daemons, tmp_path):
    return Configured(daemons, tmp_path)


def test_origins_are_let_in_and_shut_out_without_a_restart(configured, eventually):
    assert (configured.status(PAGE), configured.status(OTHER)) == (200, 403)
    configured.origins(OTHER)
    configured.hang_up()
    eventually(lambda: configured.status(OTHER) == 200)
    assert configured.status(PAGE) == 403


def test_a_wrong_file_leaves_the_origins_as_they_are(configured, eventually):
    configured.origins("*")
    configured.hang_up()
    assert configured.status(PAGE) == 200
    configured.origins(PAGE, OTHER)
    configured.hang_up()
    eventually(lambda: configured.status(OTHER) == 200)
    assert configured.status(PAGE) == 200


def test_what_a_page_reads_is_cut_when_its_origin_is_withdrawn(configured):
    configured.origins(PAGE, OTHER)
    configured.hang_up()
    with configured.asking("/v1/events", PAGE) as stream, configured.asking("/v1/events") as programs:
        assert stream.readline() == programs.readline() == b"event: ready\n"
        configured.origins(OTHER)
        configured.hang_up()
        with pytest.raises((ConnectionError, http.client.IncompleteRead)):
            stream.read()
        configured.daemon.local_storage({"op": "setItem", "key": "k", "value": "v"})
        while programs.readline() != b"event: storage\n":
            pass


def test_what_is_read_with_a_token_is_cut_when_it_is_rotated(configured):
    with configured.asking("/v1/events") as stream:
        assert stream.readline() == b"event: ready\n"
        rotate_token(configured.daemon.home)
        with pytest.raises((ConnectionError, http.client.IncompleteRead)):
            stream.read()
    assert configured.status(PAGE) == 200


def test_a_token_file_that_holds_none_admits_nobody_and_ends_nothing(configured):
    old = {"Authorization": f"Bearer {read_token(configured.daemon.home)}"}
    (configured.daemon.home / TOKEN_FILE).write_text("short")
    time.sleep(1.5)  # longer than the daemon takes to look again by itself
    with closing(http.client.HTTPConnection("127.0.0.1", configured.port, timeout=20)) as connection:
        connection.request("GET", "/v1/models", headers=old)
        assert connection.getresponse().status == 401
    assert configured.daemon.get("/v1/models").status == 200
    rotate_token(configured.daemon.home)
    assert configured.status(PAGE) == 200


def test_what_waits_for_a_restart_is_named_in_the_log(configured, eventually):
    configured.file.write_text('browser = "safari"\nautostart = false\n[access]\norigins = ["https://other.example"]\n')
    configured.hang_up()
    eventually(lambda: configured.status(OTHER) == 200)
    assert configured.daemon.stop() == 0
    lines = [json.loads(line) for line in configured.daemon.errors.splitlines()]
    (told,) = [line for line in lines if line.get("needs_restart")]
    assert told["needs_restart"] == ["browser"]


def test_the_documentation_says_of_each_setting_when_it_takes_effect():
    text = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    table = text[text.index("| takes effect at once") : text.index("`autostart` is a setting of clients")]
    at_once = {cell for line in table.splitlines() for cell in line.split("|")[1:2]}
    later = {cell for line in table.splitlines() for cell in line.split("|")[2:3]}
    for key in KEYS:
        if key.name != "autostart":
            assert any(f"`{key.name}`" in cell for cell in at_once) == (key.name in RELOADED), key.name
            assert any(f"`{key.name}`" in cell for cell in later) == (key.name not in RELOADED), key.name
