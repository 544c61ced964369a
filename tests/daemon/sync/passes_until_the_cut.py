"""Changes both sides of a pair, with a pass after every few changes, until the power goes.

A line on standard output is ``["gone", content]`` before a change takes a version away, and ``["there", content]`` after
one was acknowledged. With ``unsynced`` a pass syncs nothing but the engine, for the negative control.
"""

import json
import random
import sys
from pathlib import Path
from unittest.mock import Mock, patch

from tfjsd.daemon.sync.memory import MemoryFile
from tfjsd.daemon.sync.one_pass import PassOptions, run_pass
from tfjsd.model_io.node_file_system import file_system
from tfjsd.model_io.origin import Origins
from tfjsd.model_io.stored_model import StoredModel
from tfjsd.model_io.types import ModelArtifacts
from tfjsd.storage_backends import durable
from tfjsd.storage_backends.browsers import UNLIMITED
from tfjsd.storage_backends.engines.leveldb import leveldb_factory
from tfjsd.storage_backends.home import Home
from tfjsd.wire.sync_pair import SyncPair

place, chance = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
models = place / "models"
models.mkdir(parents=True)
home = Home(place / "home", engines=leveldb_factory())
origin = Origins(home, UNLIMITED, home.clock).get("http://localhost")
pair = SyncPair.of({"directory": str(models), "prefix": "indexeddb://"}, origin="http://localhost")
file = MemoryFile(place / "pair.json", pair)
options = PassOptions(settle=0.0, grace=0.0, deletion_share=1.0)
sync, sync_path = (Mock(), Mock()) if sys.argv[3] == "unsynced" else (durable.fsync, durable.fsync_path)


def say(*words: object) -> None:
    print(json.dumps(words), flush=True)


def artifacts(content: int) -> ModelArtifacts:
    size = chance.choice([300, 200_000])
    specs = [{"name": "w", "shape": [size], "dtype": "uint8"}]
    return ModelArtifacts({"content": content}, specs, bytes([content % 251]) * size, format="layers-model")


def content_of(path: Path) -> int:
    return int(file_system(path).load().model_topology["content"])


def in_directory(model: str, content: int | None) -> None:
    json_file = models / model / "model.json"
    if json_file.exists():
        say("gone", content_of(json_file))
        if content is None:
            json_file.unlink()
    if content is not None:
        shard_bytes = 50_000 if model == "shards" else None
        file_system(models / model, shard_bytes=shard_bytes).save(artifacts(content))
        say("there", content)


def in_store(model: str, content: int | None) -> None:
    url = f"indexeddb://{model}"
    is_there = url in origin.models.list_models_text()
    if is_there:
        say("gone", origin.models.artifacts(url).model_topology["content"])
    if content is not None:
        origin.models.save(url, StoredModel.of(artifacts(content))).result()
        say("there", content)
    elif is_there:
        origin.models.remove(url).result()


memory = file.read()
origin.models.save("localstorage://other", StoredModel.of(artifacts(0))).result()  # the store is whole in any case
for number in range(1_000_000):
    change = chance.choice([in_directory, in_store])
    change(chance.choice(["plain", "shards", "t/below"]), None if chance.random() < 0.2 else number)
    if chance.random() < 0.5:
        with patch.multiple(durable, fsync=sync, fsync_path=sync_path):
            run_pass(pair, origin, memory, file, options)
