"""How changes are noticed, and when that has to be by looking."""

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tfjsd.daemon.sync import watching
from tfjsd.daemon.sync.ignored_names import is_passing, objection
from tfjsd.daemon.sync.mount_table import Mount, file_system_of, mounts_below
from tfjsd.daemon.sync.settling import Settling
from tfjsd.daemon.sync.watching import Watch


@pytest.fixture
def watch(tmp_path):
    woken = threading.Event()
    made = Watch(tmp_path, woken.set)
    made.woken = woken
    yield made
    made.stop()


def test_a_change_wakes_once_until_it_was_heard(watch, tmp_path):
    watch.start()
    assert watch.mode == "events"
    (tmp_path / "a").write_text("x")
    assert watch.woken.wait(10)
    watch.woken.clear()
    (tmp_path / "b").write_text("x")
    (tmp_path / "c").write_text("x")
    watch.touched()
    (tmp_path / "d").mkdir()
    assert watch.woken.wait(10)


def test_it_tells_in_which_directories(watch, tmp_path, eventually):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c").mkdir()
    watch.start()
    assert watch.touched() is None, "what was before is not known"
    assert watch.touched() == set()
    (tmp_path / "a" / "b" / "x").write_text("x")
    (tmp_path / ".git").mkdir()
    (tmp_path / "y").write_text("x")
    seen = set()
    eventually(lambda: seen.update(watch.touched()) or seen == {"a/b", ""})
    (tmp_path / "c").rename(tmp_path / "d")
    eventually(lambda: watch.touched() is None)


def test_after_very_many_events_it_is_anywhere(watch, tmp_path, eventually):
    watch.start()
    watch.touched()
    for number in range(1000):
        (tmp_path / str(number % 3)).write_text("x")
    eventually(lambda: watch.touched() is None)


def test_reading_and_passing_names_wake_nobody(watch, tmp_path):
    (tmp_path / "a").write_text("x")
    watch.start()
    (tmp_path / "a").read_text()
    (tmp_path / ".a.swp").write_text("x")
    assert not watch.woken.wait(0.2)


def test_a_network_file_system_is_polled(watch, monkeypatch):
    monkeypatch.setattr(watching, "file_system_of", lambda root: "nfs4")
    watch.start()
    assert (watch.mode, "nfs4" in watch.reason) == ("polling", True)


