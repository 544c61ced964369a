"""What begins to wait is told once, in the log and to subscribers."""

import shutil

import pytest

from tfjsd.daemon.sync import announcements
from tfjsd.daemon.sync.announcements import Announcements


@pytest.fixture
def told(monkeypatch):
    lines = []
    monkeypatch.setattr(announcements.LOGGER, "warning", lambda text, extra: lines.append((text, extra)))
    return lines


@pytest.fixture
def heard(monkeypatch):
    """Listens to a pairing's origin."""
    events = []

    def listen(pairing):
        monkeypatch.setattr(pairing.origin.events, "publish", lambda event: events.append(dict(event.data)))
        return events

    return listen


def test_what_begins_to_wait_is_told_once(make_pairing, told, heard):
    pairing = make_pairing(on_conflict="fail")
    for number in range(4):
        pairing.write(str(number), number)
    pairing.settle()
    for number in range(4):
        pairing.delete(str(number))
    pairing.write("m", 1)
    pairing.save("m", 2)
    (pairing.directory / "half").mkdir()
    (pairing.directory / "half" / "model.json").write_text("{")
    said, events = Announcements("p"), heard(pairing)
    for _ in range(3):
        said.tell(pairing.settle(), pairing.origin)
    assert [text for text, _ in told] == [
        "sync: a model waits for a hand",
        "sync: a conflict waits for a decision",
        "sync: deletions are held",
    ]
    assert told[1][1] == {"pair": "p", "model": "m"}
    assert told[2][1] == {"pair": "p", "deletions": 4, "model": "0"}
    waiting = [(event["action"], event["model"], event["to"]) for event in events if event.get("pair") == "p"]
    held = [("held", str(number), "store") for number in range(4)]
    assert waiting == [("problem", "half", None), ("conflict", "m", None), *held]


def test_what_waits_again_is_told_again(pairing, told, heard):
    said, events = Announcements("p"), heard(pairing)
    for _ in range(2):
        (pairing.directory / "half").mkdir()
        (pairing.directory / "half" / "model.json").write_text("{")
        said.tell(pairing.settle(), pairing.origin)
        shutil.rmtree(pairing.directory / "half")
        said.tell(pairing.settle(), pairing.origin)
    assert len(told) == len([event for event in events if event.get("action") == "problem"]) == 2
