"""One pair, its directory and its store, driven without a daemon."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tfjsd.daemon.sync.memory import MemoryFile
from tfjsd.daemon.sync.one_pass import PassOptions, run_pass
from tfjsd.daemon.sync.pass_result import PassResult
from tfjsd.model_io.browser_downloads import downloads
from tfjsd.model_io.node_file_system import file_system
from tfjsd.model_io.origin import Origins
from tfjsd.model_io.stored_model import StoredModel
from tfjsd.model_io.types import ModelArtifacts
from tfjsd.storage_backends.browsers import UNLIMITED
from tfjsd.storage_backends.engines.memory import MemoryEngine
from tfjsd.storage_backends.home import Home
from tfjsd.wire.sync_pair import SyncPair


def artifacts(content: int, size: int | None = None) -> ModelArtifacts:
    """A model that is told apart by ``content``."""
    size = content + 1 if size is None else size
    specs = [{"name": "w", "shape": [size], "dtype": "uint8"}]
    return ModelArtifacts({"content": content}, specs, bytes([content % 251]) * size, format="layers-model")


class Pairing:
    """``settle`` 0: what is written is taken at once."""

    def __init__(self, place: Path, prefix: str = "indexeddb://", **members: Any) -> None:
        self.directory = place / "models"
        self.directory.mkdir(parents=True)
        (place / "state").mkdir()
        self._pool = ThreadPoolExecutor(1)
        self.home = Home(None, engines=lambda directory, *, create: MemoryEngine(), pool=self._pool)
        self.origins = Origins(self.home, UNLIMITED, self.home.clock)
        self.origin = self.origins.get("http://localhost")
        given = {"directory": str(self.directory), "prefix": prefix, **members}
        self.pair = SyncPair.of(given, origin="http://localhost")
        self.file = MemoryFile(place / "state" / "pair.json", self.pair)
        self.options = PassOptions(settle=0.0, grace=0.0)
        self.restart()

    def restart(self) -> None:
        """What was not written is forgotten."""
        self.memory = self.file.read()

    def run(self, options: PassOptions | None = None, **given: Any) -> PassResult:
        return run_pass(self.pair, self.origin, self.memory, self.file, options or self.options, **given)

    def settle(self, rounds: int = 20) -> PassResult:
        """Passes until there is nothing left to do at once."""
        for _ in range(rounds):
            result = self.run()
            if result.again != 0.0 and not result.stale:
                return result
        raise AssertionError(f"does not come to rest: {result}")

    # -- The store, as its users change it

    def save(self, model: str, content: int, size: int | None = None) -> None:
        stored = StoredModel.of(artifacts(content, size))
        self.origin.models.save(f"{self.pair.prefix}{model}", stored).result()

    def remove(self, model: str) -> None:
        self.origin.models.remove(f"{self.pair.prefix}{model}").result()

    def rename(self, model: str, name: str) -> None:
        self.origin.models.move(f"{self.pair.prefix}{model}", f"{self.pair.prefix}{name}").result()

    def stored(self) -> dict[str, int]:
        found = {}
        for url in self.origin.models.list_models_text():
            loaded = self.origin.models.artifacts(url)
            found[url.removeprefix(self.pair.prefix)] = self._content(loaded)
        return found

    # -- The directory, as programs change it

    def write(self, model: str, content: int, size: int | None = None, **options: Any) -> None:
        file_system(self.directory / model, **options).save(artifacts(content, size))

    def download(self, name: str, content: int) -> None:
        downloads(name, self.directory).save(artifacts(content))

    def delete(self, model: str) -> None:
        shutil.rmtree(self.directory / model)

    def files(self) -> dict[str, int]:
        """Every model that another program could load."""
        found = {}
        for path in self.directory.rglob("*.json"):
            loaded = file_system(path).load()
            model = path.parent if path.name == "model.json" else path.with_suffix("")
            found[str(model.relative_to(self.directory))] = self._content(loaded)
        return found

    @staticmethod
    def _content(loaded: ModelArtifacts) -> int:
        content = loaded.model_topology["content"]
        data = bytes(loaded.joined_weight_data() or b"")
        assert set(data) <= {content % 251}, "weights of another model"
        return content

    def close(self) -> None:
        self.home.close()
        self._pool.shutdown()


@pytest.fixture
def pairing(tmp_path: Path) -> Iterator[Pairing]:
    made = Pairing(tmp_path)
    yield made
    made.close()


@pytest.fixture
def make_pairing(tmp_path: Path) -> Iterator[Any]:
    made: list[Pairing] = []

    def make(**members: Any) -> Pairing:
        made.append(Pairing(tmp_path / str(len(made)), **members))
        return made[-1]

    yield make
    for pairing in made:
        pairing.close()
