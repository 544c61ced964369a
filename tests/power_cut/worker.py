"""Changes a store until the power goes: says what it is about to do, and what was acknowledged.

Four threads, each with models and an item of its own; a line on standard output is ``[thread, step, state after it]``,
printed before the operation as a promise and after it as an acknowledgement.
"""

import json
import random
import sys
import threading
from typing import Any

from tfjsd.embedded import open_store
from tfjsd.model_io.types import ModelArtifacts
from tfjsd.storage_backends.abc import Durability

home, seed = sys.argv[1], int(sys.argv[3])
durability: Durability = "strict" if sys.argv[2] == "strict" else "relaxed"
sizes = [10, 10, 150_000] if durability == "strict" else [10]  # a blob's sync may carry other bytes to the disk
output = threading.Lock()


def say(*words: object) -> None:
    with output:
        print(json.dumps(words), flush=True)


def artifacts(mark: int, size: int) -> ModelArtifacts:
    specs = [{"name": "w", "shape": [size], "dtype": "bool"}]
    return ModelArtifacts({"mark": mark}, specs, bytes([mark % 256]) * size)


def change(thread):
    chance = random.Random(seed * 10 + thread)
    state: dict[str, Any] = {}
    for step in range(1_000_000):
        urls = [f"{medium}://{thread}/{name}" for medium in ("localstorage", "indexeddb") for name in "ab"]
        chance.shuffle(urls)
        source = next((url for url in urls if url in state), None)
        dest = next(url for url in urls if url != source)
        after, kind = dict(state), chance.choice(["save", "copy", "move", "remove", "item"])
        if kind == "save" or (source is None and kind != "item"):
            kind, after[dest] = "save", [step, chance.choice(sizes)]
        elif kind == "item":
            after[f"item {thread}"] = step
        elif kind == "remove":
            del after[source]
        else:
            after[dest] = after[source]
            if kind == "move":
                del after[source]
        say("promised", thread, step, after)
        if kind == "save":
            store.save(dest, artifacts(*after[dest]), durability=durability)
        elif kind == "item":
            store.storage.area.set_item(f"item {thread}", str(step), durability).result()
        elif kind == "remove":
            store.storage.models.remove(str(source), durability=durability).result()
        else:
            getattr(store.storage.models, kind)(source, dest, durability=durability).result()
        state = after
        say("acknowledged", thread, step, after)


store = open_store(home)
threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
for one in threads:
    one.start()
for one in threads:
    one.join()
