"""Save, overwrite, copy, move and remove, killed or failed at every N-th write, sync, rename and unlink.

Whatever the point: each model is there as it was before or as it is after, nothing is listed that does not load, what
was acknowledged is there, what failed changed nothing.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import fault_injection
import pytest

from tfjsd.embedded import open_store
from tfjsd.model_io.types import ModelArtifacts

SMALL, LARGE = 1000, 200_000
OPERATIONS = {
    "save": ("save", "indexeddb://new", 7, LARGE),
    "save small": ("save", "localstorage://new", 7, SMALL),
    "overwrite": ("save", "indexeddb://large", 7, LARGE),
    "copy": ("copy", "indexeddb://large", "indexeddb://new"),
    "move": ("move", "indexeddb://large", "indexeddb://new"),
    "move across media": ("move", "indexeddb://large", "localstorage://new"),
    "move back across media": ("move", "localstorage://large", "indexeddb://new"),
    "remove": ("remove", "indexeddb://large"),
}
PROGRAM = """
import json, sys
import fault_injection, tfjsd
from tfjsd.model_io.types import ModelArtifacts
home, operation = sys.argv[1], json.loads(sys.argv[2])
store = tfjsd.open_store(home)
store.list_models()
fault_injection.begin()
try:
    name, *arguments = operation
    if name == "save":
        url, seed, size = arguments
        specs = [{"name": "w", "shape": [size], "dtype": "bool"}]
        store.save(url, ModelArtifacts({"seed": seed}, specs, bytes([seed]) * size))
    else:
        getattr(store, name + "_model")(*arguments)
except tfjsd.TfjsdError as error:
    print(type(error).__name__, flush=True)
else:
    print("done", flush=True)
"""


def artifacts(seed: int, size: int) -> ModelArtifacts:
    return ModelArtifacts({"seed": seed}, [{"name": "w", "shape": [size], "dtype": "bool"}], bytes([seed]) * size)


def contents(home: Path) -> dict[str, tuple[int, int]]:
    """What is there: every listed model loads whole, every record and blob checks."""
    with open_store(home) as store:
        found = {}
        for url, info in store.list_models().items():
            loaded = store.load(url, verify=True)
            seed = loaded.model_topology["seed"]
            data = bytes(loaded.joined_weight_data() or b"")
            assert data == bytes([seed]) * (info.weight_data_bytes or 0)
            found[url] = (seed, len(data))
        return found


def after(operation: tuple, before: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    name, first, *rest = operation
    state = dict(before)
    if name == "save":
        state[first] = tuple(rest)
    if name in ("copy", "move"):
        state[rest[0]] = state[first]
    if name in ("move", "remove"):
        del state[first]
    return state


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    home = tmp_path_factory.mktemp("template") / "home"
    with open_store(home) as store:
        store.save("indexeddb://large", artifacts(1, LARGE))
        store.save("localstorage://large", artifacts(2, LARGE))
        store.save("indexeddb://small", artifacts(3, SMALL))
    return home


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(fault_injection.__file__).parents[1]))


def check_every_point(template: Path, tmp_path: Path, operation: tuple, fault: str) -> list[str]:
    """The outcomes that were seen, one for each point."""
    text, before = json.dumps(operation), contents(template)
    expected = after(operation, before)
    shutil.copytree(template, tmp_path / "traced")
    outcomes = []
    for point in fault_injection.points(PROGRAM, str(tmp_path / "traced"), text, log=tmp_path / "log"):
        home = tmp_path / str(point)
        shutil.copytree(template, home)
        ran = fault_injection.run(PROGRAM, str(home), text, point=point, fault=fault)
        outcome = ran.stdout.strip() or "killed"
        found = contents(home)
        place = f"{fault} at {point}: {outcome}\n{ran.stderr}"
        assert found in (before, expected), place
        if outcome == "done":
            assert found == expected, place
        elif outcome not in ("killed", "StoreFailedError"):
            assert found == before, place
        outcomes.append(outcome)
        shutil.rmtree(home)
    return outcomes


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_kill_at_any_call_leaves_before_or_after(template, tmp_path, name):
    outcomes = check_every_point(template, tmp_path, OPERATIONS[name], "signal=KILL")
    assert outcomes.count("done") <= 2, "most injections did nothing"
    assert outcomes.count("killed") >= len(outcomes) - 2


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("name", ["save", "overwrite", "move across media", "remove"])
def test_a_failed_call_loses_nothing(template, tmp_path, name, error):
    outcomes = check_every_point(template, tmp_path, OPERATIONS[name], f"error={error}")
    assert set(outcomes) - {"done"}


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EDQUOT", "EROFS"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_failed_call_loses_nothing_whatever_the_operation(template, tmp_path, name, error):
    check_every_point(template, tmp_path, OPERATIONS[name], f"error={error}")


def test_the_check_catches_a_store_that_removes_before_it_saves(template, tmp_path, monkeypatch):
    """The negative control: TensorFlow.js's own move, in two steps, is found out."""
    steps = PROGRAM.replace(
        'getattr(store, name + "_model")(*arguments)',
        "model = store.load(arguments[0]); store.remove_model(arguments[0]); store.save(arguments[1], model)",
    )
    assert steps != PROGRAM
    monkeypatch.setattr(f"{__name__}.PROGRAM", steps)
    with pytest.raises(AssertionError):
        check_every_point(template, tmp_path, OPERATIONS["move across media"], "signal=KILL")
