"""Random programs over the model manager against a dict, with restarts and crashes, on both engines.

A crash abandons the store: the home is copied as the operating system has it at that moment, which is what a process
that was killed leaves behind, and the copy is opened.
"""

import itertools
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tfjsd.embedded import open_store
from tfjsd.errors import ModelExistsError, ModelNotFoundError, QuotaExceededError, UnsupportedURLError
from tfjsd.model_io.types import ModelArtifacts

URLS = st.builds(
    "{}://{}".format, st.sampled_from(["localstorage", "indexeddb"]), st.sampled_from(["a", "a/b", "7", "é"])
)
SIZES = st.sampled_from([0, 1, 1000, 140_000])


def artifacts(seed: int, size: int) -> ModelArtifacts:
    return ModelArtifacts({"seed": seed}, [{"name": "w", "shape": [size], "dtype": "bool"}], bytes([seed % 256]) * size)


def listing(home: Path) -> dict[Path, tuple[int, int]]:
    found = {}
    for path in home.rglob("*"):
        with suppress(FileNotFoundError):
            found[path] = (path.stat().st_size, path.stat().st_mtime_ns)
    return found


def copied_at_one_moment(home: Path, new_home: Callable[[], Path]) -> Path:
    """LevelDB compacts in the background: a copy during which something changed is no moment's state."""
    while True:
        before, copy = listing(home), new_home()
        with suppress(shutil.Error):
            shutil.copytree(home, copy)
            if listing(home) == before:
                return copy


class ManagerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.homes = (self.directory / str(number) for number in itertools.count())
        self.home = self.new_home()
        self.store = open_store(self.home)
        self.expected: dict[str, tuple[int, int]] = {}

    def new_home(self) -> Path | None:
        return next(self.homes)

    @rule(url=URLS, seed=st.integers(0, 999), size=SIZES, overwrite=st.booleans(), relaxed=st.booleans())
    def save(self, url, seed, size, overwrite, relaxed):
        durability = "relaxed" if relaxed else "strict"
        try:
            self.store.save(url, artifacts(seed, size), overwrite=overwrite, durability=durability)
        except ModelExistsError:
            assert not overwrite
            assert url in self.expected
        else:
            assert overwrite or url not in self.expected
            self.expected[url] = (seed, size)

    @rule(url=URLS, seed=st.integers(0, 999))
    def save_what_does_not_fit(self, url, seed):
        if url.startswith("localstorage://"):
            with pytest.raises(QuotaExceededError):
                self.store.save(url, artifacts(seed, 4_000_000))

    @rule(source=URLS, dest=URLS, overwrite=st.booleans(), moving=st.booleans())
    def transfer(self, source, dest, overwrite, moving):
        try:
            (self.store.move_model if moving else self.store.copy_model)(source, dest, overwrite=overwrite)
        except UnsupportedURLError:
            assert source == dest
        except ModelNotFoundError:
            assert source not in self.expected
        except ModelExistsError:
            assert not overwrite
            assert dest in self.expected
        else:
            self.expected[dest] = self.expected.pop(source) if moving else self.expected[source]

    @rule(url=URLS)
    def remove(self, url):
        if url in self.expected:
            self.store.remove_model(url)
            del self.expected[url]
        else:
            with pytest.raises(ModelNotFoundError):
                self.store.remove_model(url)

    @rule(url=URLS)
    def remove_through_the_raw_storage(self, url):
        """The same five items, without the manager."""
        path = url.partition("://")[2]
        if url.startswith("localstorage://") and url in self.expected:
            area = self.store.local_storage()
            for suffix in ("info", "model_topology", "weight_specs", "weight_data", "model_metadata"):
                area.remove_item(f"tensorflowjs_models/{path}/{suffix}")
            del self.expected[url]

    @precondition(lambda self: self.home is not None)
    @rule()
    def restart(self):
        self.store.close()
        self.store = open_store(self.home)

    @precondition(lambda self: self.home is not None)
    @rule()
    def crash(self):
        copy = copied_at_one_moment(self.home, self.new_home)
        self.store.close()
        self.home = copy
        self.store = open_store(copy)

    @invariant()
    def everything_is_there_and_whole(self):
        assert set(self.store.list_models()) == set(self.expected)
        for url, (seed, size) in self.expected.items():
            loaded = self.store.load(url)
            assert loaded.model_topology == {"seed": seed}
            assert bytes(loaded.joined_weight_data() or b"") == bytes([seed % 256]) * size

    def teardown(self):
        self.store.close()
        shutil.rmtree(self.directory)


class ManagerMachineInMemory(ManagerMachine):
    def new_home(self):
        return None


@pytest.mark.parametrize("machine", [ManagerMachine, ManagerMachineInMemory])
def test_the_manager_agrees_with_a_dict(machine):
    run_state_machine_as_test(machine, settings=budget(30, 25))


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("machine", [ManagerMachine, ManagerMachineInMemory])
def test_the_manager_agrees_with_a_dict_for_long(machine):
    run_state_machine_as_test(machine, settings=budget(500, 50))


def budget(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
