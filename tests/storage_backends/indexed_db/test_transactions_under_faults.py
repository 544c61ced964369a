"""Transactions killed or failed at every N-th write, sync, rename and unlink of their commit.

Whatever the point: a transaction is wholly there or wholly not; indexes and key generators agree with the records; no
blob that a record refers to is missing or damaged; what was acknowledged is there, what failed changed nothing.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import fault_injection
import pytest
from fault_injection import Point
from idb_support import faulted
from idb_support.faulted import CHANGING_NOTHING, MANY, OPERATIONS, Contents

from tfjsd.storage_backends.indexed_db.store_indexes import StoreIndexes
from tfjsd.storage_backends.indexed_db.store_records import StoreRecords

pytest.importorskip("plyvel")

PROGRAM = "import asyncio, sys; from idb_support.faulted import main; asyncio.run(main(*sys.argv[1:]))"
UNKNOWN = ("StoreFailedError", "OutcomeUnknownError")
"""Errors, or their causes, after which nobody can say whether it was committed."""

Selection = Callable[[list[Point]], Iterable[Point]]


class Outcome(NamedTuple):
    """What the program told of the transaction and of the one after it; "killed" where it came to neither."""

    first: str
    after: str
    status: int
    """The program's exit status."""


def contents(home: Path) -> Contents:
    return asyncio.run(faulted.contents(home))


def apart(found: Contents) -> tuple[Contents, bool]:
    """Without the transaction that came after, and whether that one is there."""
    rest = {name: database for name, database in found.items() if name != "after"}
    stores = found["after"][2] if "after" in found else {}
    return rest, bool(stores and stores["s"][""])


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    home = tmp_path_factory.mktemp("template") / "home"
    asyncio.run(faulted.fill(home))
    return home


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(fault_injection.__file__).parents[1]))


class Check:
    """One operation with one kind of fault; ``run`` gives the outcomes that were seen, one for each point."""

    def __init__(self, template: Path, directory: Path, operation: str, fault: str, program: str = PROGRAM) -> None:
        self._template = template
        self._directory = directory
        self._operation = operation
        self._fault = fault
        self._program = program
        self.before = contents(template)
        traced = self._copy("traced")
        self.points = fault_injection.points(program, str(traced), operation, log=directory / "log")
        self.after, follows = apart(contents(traced))
        assert follows
        assert (self.after == self.before) == (operation in CHANGING_NOTHING)

    def run(self, select: Selection = list) -> list[Outcome]:
        return [self._at(point) for point in select(self.points)]

    def _copy(self, name: str) -> Path:
        home = self._directory / name
        shutil.copytree(self._template, home)
        return home

    def _at(self, point: Point) -> Outcome:
        home = self._copy(str(point))
        ran = fault_injection.run(self._program, str(home), self._operation, point=point, fault=self._fault)
        told = [*ran.stdout.splitlines(), "killed", "killed"]
        outcome = Outcome(told[0], told[1], ran.returncode)
        place = f"{self._operation}, {self._fault} at {point}: {outcome}\n{ran.stderr}"
        try:
            found, follows = apart(contents(home))
        except Exception as problem:
            raise AssertionError(place) from problem
        assert found in (self.before, self.after), place
        if outcome.first == "done":
            assert found == self.after, place
        elif outcome.first != "killed" and not outcome.first.endswith(UNKNOWN):
            assert found == self.before, place
        if outcome.after == "done":
            assert follows, place
        shutil.rmtree(home)
        return outcome


def five(points: list[Point]) -> list[Point]:
    """From the first to the last."""
    return sorted({points[place * (len(points) - 1) // 4] for place in range(5)}, key=points.index)


@pytest.mark.parametrize("operation", ["several stores", "clear many", "upgrade"])
def test_a_kill_leaves_a_transaction_wholly_there_or_not(template, tmp_path, operation):
    outcomes = Check(template, tmp_path, operation, "signal=KILL").run(five)
    assert [outcome.status for outcome in outcomes[:4]] == [-signal.SIGKILL] * 4, "injections did nothing"


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_a_failed_call_leaves_a_transaction_wholly_there_or_not(template, tmp_path, error):
    Check(template, tmp_path, "replace large", f"error={error}").run(five)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_kill_at_any_call_leaves_a_transaction_wholly_there_or_not(template, tmp_path, operation, record_property):
    outcomes = Check(template, tmp_path, operation, "signal=KILL").run()
    record_property("points", len(outcomes))
    killed = [outcome for outcome in outcomes if outcome.status == -signal.SIGKILL]
    assert len(killed) >= len(outcomes) - 3, "some injections did nothing"


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EDQUOT", "EROFS"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_any_failed_call_leaves_a_transaction_wholly_there_or_not(
    template, tmp_path, operation, error, record_property
):
    outcomes = Check(template, tmp_path, operation, f"error={error}").run()
    record_property("points", len(outcomes))
    assert {outcome.first for outcome in outcomes} - {"done"} or operation in CHANGING_NOTHING


# -- The check can fail --------------------------------------------------------------------------------------------------


def test_the_check_catches_a_transaction_in_two_batches(template, tmp_path, monkeypatch):
    """The negative control: a kill between two commits of what should be one."""
    in_two = PROGRAM.replace("; asyncio.run", "; faulted.OPERATIONS['several stores'] = in_two; asyncio.run")
    program = f"""
import fault_injection
from idb_support import faulted
async def in_two(factory):
    with await factory.open("d") as db:
        fault_injection.begin()
        for number in (10, 11):
            async with db.transaction("people", "readwrite") as tx:
                tx.object_store("people").put(faulted.person(number))
{in_two}"""
    with pytest.raises(AssertionError, match="signal=KILL at"):
        Check(template, tmp_path, "several stores", "signal=KILL", program).run()


@pytest.mark.parametrize(
    ("part", "broken"), [(StoreIndexes, "remove"), (StoreIndexes, "_write"), (StoreRecords, "_set_next")]
)
def test_the_check_catches_what_does_not_agree(tmp_path, monkeypatch, part, broken):
    """The negative control of what is looked at afterwards."""
    home = tmp_path / "home"
    asyncio.run(faulted.fill(home))
    monkeypatch.setattr(fault_injection, "begin", lambda: None)
    monkeypatch.setattr(part, broken, lambda *_, **__: None)
    asyncio.run(faulted.main(str(home), "several stores"))
    monkeypatch.undo()
    with pytest.raises(AssertionError, match=r"agree|generator"):
        contents(home)


def test_the_check_catches_a_blob_that_is_missing(template, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(template, home)
    next(path for path in home.rglob("*") if path.is_file() and len(path.name) > 60).unlink()
    with pytest.raises(AssertionError, match="blob"):
        contents(home)


def test_the_template_has_more_records_than_are_deleted_at_once(template):
    found: Any = contents(template)
    assert len(found["d"][2]["many"][""]) == MANY > 512
