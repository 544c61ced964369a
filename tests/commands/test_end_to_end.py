"""The ``tfjsd`` command as a process, against a daemon that it started itself."""

import hashlib
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

MODELS = Path(__file__).parents[1] / "fixtures" / "tfjs-models"
COMMAND = [sys.executable, "-P", "-m", "tfjsd"]
ORIGINS = iter(f"http://test{number}.example" for number in range(1000))


class Shell:
    """Runs command lines in one home, as cron would: with next to no environment."""

    def __init__(self, home, directory):
        self.home, self.directory = home, directory
        self.env = {"PATH": "/usr/bin:/bin", "TFJSD_HOME": str(home), "HOME": str(directory), "LC_ALL": "C.UTF-8"}

    def __call__(self, *argv, stdin=b"", code=0, **env):
        done = subprocess.run(
            [*COMMAND, *map(str, argv)],
            input=stdin,
            capture_output=True,
            cwd=self.directory,
            env=self.env | env,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, (argv, done)
        return done

    def text(self, *argv, **more):
        return self(*argv, **more).stdout.decode()

    def error(self, *argv, **more):
        return self(*argv, **more).stderr.decode()

    def json(self, *argv, **more):
        return json.loads(self("--json", *argv, **more).stdout)

    def start(self, *argv, stdin=subprocess.PIPE):
        return subprocess.Popen(
            [*COMMAND, *map(str, argv)],
            cwd=self.directory,
            env=self.env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def make_shell():
    # Not tmp_path: the names of sockets are short.
    directory = Path(tempfile.mkdtemp(prefix="tfjsd-cli-"))
    return Shell(directory / "home", directory)


def end_shell(shell):
    try:
        shell("stop")
    finally:
        shutil.rmtree(shell.directory, ignore_errors=True)


@pytest.fixture(scope="module")
def shared():
    shell = make_shell()
    yield shell
    end_shell(shell)


@pytest.fixture
def tfjsd(shared):
    """A shell of the shared daemon, in an origin and a directory of its own."""
    origin = next(ORIGINS)
    directory = shared.directory / origin.removeprefix("http://")
    directory.mkdir()
    shell = Shell(shared.home, directory)
    shell.env["TFJSD_ORIGIN"] = origin
    return shell


@pytest.fixture
def alone():
    """A shell with a home of its own, without a daemon yet."""
    shell = make_shell()
    yield shell
    end_shell(shell)


def digest(model):
    manifest = json.loads((model / "model.json").read_text())["weightsManifest"]
    data = b"".join((model / path).read_bytes() for group in manifest for path in group["paths"])
    return hashlib.sha256(data).hexdigest()


def topology(model):
    return json.loads((model / "model.json").read_text())["modelTopology"]


def test_real_models_travel_and_come_back_equal(tfjsd):
    sources = sorted(path for path in MODELS.iterdir() if path.is_dir())
    tfjsd("copy", *sources, "--into", "indexeddb://")
    tfjsd("copy", "--glob", "indexeddb://*", "--into", "localstorage://copied")
    tfjsd("move", "--glob", "localstorage://copied/*", "--into", "localstorage://moved/again")
    tfjsd("copy", "--glob", "localstorage://moved/again/*", "--into", "out")
    infos = tfjsd.json("list")
    for source in sources:
        back = tfjsd.directory / "out" / "moved" / "again" / "copied" / source.name
        assert digest(back) == digest(source)
        assert topology(back) == topology(source)
        assert {f"localstorage://moved/again/copied/{source.name}", f"indexeddb://{source.name}"} <= infos.keys()
    assert len(infos) == 2 * len(sources)


def test_a_record_without_an_info_hides_no_model_and_can_be_removed(tfjsd):
    tfjsd("copy", MODELS / "jsmlp", "indexeddb://ok")
    tfjsd("idb", "put", "tensorflowjs", "model_info_store", '{"modelPath":"zz"}')
    assert tfjsd.json("list")["indexeddb://zz"] == {"dateSaved": None}
    assert tfjsd.text("list", "-q").split() == ["indexeddb://ok", "indexeddb://zz"]
    assert "indexeddb://zz" in tfjsd.text("list")
    assert "indexeddb://zz" in tfjsd.text("list", "-A")
    assert tfjsd.json("remove", "-y", "indexeddb://zz") == {"indexeddb://zz": {"dateSaved": None}}
    assert list(tfjsd.json("list")) == ["indexeddb://ok"]


def test_a_model_goes_through_a_pipe(tfjsd):
    tfjsd("copy", MODELS / "jsmlp", "indexeddb://a")
    archive = tfjsd("copy", "indexeddb://a", "-")
    assert archive.stderr == b""
    assert tfjsd.text("copy", "-", "indexeddb://b", stdin=archive.stdout) == "copied '-' to 'indexeddb://b'\n"
    tfjsd("copy", "indexeddb://b", "out")
    assert digest(tfjsd.directory / "out") == digest(MODELS / "jsmlp")


def test_what_tar_packs_is_read_and_what_is_written_tar_unpacks(tfjsd):
    packed = subprocess.run(
        ["tar", "-c", "-C", MODELS, "k2_cnn_h5_layers_shard64"], capture_output=True, check=True
    ).stdout
    tfjsd("copy", "-", "indexeddb://t", stdin=packed)
    out = tfjsd.directory / "unpacked"
    out.mkdir()
    subprocess.run(["tar", "-x", "-C", out], input=tfjsd("copy", "indexeddb://t", "-").stdout, check=True)
    assert digest(out) == digest(MODELS / "k2_cnn_h5_layers_shard64")


def test_a_failed_first_half_of_a_pipe_stores_nothing(tfjsd):
    tfjsd("copy", "-", "indexeddb://b", stdin=b"", code=1)
    tfjsd("copy", MODELS / "jsmlp", "indexeddb://a")
    half = tfjsd("copy", "indexeddb://a", "-").stdout[:3000]
    tfjsd("copy", "-", "indexeddb://b", stdin=half, code=1)
    assert list(tfjsd.json("list")) == ["indexeddb://a"]


def test_shards_and_downloads(tfjsd):
    tfjsd("copy", MODELS / "jsmlp", "indexeddb://a")
    tfjsd("copy", "indexeddb://a", "shards", "--shard-size", "100")
    assert len(list((tfjsd.directory / "shards").glob("*.bin"))) > 1
    assert digest(tfjsd.directory / "shards") == digest(MODELS / "jsmlp")
    tfjsd("copy", "indexeddb://a", "downloads://mine", "--downloads-dir", "dl")
    assert {path.name for path in (tfjsd.directory / "dl").iterdir()} == {"mine.json", "mine.weights.bin"}
    tfjsd("copy", "dl/mine.json", "indexeddb://from-downloads")


def test_the_optimizer_can_be_left_out(tfjsd):
    tfjsd("copy", MODELS / "jsmlp_opt", "indexeddb://with")
    tfjsd("copy", "--drop-optimizer", "indexeddb://with", "indexeddb://without")
    assert tfjsd.json("show", "indexeddb://with")["optimizerParameters"] > 0
    assert tfjsd.json("show", "indexeddb://without")["optimizerParameters"] == 0


def test_legacy_topology_and_manifest_are_read(tfjsd):
    (tfjsd.directory / "topology.pb").write_bytes(b"\x08\x01")
    (tfjsd.directory / "manifest.json").write_text("[]")
    done = tfjsd("copy", "topology.pb", "indexeddb://x", "--weights-manifest", "manifest.json", code=1)
    assert b"model topology" in done.stderr  # no store takes a binary one; tfjs says so, too


@pytest.fixture
def web():
    """A server of model files that notes what is posted to it."""
    posts = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(MODELS))

        def do_PUT(self):
            posts.append((self.headers, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", posts
    server.shutdown()
    thread.join()
    server.server_close()


def test_models_come_from_the_web_and_go_there(tfjsd, web):
    url, posts = web
    tfjsd("copy", f"{url}/jsmlp/model.json", "indexeddb://a")
    tfjsd("copy", "indexeddb://a", "out")
    assert digest(tfjsd.directory / "out") == digest(MODELS / "jsmlp")
    tfjsd("copy", "indexeddb://a", f"{url}/up", "--method", "PUT", "--header", "X-Token: secret")
    [(headers, body)] = posts
    assert headers["x-token"] == "secret"
    assert b'name="model.weights.bin"' in body
    tfjsd("copy", "--weight-path-prefix", f"{url}/jsrnn/", f"{url}/jsmlp/model.json", "indexeddb://b", code=1)
    tfjsd("copy", f"{url}/jsmlp/none.json", "indexeddb://b", code=1)
    assert list(tfjsd.json("list")) == ["indexeddb://a"]


def test_several_at_once(tfjsd):
    tfjsd("copy", MODELS / "jsmlp", MODELS / "jsrnn", "--into", "localstorage://all")
    assert set(tfjsd.json("list")) == {"localstorage://all/jsmlp", "localstorage://all/jsrnn"}
    tfjsd("move", "--glob", "localstorage://all/*", "--into", "indexeddb://")
    tfjsd("copy", "--glob", "indexeddb://*", "--into", "backup")
    assert digest(tfjsd.directory / "backup" / "all" / "jsrnn") == digest(MODELS / "jsrnn")
    tfjsd("remove", "--glob", "indexeddb://*")
    assert tfjsd.json("list") == {}


def test_between_origins(tfjsd):
    tfjsd("copy", MODELS / "jsmlp", "indexeddb://a")
    other = next(ORIGINS)
    tfjsd("copy", "indexeddb://a", "localstorage://b", "--to-origin", other)
    assert list(tfjsd.json("list", "--origin", other)) == ["localstorage://b"]
    tfjsd("copy", "--from-origin", other, "localstorage://b", "indexeddb://c")
    everything = tfjsd.json("list", "-A")
    assert set(everything[tfjsd.env["TFJSD_ORIGIN"]]) == {"indexeddb://a", "indexeddb://c"}
    assert "models in other origins; see tfjsd list -A" in tfjsd.error("list", "--origin", "http://none.example")


def test_a_quota_is_a_refusal_that_changes_nothing(tfjsd):
    size = 5 * 1024 * 1024
    tfjsd("storage", "set", "fill", "-", stdin=b"x" * (size - 4))
    done = tfjsd("copy", MODELS / "jsmlp", "localstorage://m", code=1)
    assert done.stderr.startswith(b"error: ")
    error = json.loads(tfjsd("copy", "--json", MODELS / "jsmlp", "localstorage://m", code=1).stderr)
    assert error["error"]["name"] == "QuotaExceededError"
    assert tfjsd.json("list") == {}
    assert tfjsd.json("storage", "usage") == {"used": size, "limit": size, "unit": "utf16"}


NAMES = ["slash/es", " spaces ", "Überraschung 模型", "-dash", "a://b", "quote'\"", "%2F", ".", "..", "a\nb", "?x=1#y"]


def test_any_name_works(tfjsd):
    urls = {f"indexeddb://{name}" for name in NAMES}
    for url in urls:
        tfjsd("copy", MODELS / "jsmlp", url)
    assert set(tfjsd.json("list")) == urls
    tfjsd("remove", *urls)
    assert tfjsd.json("list") == {}


def test_a_lone_surrogate_goes_out_and_comes_in(tfjsd):
    tfjsd("storage", "set", b"k\xed\xa0\x80".decode("utf-8", "surrogateescape"), "v")
    assert tfjsd("storage", "keys").stdout == b"k\xed\xa0\x80\n"
    assert tfjsd("storage", "keys", "--json").stdout == b'[\n  "k\\ud800"\n]\n'
    assert tfjsd.text("storage", "get", b"k\xed\xa0\x80".decode("utf-8", "surrogateescape")) == "v"


def test_output_survives_a_locale_without_unicode(tfjsd):
    tfjsd("copy", MODELS / "jsmlp", "indexeddb://模型")
    done = tfjsd("list", LC_ALL="POSIX", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert b"\\u6a21" in done.stdout


def test_every_document_is_as_its_schema_says(tfjsd, schemas):
    tfjsd("copy", MODELS / "jsmlp_opt", "indexeddb://a")
    checks = {
        "list": ["list"],
        "list-all-origins": ["list", "-A"],
        "show": ["show", "indexeddb://a"],
        "info": ["copy", "indexeddb://a", "indexeddb://b"],
        "outcomes": ["remove", "indexeddb://b"],
        "storage-set": ["storage", "set", "k", "v"],
        "storage-get": ["storage", "get", "k"],
        "storage-keys": ["storage", "keys"],
        "storage-usage": ["storage", "usage"],
        "storage-export": ["storage", "export"],
        "storage-remove": ["storage", "remove", "k"],
        "storage-clear": ["storage", "clear"],
        "origins": ["origins"],
        "quota": ["quota"],
        "estimate": ["estimate"],
        "daemon": ["start"],
        "status": ["status"],
        "doctor": ["doctor"],
        "verify": ["verify"],
        "backup": ["backup", "file"],
    }
    for name, argv in checks.items():
        schemas.validate(name, tfjsd.json(*argv))
    schemas.validate("daemon", tfjsd.json("status"))
    schemas.validate(
        "storage-import", json.loads(tfjsd("storage", "import", "-", "--json", stdin=b'{"a": "b"}').stdout)
    )
    for model in MODELS.iterdir():
        if model.is_dir():
            schemas.validate("show", tfjsd.json("show", model))
    schemas.validate("outcomes", tfjsd.json("copy", "indexeddb://a", "indexeddb://none", "--into", "out", code=1))
    for line in tfjsd.text("logs", "--json").splitlines():
        schemas.validate("logs", json.loads(line))
    for argv in (["show", "indexeddb://none"], ["remove"], ["list", "--sort", "x"], ["convert"]):
        done = tfjsd("--json", *argv, code=1 if "none" in argv[-1] else 2)
        schemas.validate("error", json.loads(done.stderr))
        assert done.stdout == b""


def test_events_are_shown_as_they_happen(tfjsd, schemas):
    tfjsd("start")
    with tfjsd.start("events", "--json") as watcher:
        assert watcher.stdout is not None
        while tfjsd.json("status")["subscribers"] == 0:
            time.sleep(0.01)
        tfjsd("copy", MODELS / "jsmlp", "indexeddb://a")
        event = json.loads(watcher.stdout.readline())
        schemas.validate("events", event)
        assert event["data"]["url"] == "indexeddb://a"
        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(10) == 130
        assert watcher.stderr is not None
        assert watcher.stderr.read() == b""


# -- Exit codes and the daemon's life ----------------------------------------------------------------------------------


def test_a_verb_starts_the_daemon_and_stop_ends_it(alone):
    assert b"none is running" in alone("doctor").stdout
    assert alone.text("stop") == "no daemon is running\n"
    assert alone.json("list") == {}
    status = alone.json("status")
    assert status["autostarted"] is True
    assert status["home"] == str(alone.home)
    assert alone.text("start").startswith("already running: tfjsd ")
    assert alone.text("stop") == f"stopped the daemon (process {status['pid']})\n"
    assert alone.text("restart").startswith("started: tfjsd ")
    again = alone.json("status")["pid"]
    assert alone.json("restart")["pid"] != again
    assert "listening" in alone.text("logs") or alone.text("logs")


def test_every_verb_takes_a_socket_as_status_prints_it(alone):
    socket = f"unix://{alone.home.parent / 'other.sock'}"
    assert socket in alone.text("start", "--socket", socket)
    assert alone.json("list", "--socket", socket, TFJSD_URL="http://127.0.0.1:1") == {}
    assert f"socket:   {socket}" in alone.text("status", "--socket", socket)
    assert socket.removeprefix("unix://") in alone.text("doctor", "--socket", socket)
    assert alone.text("stop", "--socket", socket).startswith("stopped")


def test_verbs_that_never_start_the_daemon(alone):
    assert "Is it running?" in alone.error("status", code=69)
    alone("stop")
    alone("logs", code=1)
    alone("doctor")
    assert "start it with" in alone.error("list", "--no-autostart", code=69)
    alone("list", TFJSD_AUTOSTART="0", code=69)
    assert json.loads(alone.error("--json", "status", code=69))["error"]["name"] == "DaemonUnavailableError"
    assert not (alone.home / "daemon.json").exists()


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("[storage]\neviction = true\n", ":2: storage.eviction: only false"),
        ("brwser = 'chrome'\n", ":1: unknown key 'brwser'"),
        ("no TOML", ": Expected"),
    ],
)
def test_what_helps_then_works_with_a_wrong_configuration_too(alone, text, mistake):
    alone("start")
    config = alone.directory / "config" / "tfjsd" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(text)
    wrong = {"XDG_CONFIG_HOME": str(config.parents[1])}
    assert f"error: {config}{mistake}" in alone.error("list", code=2, **wrong)
    assert f"error: {config}{mistake}" in alone.error("restart", code=2, **wrong)
    for verb, shown in ("status", str(alone.home)), ("logs", "ready"), ("stop", "stopped the daemon"):
        done = alone(verb, **wrong)
        assert done.stderr.decode().startswith(f"left out: {config}{mistake}"), verb
        assert shown in done.stdout.decode()
    alone("status", code=69)


def test_help_completion_and_show_of_a_path_need_no_daemon(alone):
    alone("--help")
    alone("completion", "bash")
    assert "jsmlp" in alone.text("show", MODELS / "jsmlp")
    assert not alone.home.exists()


def test_a_second_daemon_on_a_home_exits_75(alone):
    alone("start")
    assert alone.error("serve", code=75).startswith("error: ")


def test_a_daemon_of_another_home_exits_75(alone, shared):
    shared("start")
    address = shared.json("status")["socket"]
    done = alone("list", "--home", alone.directory / "other", "--socket", address, code=75)
    assert str(shared.home).encode() in done.stderr
    assert str(alone.directory / "other").encode() in done.stderr


def test_serve_in_the_foreground_ends_on_ctrl_c_and_the_socket_may_be_chosen(alone):
    place = alone.directory / "s.sock"
    with alone.start("serve", "--socket", place, "--browser", "safari") as daemon:
        while not place.exists():
            time.sleep(0.01)
        assert alone.json("status", "--socket", place)["browser"] == "safari"
        assert alone.json("storage", "usage")["unit"] == "byte"
        daemon.send_signal(signal.SIGINT)
        assert daemon.wait(10) == 0
    assert not place.exists()


def test_a_full_pipe_that_nobody_reads_any_more_ends_quietly(tfjsd):
    tfjsd("storage", "set", "k", "-", stdin=b"x" * 1_000_000)
    with tfjsd.start("storage", "get", "k") as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        writer.stdout.close()
        assert writer.wait(10) == 141
        assert writer.stderr.read() == b""


def in_shell(shell, line):
    """What a line with redirections says, after ``tfjsd``, to the daemon of ``shell``."""
    words = ["sh", "-c", f'"{sys.executable}" -P -m tfjsd {line}']
    return subprocess.run(words, capture_output=True, env=shell.env, cwd=shell.directory, check=False)


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("list 2>&-", 0, ""),
        ("nonsense 2>&-", 2, ""),
        ("list >/dev/full", 1, "error: No space left on device"),
        ("storage keys >&- 2>&- <&-", 0, ""),  # nothing to read, nothing to write
    ],
)
def test_closed_and_full_streams_are_no_accident(tfjsd, line, code, said):
    done = in_shell(tfjsd, line)
    assert done.returncode == code
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("line", ["storage set item -", "storage import -", "copy - indexeddb://m", "restore -"])
def test_a_closed_standard_input_is_not_an_empty_one(tfjsd, line):
    tfjsd("storage", "set", "item", "kept")
    done = in_shell(tfjsd, f"{line} <&-")
    assert done.returncode == 1
    assert b"standard input is closed" in done.stderr
    assert tfjsd.json("storage", "export") == {"item": "kept"}
    assert tfjsd.json("list") == {}


