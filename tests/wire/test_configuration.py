"""Who says where the home and the socket are, and in which order."""

import os
from pathlib import Path

import pytest

from tfjsd.errors import ConfigurationError
from tfjsd.wire.addresses import LONGEST_SOCKET_PATH, configuration_files, default_home, default_socket
from tfjsd.wire.configuration import Configuration

EMPTY: dict[str, str] = {"HOME": "/home/u"}


def load(tmp_path, user="", system="", flags=None, environ=EMPTY):
    files = (tmp_path / "user.toml", tmp_path / "system.toml")
    for file, text in zip(files, (user, system), strict=True):
        file.write_text(text)
    return Configuration.load(flags, environ=environ, files=files)


def test_flag_beats_environment_beats_user_beats_system_beats_default(tmp_path):
    user, system, environ = 'browser = "firefox"', 'browser = "safari"', {**EMPTY, "TFJSD_BROWSER": "unlimited"}
    assert load(tmp_path)["browser"] == "chrome"
    assert load(tmp_path, system=system)["browser"] == "safari"
    assert load(tmp_path, user, system)["browser"] == "firefox"
    assert load(tmp_path, user, system, environ=environ)["browser"] == "unlimited"
    assert load(tmp_path, user, system, {"browser": "chrome"}, environ)["browser"] == "chrome"


def test_a_setting_says_where_it_comes_from(tmp_path):
    settings = dict(load(tmp_path, '# c\n\n[log]\nlevel = "debug"\n', flags={"idle_exit": "5", "home": None}))
    assert settings["log.level"].source == f"{tmp_path}/user.toml:4"
    assert (settings["idle_exit"].value, settings["idle_exit"].source) == (5.0, "--idle-exit")
    assert settings["home"].source == "default"


PAIR = "[[sync.pairs]]\nname = 'a'\ndirectory = '/a'\nprefix = 'indexeddb://'\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('x = 1\nbrowser = "chrome"', ":1: unknown key 'x'"),
        ('# one\nbrowsr = "chrome"', ":2: unknown key 'browsr'; did you mean 'browser'?"),
        ('browser = "chrom"', r":1: browser: one of .* is expected; did you mean 'chrome'"),
        ('[log]\nformat = "auto"\nlevle = "info"', ":3: unknown key 'log.levle'; did you mean 'log.level'"),
        ("[access]\nusers = 'bob'", ":2: access.users: an array of names is expected"),
        ("idle_exit = true", ":1: idle_exit: a number of seconds"),
        ("idle_exit = -1", ":1: idle_exit: a number of seconds"),
        ("[storage]\neviction = 1", ":2: storage.eviction: true or false"),
        ("[storage]\neviction = true", ":2: storage.eviction: only false is possible in this version"),
        ("home = 3", ":1: home: a path"),
        ("home = x\n", "line 1"),
        ("log = 3", ":1: unknown key 'log'"),
        ("[acces]\nusers = ['a']", ":1: unknown key 'acces'; did you mean 'access'?"),
        ("origin = 'http://localhost/foo bar'", ":1: origin: 'http://localhost/foo bar' is not an origin"),
        (f"{PAIR}origin = 'foo bar'", ":5: sync.pairs: \"origin\": 'foo bar' is not an origin"),
        (f"{PAIR}{PAIR}directoin = 'in'", ":9: sync.pairs: unknown member 'directoin'; did you mean 'direction'"),
        (f"{PAIR}direction = 'up'\n{PAIR}", ':5: sync.pairs: "direction" must be one of'),
        (f"# x\n{PAIR}\n[[sync.pairs]]\nprefix = 'indexeddb://'\n", ':7: sync.pairs: "directory" must be'),
        ("[sync]\npairs = [{prefix = 'indexeddb://'}]", ':2: sync.pairs: "directory" must be'),
    ],
)
def test_a_mistake_is_named_with_its_line_and_a_suggestion(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=message):
        load(tmp_path, text)


def test_a_wrong_variable_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"^TFJSD_BROWSER: "):
        load(tmp_path, environ={**EMPTY, "TFJSD_BROWSER": "lynx"})


def test_without_any_variable_the_home_is_in_the_users_directory():
    assert default_home({}).parts[-1] == "tfjsd"
    assert default_home({}).is_absolute()
    assert configuration_files({})[-1] == Path("/etc/tfjsd/config.toml")


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="XDG directories are Linux's")
def test_xdg_directories_count_where_they_are_absolute():
    assert default_home({"XDG_DATA_HOME": "/data", **EMPTY}) == Path("/data/tfjsd")
    assert default_home({"XDG_DATA_HOME": "data", **EMPTY}) == Path("/home/u/.local/share/tfjsd")


def test_a_long_home_gets_a_short_socket(tmp_path):
    home = tmp_path / ("h" * 120)
    socket = default_socket(home, {"XDG_RUNTIME_DIR": "/run/user/7"})
    assert socket.parent == Path(f"/run/user/7/tfjsd-{os.getuid()}")
    assert len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH
    assert socket != default_socket(tmp_path / ("i" * 120), {"XDG_RUNTIME_DIR": "/run/user/7"})
    assert default_socket(Path("/h"), {}) == Path("/h/tfjsd.sock")


def test_a_client_goes_where_the_homes_owner_says(tmp_path):
    configuration = load(tmp_path, flags={"home": tmp_path})
    assert configuration.client_address().socket == tmp_path / "tfjsd.sock"
    (tmp_path / "daemon.json").write_text('{"socket": "/elsewhere.sock"}')
    assert configuration.client_address().socket == Path("/elsewhere.sock")
    assert configuration.server_address().socket == tmp_path / "tfjsd.sock"
    (tmp_path / "daemon.json").write_text("{")
    assert configuration.client_address().socket == tmp_path / "tfjsd.sock"
    named = load(tmp_path, flags={"home": tmp_path, "socket": "/run/s"})
    assert named.client_address().socket == Path("/run/s")


def test_sync_pairs_are_checked_where_they_stand(tmp_path):
    file = tmp_path / "config.toml"
    good = '[[sync.pairs]]\ndirectory = "/srv/models"\nprefix = "indexeddb://team"\n'
    file.write_text(f"[sync]\nsettle = 0.5\n{good}")
    configuration = Configuration.load(environ={}, files=(file,))
    (pair,) = configuration["sync.pairs"]
    assert (pair.name, pair.prefix, pair.direction) == ("models", "indexeddb://team/", "both")
    for wrong, line, message in (
        (f"{good}directon = 1\n", 5, "directon.*did you mean 'direction'"),
        (f"{good}{good}", 2, "name of its own"),
        ('[[sync.pairs]]\ndirectory = "here"\nprefix = "indexeddb://"\n', 3, "absolute"),
        ("[sync]\npairs = 1\n", 3, "array of tables"),
        ("[sync]\ndeletion_share = 2\n", 3, "between 0 and 1"),
    ):
        file.write_text(f"# a comment\n{wrong}")
        with pytest.raises(ConfigurationError, match=rf"config.toml:{line}: .*{message}"):
            Configuration.load(environ={}, files=(file,))
