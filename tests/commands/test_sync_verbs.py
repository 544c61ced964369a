"""``tfjsd sync`` and the clients' ``sync_pairs``, against a daemon in this process."""

import json
import shutil
import time
from pathlib import Path

import pytest
from client_support.daemon_thread import running_daemon

import tfjsd
from tfjsd.cli import main
from tfjsd.model_io.node_file_system import file_system
from tfjsd.model_io.types import ModelArtifacts


def write(path: Path, content: int) -> None:
    file_system(path).save(ModelArtifacts({"content": content}, [], b""))


@pytest.fixture
def daemon():
    with running_daemon() as running:
        yield running


@pytest.fixture
def command(daemon, capsys):
    """Any command, on this daemon: what it prints, and what it says to a person."""

    def command(*argv: str, code: int = 0) -> tuple[str, str]:
        def connect(target, *, home, origin, autostart):
            return tfjsd.connect(daemon.socket, home=daemon.home, origin=origin)

        assert main([*argv], connect=connect) == code, capsys.readouterr()
        captured = capsys.readouterr()
        return captured.out, captured.err

    return command


@pytest.fixture
def run(command):
    def run(*argv: str, code: int = 0) -> str:
        out, err = command("sync", *argv, code=code)
        return out if code == 0 or out else err

    return run


@pytest.fixture
def pair(run, tmp_path):
    directory = tmp_path / "Team Models"
    said = run("add", str(directory), "indexeddb://team", "--exclude", "x*", "--on-conflict", "fail")
    assert said == "" or "kept equal" in said
    run("pause", "team-models")
    return directory


def test_a_pair_is_made_shown_and_forgotten(run, pair, schemas):
    assert run("list", "-q") == "team-models\n"
    assert "Team Models" in run("list")
    document = json.loads(run("list", "--json"))
    schemas.validate("sync-pairs", document)
    assert document["team-models"]["prefix"] == "indexeddb://team/"
    schemas.validate("sync-pair", json.loads(run("show", "team-models", "--json")))
    assert "team-models: paused" in run("status")
    run("resume", "team-models")
    run("remove", "team-models")
    assert json.loads(run("list", "--json")) == {}
    assert "no sync pair" in run("show", "team-models", code=1)
    for name in ("ä/b?c#d", "\ud800"):
        assert "no sync pair" in run("pause", name, code=1)


def test_the_documentation_shows_what_add_says(command, tmp_path):
    out, err = command("sync", "add", str(tmp_path), "indexeddb://noted/", "--name", "noted")
    shown = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    assert out.endswith(" are kept equal as 'noted'\n")
    assert f"\n{err}```\n" in shown
    command("sync", "remove", "noted")


def test_a_directory_that_was_not_there_is_told_of(command, tmp_path):
    mistyped = tmp_path / "modles" / "team"
    add = ("sync", "add", str(mistyped), "indexeddb://told/", "--name", "told")
    _, err = command(*add)
    assert f"'{mistyped}' was not there and has been created; if that is a slip: tfjsd sync remove told\n" in err
    command("sync", "remove", "told")
    assert "created" not in command(*add)[1]


@pytest.mark.parametrize("missing", [True, False])
def test_the_document_of_a_new_pair_tells_whether_its_directory_was_missing(run, tmp_path, schemas, missing):
    directory = tmp_path / "modles" if missing else tmp_path
    document = json.loads(run("add", str(directory), "indexeddb://told/", "--json"))
    schemas.validate("sync-pair", document)
    assert document["created"] is missing


def test_once_shows_the_plan_and_does_it(run, pair, schemas):
    write(pair / "m", 1)
    write(pair / "x", 1)
    run("once")
    write(pair / "n", 2)
    shutil.rmtree(pair / "m")
    plan = json.loads(run("once", "team-models", "--dry-run", "--json"))
    schemas.validate("sync-once", plan)
    report = json.loads(run("once", "--json"))
    assert report["team-models"]["applied"] == {"copy_store": 1, "delete_store": 1}
    assert "nothing to do" in run("once")