@pytest.mark.parametrize(
    "line",
    ["list", "backup -", "copy indexeddb://m -", "storage export -", "storage get item", "state export -", "--version"],
)
def test_what_a_closed_standard_output_does_not_take_is_not_done(tfjsd, line):
    tfjsd("storage", "set", "item", "value")
    tfjsd("copy", MODELS / "jsmlp", "indexeddb://m")
    done = in_shell(tfjsd, f"{line} >&-")
    assert (done.returncode, done.stderr) == (1, b"error: standard output is closed\n")


def test_ctrl_c_leaves_nothing_half_done(tfjsd):
    with tfjsd.start("copy", "--verbose", "-", "indexeddb://half") as copy:
        assert copy.stdin is not None
        assert copy.stderr is not None
        assert copy.stderr.readline().startswith(b"connected: ")
        copy.stdin.write((MODELS / "jsmlp" / "weights.bin").read_bytes()[:100])
        copy.stdin.flush()
        copy.send_signal(signal.SIGINT)
        assert copy.wait(10) == 130
        copy.stdin.close()
        assert copy.stderr.read() == b"interrupted\n"
    assert tfjsd.json("list") == {}


def test_backup_and_restore(tfjsd, alone):
    tfjsd("copy", MODELS / "jsmlp", "indexeddb://a")
    assert tfjsd.text("backup", "file").startswith("backed up ")
    assert (tfjsd.directory / "file").stat().st_mode & 0o777 == 0o600
    piped = tfjsd("backup", "-").stdout
    alone("restore", tfjsd.directory / "file")
    origin = tfjsd.env["TFJSD_ORIGIN"]
    assert list(alone.json("list", "--origin", origin)) == ["indexeddb://a"]
    assert alone("restore", "-", stdin=piped, code=1).stderr.startswith(b"error: ")
    assert alone.json("verify")["problems"] == []