@pytest.fixture
def limited():
    """A command that runs another one with so many inotify watches at most, in a user namespace of its own."""

    def limited(watches):
        script = 'echo "$0" > /proc/sys/user/max_inotify_watches && exec "$@"'
        return ["unshare", "--user", "--map-root-user", "sh", "-c", script, str(watches)]

    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("unshare(1) sets the limit")
    done = subprocess.run([*limited(12), "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine gives no user namespace: {done.stderr.strip()}")
    return limited


LIMITED = """
import sys, time
from pathlib import Path
from tfjsd.daemon.sync.watching import Watch
root = Path(sys.argv[1])
watch = Watch(root, lambda: None)
watch.start()
print(watch.mode, watch.reason, flush=True)
for number in range(8):
    (root / f"later-{number}").mkdir(exist_ok=True)
deadline = time.monotonic() + 20
while watch.mode == "events" and time.monotonic() < deadline:
    watch.touched()
    time.sleep(0.01)
print(watch.mode, watch.reason, watch.touched(), flush=True)
watch.stop()
"""


def watched_within(command, root):
    done = subprocess.run(
        [*command, sys.executable, "-c", LIMITED, str(root)], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_past_the_limit_of_inotify_it_is_polled(limited, tmp_path):
    for number in range(30):
        (tmp_path / str(number)).mkdir()
    polled = "polling inotify watch limit reached (see tfjsd doctor)"
    assert watched_within(limited(12), tmp_path) == [polled, f"{polled} None"]
    assert watched_within(limited(0), tmp_path) == [polled, f"{polled} None"]


def test_directories_past_the_limit_that_appear_later_have_it_polled(limited, tmp_path):
    (tmp_path / "one" / "two").mkdir(parents=True)
    polled = "polling inotify watch limit reached (see tfjsd doctor)"
    assert watched_within(limited(6), tmp_path) == ["events None", f"{polled} None"]


def test_what_was_refused_is_asked_for_again(tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "_RETRY_SECONDS", -1.0)
    watch = Watch(tmp_path, lambda: None)
    watch.start()
    try:
        assert not watch.is_outdated
        watch._refuse(OSError(errno.ENOSPC, "inotify watch limit reached"))
        assert watch.touched() is None
        assert watch.mode == "polling"
        assert watch.is_outdated
        watch.start()
        assert (watch.mode, watch.reason, watch.is_outdated) == ("events", None, False)
    finally:
        watch.stop()


def test_a_pair_past_the_limit_misses_nothing(daemons, eventually, limited, make_file):
    """Thirty models and twelve watches: all that changes arrives, at the start and later."""
    place = daemons.directory / "models"
    for number in range(30):
        make_file(place / str(number), 1)
    daemon = daemons.process(within=limited(12))
    daemon.request("POST", "/v1/sync", {"directory": str(place), "prefix": "indexeddb://"})
    eventually(lambda: len(daemon.get("/v1/models").json) == 30)
    status = daemon.get("/v1/sync/models").json
    assert (status["watching"], status["watching_reason"][:19]) == ("polling", "inotify watch limit")
    for number in range(31):
        make_file(place / str(number), 2)
    for number in range(31):
        model = f"/v1/models/indexeddb/{number}"
        eventually(
            lambda model=model: (
                daemon.get(model).status == 200 and daemon.load(model)[0]["modelTopology"] == {"content": 2}
            )
        )


def test_a_network_file_system_below_has_it_polled_too(watch, monkeypatch):
    below = frozenset({Mount("1", str(watch.root / "m"), "cifs")})
    monkeypatch.setattr(watching, "mounts_below", lambda root: below)
    watch.start()
    assert (watch.mode, "cifs" in watch.reason) == ("polling", True)


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5)")
def test_the_file_system_of_a_path_is_the_innermost_mount(tmp_path):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "23 22 0:5 / /srv/with\\040space rw shared:1 - nfs4 server:/ rw\n"
        "24 23 0:6 / /srv/with\\040space/local rw - xfs /dev/sdb rw\n"
    )
    for path, kind in (("/srv/with space/m", "nfs4"), ("/srv/with space/local/m", "xfs"), ("/srv/with", "ext4")):
        assert file_system_of(Path(path), mounts) == kind
    assert {mount.kind for mount in mounts_below(Path("/srv/with space"), mounts)} == {"nfs4", "xfs"}
    assert not mounts_below(Path("/srv/with"), mounts)


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5)")
@pytest.mark.parametrize("name", ["Bücher", "模型", os.fsdecode(b"\xff"), "a\u2028b", "a\\b\tc"], ids=ascii)
def test_a_mount_may_have_any_name(tmp_path, name):
    mounts = tmp_path / "mountinfo"
    escaped = name.replace("\\", "\\134").replace("\t", "\\011")
    mounts.write_bytes(os.fsencode(f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 0:5 / /srv/{escaped} rw - nfs4 x rw\n"))
    assert file_system_of(Path(f"/srv/{name}/m"), mounts) == "nfs4"
    assert mounts_below(Path(f"/srv/{name}"), mounts) == {Mount("23", f"/srv/{name}", "nfs4")}


def test_a_polled_pair_is_live_all_the_same(daemons, eventually, monkeypatch, make_file):
    monkeypatch.setattr(watching, "file_system_of", lambda root: "nfs4")
    monkeypatch.setattr("tfjsd.daemon.sync.pair_runner.POLL_SECONDS", 0.1)
    daemon = daemons.in_process()
    place = daemons.directory / "models"
    daemon.request("POST", "/v1/sync", {"directory": str(place), "prefix": "indexeddb://"})
    make_file(place / "m")
    eventually(lambda: "indexeddb://m" in daemon.get("/v1/models").json)
    assert daemon.get("/v1/sync/models").json["watching"] == "polling"


@pytest.fixture
def make_file():
    from tfjsd.model_io.node_file_system import file_system

    from .conftest import artifacts

    return lambda path, content=1: file_system(path).save(artifacts(content))


def rested(count):
    """The count, once it has been the same for a second: passes that earlier changes were due are over."""
    seen, since = count(), time.monotonic()
    while time.monotonic() - since < 1:
        time.sleep(0.05)
        if (now := count()) != seen:
            seen, since = now, time.monotonic()
    return seen


def test_ten_thousand_events_are_one_pass(daemons, eventually, make_file):
    """One more where the machine held the writer up in the middle, and one for every two seconds that it wrote."""
    daemon = daemons.in_process()
    place = daemons.directory / "models"
    daemon.request("POST", "/v1/sync", {"directory": str(place), "prefix": "indexeddb://"})
    make_file(place / "m")

    def status():
        return daemon.get("/v1/sync/models").json

    eventually(lambda: "indexeddb://m" in daemon.get("/v1/models").json)
    before = rested(lambda: status()["passes"])
    begun = time.monotonic()
    source = "import sys\nfor n in range(5000): open(f'{sys.argv[1]}/{n % 50}.bin', 'w').close()"
    subprocess.run([sys.executable, "-c", source, str(place)], check=True)
    eventually(lambda: status()["passes"] > before)
    passes = rested(lambda: status()["passes"]) - before
    assert passes <= 2 + (time.monotonic() - begun) // 2
    make_file(place / "n")
    eventually(lambda: "indexeddb://n" in daemon.get("/v1/models").json)
    shutil.rmtree(place)


def test_without_a_pair_nothing_watches():
    program = "import sys, tfjsd.daemon.server; print('watchdog' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("name", [".x", "x~", "#x#", "4913", "a.tmp", "a.swp", "weights.0123456789abcdef.bin"])
def test_names_in_passing(name):
    assert is_passing(name)
    assert objection(f"team/{name}/m") is not None


@pytest.mark.parametrize("name", ["m", "m.conflict-20260101T000000Z-dir-01234567", "a.b", "weights.bin", "ä", "4914"])
def test_names_to_stay(name):
    assert not is_passing(name)
    assert objection(f"team/{name}") is None


def test_rest_is_counted_from_the_last_change_and_not_from_the_future():
    settling = Settling(0.2, 1000.0)
    assert settling.rest(999.0) == 0
    assert settling.rest(999.9) == pytest.approx(0.1)
    assert settling.rest(2000.0) == 0