def test_conflicts_and_deletions_wait_for_a_word(run, pair, daemon, schemas):
    for number in range(4):
        write(pair / str(number), number)
    run("once")
    for number in range(4):
        shutil.rmtree(pair / str(number))
    with tfjsd.connect(daemon.socket, home=daemon.home) as store:
        store.save("indexeddb://team/m", ModelArtifacts({"content": 7}, [], b""))
        write(pair / "m", 8)
        said = run("once", code=1)
        assert "deletion held: 3: tfjsd sync approve team-models --deletions" in said
        assert "conflict: m: tfjsd sync resolve team-models m --keep dir|store|both" in said
        shown = run("status")
        assert "tfjsd sync resolve team-models m --keep" in shown
        assert "deletion held: 3" in shown
        assert "conflict: m" in shown
        assert "--deletions" in run("approve", "team-models", code=2)
        approved = json.loads(run("approve", "team-models", "--deletions", "--json"))
        schemas.validate("sync-approve", approved)
        assert approved == {"approved": 4}
        assert "--keep" in run("resolve", "team-models", "m", code=2)
        run("resolve", "team-models", "m", "--keep", "dir")
        run("once")
        assert list(store.list_models()) == ["indexeddb://team/m"]
        assert store.load("indexeddb://team/m").model_topology == {"content": 8}


async def test_the_clients_are_twins(daemon, tmp_path):
    async with tfjsd.aconnect(daemon.socket, home=daemon.home) as store:
        pairs = store.sync_pairs()
        added = await pairs.add(tmp_path / "models", "indexeddb://", name="a", direction="in", include=["*"])
        assert (added["name"], added["direction"], added["include"]) == ("a", "in", ["*"])
        assert (await pairs.pause("a"))["state"] == "paused"
        assert (await pairs.once("a", dry_run=True))["clean"]
        assert await pairs.approve_deletions("a") == 0
        with pytest.raises(tfjsd.BadRequestError, match="no conflict"):
            await pairs.resolve("a", "m", "both")
        with pytest.raises(tfjsd.SyncError):
            await pairs.add(tmp_path / "models", "indexeddb://", name="b")
        await pairs.resume("a")
        assert set(await pairs.list()) == {"a"}
        await pairs.remove("a")
        with pytest.raises(tfjsd.SyncPairNotFoundError):
            await pairs.remove("a")


def test_steps_are_events_of_the_origin(daemon, tmp_path):
    with tfjsd.connect(daemon.socket, home=daemon.home) as store:
        events = store.events()
        store.sync_pairs().add(tmp_path / "models", "indexeddb://", name="a")
        write(tmp_path / "models" / "m", 1)
        step = next(event for event in events if event.type == "sync")
        assert dict(step.data) == {"pair": "a", "action": "copy", "model": "m", "to": "store", "name": None}
        events.close()


@pytest.fixture
def two_pairs(run, tmp_path):
    """Paused ones; ``gone`` has no directory any more."""
    for name in ("gone", "here"):
        run("add", str(tmp_path / name), f"indexeddb://{name}/", "--name", name)
        run("pause", name)
    write(tmp_path / "here" / "m", 1)
    shutil.rmtree(tmp_path / "gone")
    return tmp_path


def test_once_goes_on_past_a_pair_that_is_out_of_reach(command, two_pairs, schemas):
    out, err = command("sync", "once", code=1)
    assert out == "here: 1 copy_store\n"
    assert "gone: " in err
    assert "is not there" in err
    reports = json.loads(command("sync", "once", "--json", "--dry-run", code=1)[0])
    schemas.validate("sync-once", reports)
    assert "is not there" in reports["gone"]["error"]
    assert reports["here"]["clean"]
    assert "is not there" in command("sync", "once", "gone", code=1)[1]


def eventually(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def test_status_and_doctor_tell_how_the_pairs_are(command, two_pairs, schemas):
    assert "2 pairs: 2 paused" in command("status")[0]
    assert "nothing waits for a hand" in command("status")[0]
    command("sync", "resume", "gone")
    eventually(lambda: json.loads(command("status", "--json")[0])["pairs"]["gone"]["state"] == "stopped")
    schemas.validate("status", json.loads(command("status", "--json")[0]))
    assert f"health:   gone: {two_pairs}/gone is not there (tfjsd sync show gone)" in command("status")[0]
    assert "hint: is its file system mounted?" in command("sync", "status")[0]
    findings = json.loads(command("doctor", "--json", code=1)[0])["checks"]
    [finding] = [finding for finding in findings if finding["subject"] == "sync"]
    assert finding["state"] == "failure"
    assert finding["hint"] == "tfjsd sync show gone"
    (two_pairs / "gone").mkdir()
    eventually(lambda: json.loads(command("status", "--json")[0])["pairs"]["gone"]["concern"] == "")
    findings = json.loads(command("doctor", "--json")[0])["checks"]
    assert [finding["message"] for finding in findings if finding["subject"] == "sync"] == [
        "2 pairs: 1 equal, 1 paused"
    ]