def test_an_input_that_fails_in_the_middle_of_a_restore_is_named_and_changes_nothing(tfjsd, alone):
    tfjsd("copy", MODELS / "jsmlp", "indexeddb://a")
    whole = tfjsd("backup", "-").stdout
    origin = tfjsd.env["TFJSD_ORIGIN"]
    assert alone.json("list", "--origin", origin) == {}
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.send(b"unread: a socket that is closed before it has read all resets the connection")
        ours.sendall(whole[: min(len(whole) // 2, 50_000)])
        ours.close()
        with alone.start("restore", "-", stdin=theirs) as restore:
            said = restore.communicate()[1]
    assert restore.returncode == 1
    assert said == b"error: the backup cannot be read: Connection reset by peer; nothing was restored\n"
    assert alone.json("list", "--origin", origin) == {}
    alone("restore", "-", stdin=whole)
    assert list(alone.json("list", "--origin", origin)) == ["indexeddb://a"]


def test_a_failed_backup_leaves_the_old_file(tfjsd):
    target = tfjsd.directory / "file"
    target.write_text("old")
    tfjsd("backup", target, "--socket", tfjsd.directory / "none.sock", "--no-autostart", code=69)
    assert target.read_text() == "old"
    assert list(tfjsd.directory.iterdir()) == [target]


def test_verify_names_what_is_damaged(alone):
    weights = bytes(300_000)
    manifest = [{"paths": ["w"], "weights": [{"name": "w", "shape": [75_000], "dtype": "float32"}]}]
    (alone.directory / "m").mkdir()
    (alone.directory / "m" / "w").write_bytes(weights)
    (alone.directory / "m" / "model.json").write_text(json.dumps({"modelTopology": {}, "weightsManifest": manifest}))
    alone("copy", "m", "indexeddb://big")
    assert "0 problems" in alone.text("verify")
    [blob] = [path for path in alone.home.rglob("*") if path.is_file() and path.stat().st_size == 300_000]
    os.chmod(blob, 0o600)
    with open(blob, "r+b") as file:
        file.write(b"\x01")
    assert "indexeddb://big" in alone.text("verify", code=1)
    error = json.loads(alone("--json", "backup", "copy", code=1).stderr)["error"]
    assert (error["name"], blob.name in error["message"]) == ("CorruptionError", True)
    assert not (alone.directory / "copy").exists()
    assert "a backup failed" in alone.text("logs")
    assert "indexeddb://big" in alone.text("verify", "indexeddb://big", code=1)


def test_verify_tells_a_wrong_name_from_damage(tfjsd):
    tfjsd("copy", MODELS / "jsmlp", "indexeddb://mnist")
    assert "did you mean indexeddb://mnist?" in tfjsd.error("verify", "mnist", code=1)
    missing = tfjsd.text("verify", "indexeddb://nope", code=1)
    assert missing.startswith("missing  ")
    assert "damaged" not in missing
    assert tfjsd.text("verify", "ftp://x", code=1).startswith("unknown  ")
    [problem] = json.loads(tfjsd("--json", "verify", "indexeddb://nope", code=1).stdout)["problems"]
    assert problem["name"] == "ModelNotFoundError"


def test_doctor_names_what_to_mend(alone):
    alone.home.mkdir(mode=0o700)
    (alone.home / "tfjsd.sock").write_text("")
    document = alone.json("doctor", code=1)
    [failure] = [check for check in document["checks"] if check["state"] == "failure"]
    assert failure["subject"] == "socket"
    assert "is no socket" in failure["message"]
    (alone.home / "tfjsd.sock").unlink()
    assert "configuration" in alone.text("doctor", TFJSD_BROWSER="netscape", code=1)
    config = alone.directory / "config" / "tfjsd" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[access]\nusers = ["nobody-here"]\n')
    said = alone.text("doctor", XDG_CONFIG_HOME=str(config.parents[1]), code=1)
    assert f"{config}:2: access.users: there is no user 'nobody-here'" in said


def test_a_place_where_no_home_can_be_is_said_alike_by_all_verbs(alone):
    (alone.directory / "file").write_text("")
    for place in ("file", "file/home"):
        home = alone.directory / place
        expected = (
            f"error: {home} cannot be the home: Not a directory.\nhint: choose another with --home or TFJSD_HOME\n"
        )
        for verb in ("list", "serve", "start"):
            assert alone.error(verb, "--home", home, code=2) == expected


def test_a_stale_socket_is_told_from_a_daemon(alone):
    alone.home.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(alone.home / "tfjsd.sock"))
    alone("status", code=69)
    assert alone.json("list") == {}


# -- Completion --------------------------------------------------------------------------------------------------------


def test_completion_knows_what_is_stored(tfjsd):
    tfjsd("copy", MODELS / "jsmlp", "indexeddb://mnist")
    tfjsd("storage", "set", "theme", "dark")
    origin = tfjsd.env["TFJSD_ORIGIN"]

    def candidates(*words):
        return [line.split("\t")[0] for line in tfjsd.text("__complete", "--", *words).splitlines()]

    assert candidates("show", "indexeddb://m") == ["-", "indexeddb://mnist"]
    assert candidates("storage", "get", "") == ["-", "theme"]
    assert origin in candidates("list", "--origin", "")
    assert candidates("show", "--origin", "http://none.example", "indexeddb://m") == ["-"]
    assert candidates("show", f"--origin={origin}", "indexeddb://m") == ["-", "indexeddb://mnist"]


def test_completion_is_silent_without_a_daemon(alone):
    done = alone("__complete", "--", "show", "")
    assert done.stdout.splitlines()[0] == b"files"
    assert done.stderr == b""
    assert not alone.home.exists()


# -- Cost --------------------------------------------------------------------------------------------------------------


def test_list_loads_neither_asyncio_nor_numpy_nor_a_server(tfjsd):
    tfjsd("list")
    program = (
        "import sys; from tfjsd.cli import main; main(['list']); "
        "print(sorted({'asyncio', 'numpy', 'aiohttp', 'plyvel', 'watchdog', 'argparse', 'tarfile'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, check=True, env=tfjsd.env, cwd=tfjsd.directory
    )
    assert done.stdout.splitlines()[-1] == b"[]"


def test_a_pair_keeps_a_daemon_that_a_command_started(alone):
    directory = alone.directory / "models"
    said = alone.error("sync", "add", directory, "indexeddb://", TFJSD_IDLE_EXIT="1")
    assert "tfjsd service install" in said
    time.sleep(2)
    shutil.copytree(next(path.parent for path in MODELS.rglob("model.json")), directory / "m")
    assert alone.json("sync", "once")["models"]["clean"]
    assert list(alone.json("list")) == ["indexeddb://m"]
