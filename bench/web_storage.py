"""localStorage: get and set of short items in process and over the socket, against a dict, Chromium and Node's peers.

    python bench/web_storage.py [--peers DIR] [--chromium] [--daemon] [--rounds 5]

DIR is where `npm install jsdom node-localstorage` was run. Each round measures every row in turn; shown are
microseconds for one operation, the best of all rounds of five runs each. "bare LevelDB" is what a record and its commit
record cost through plyvel with no store around them.
`relaxed` survives the death of the process, `strict` a power cut; a dict, jsdom, sessionStorage and, for seconds,
Chromium survive neither.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import tfjsd
from tfjsd.storage_backends.abc import Durability
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.engines.leveldb import leveldb_factory
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.web_storage.backend import AreaBackend
from tfjsd.storage_backends.web_storage.session_area import SessionArea
from tfjsd.storage_backends.web_storage.storage import Storage
from tfjsd.storage_backends.web_storage.storage_area import StorageArea

KEYS = [f"key{number}" for number in range(1000)]
RUNS = 5

Row = tuple[float, float, float]
NOT_MEASURED = float("nan")

MEASURE = """
const keys = Array.from({length: 1000}, (_, i) => 'key' + i);
let round = 0;
function best(work) {
  let least = Infinity;
  for (let i = 0; i < 5; i++) {
    const started = performance.now();
    work();
    least = Math.min(least, performance.now() - started);
  }
  return least;
}
const set = best(() => { round++; for (const key of keys) ls.setItem(key, 'value' + round); });
const get = best(() => { for (const key of keys) ls.getItem(key); });
"""

PEERS = f"""
const kind = process.argv[1], dir = process.argv[2];
let ls;
if (kind === 'jsdom') ls = new (require('jsdom').JSDOM)('', {{url: 'http://localhost/'}}).window.localStorage;
else ls = new (require('node-localstorage').LocalStorage)(dir);
{MEASURE}
console.log(JSON.stringify([set, get]));
"""

PAGE = f"""<!doctype html><script>
const ls = localStorage;
{MEASURE}
document.title = JSON.stringify([set, get]);
</script>"""


def best(work: Callable[[], None], count: int = len(KEYS)) -> float:
    """Microseconds for one of ``count`` operations."""
    return min(_timed(work) for _ in range(RUNS)) / count * 1e6


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure_mapping(mapping: MutableMapping[str, str]) -> Row:
    """One item set, one got, one of a thousand set in a batch."""
    rounds = itertools.count()

    def set_each() -> None:
        value = f"value{next(rounds)}"
        if isinstance(mapping, Storage):
            for key in KEYS:
                mapping.set_item(key, value)
        else:
            for key in KEYS:
                mapping[key] = value

    def get_each() -> None:
        read = mapping.get_item if isinstance(mapping, Storage) else mapping.get
        for key in KEYS:
            read(key)

    def set_batch() -> None:
        mapping.update(dict.fromkeys(KEYS, f"value{next(rounds)}"))

    return best(set_each), best(get_each), best(set_batch)


@contextmanager
def local_storage(directory: Path | None, durability: Durability) -> Iterator[Storage]:
    engines = memory_engine if directory is None else leveldb_factory()
    with Home(directory, engines=engines) as home:
        yield Storage(AreaBackend(StorageArea(home.bucket("http://localhost"), CHROME), durability=durability))


def measure_plyvel(directory: Path) -> Row:
    """A batch of an item's record and a commit record, and a get, as an engine does them."""
    import plyvel

    keys, rounds = [b"\x02\x01" + key.encode() for key in KEYS], itertools.count()
    with contextlib.closing(plyvel.DB(str(directory), create_if_missing=True)) as database:
        batch = database.write_batch()

        def set_each() -> None:
            value = b"head+size%d" % next(rounds)
            for key in keys:
                batch.put(key, value)
                batch.put(b"\x00commit", bytes(48))
                batch.write()
                batch.clear()

        def get_each() -> None:
            for key in keys:
                database.get(key)

        return best(set_each), best(get_each), NOT_MEASURED


def measure_peer(kind: str, modules: Path, directory: Path) -> Row:
    done = subprocess.run(
        ["node", "-e", PEERS, kind, str(directory)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"NODE_PATH": str(modules / "node_modules")},
    )
    set_, get = json.loads(done.stdout)
    return set_, get, NOT_MEASURED


def measure_chromium(directory: Path) -> Row:
    directory.mkdir()
    page = directory / "page.html"
    page.write_text(PAGE)
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={directory}", "--dump-dom"]
    done = subprocess.run(["chromium", *options, page.as_uri()], check=True, capture_output=True, text=True, timeout=60)
    set_, get = json.loads(done.stdout.partition("<title>")[2].partition("</title>")[0])
    return set_, get, NOT_MEASURED


def measure_daemon(home: Path) -> dict[str, Row]:
    """One request each, a batch of a thousand in one, and lists that are not atomic."""
    with running_daemon(home), tfjsd.connect(home=home, autostart=False) as store:
        single = measure_mapping(store.local_storage())
    with running_daemon(home), UnixConnection(home / "tfjsd.sock") as connection:
        return {"daemon, strict": single, "daemon, strict, a list": measure_lists(connection)}


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the daemon's socket, with nothing of ours in between."""

    def __init__(self, path: Path) -> None:
        super().__init__("tfjsd")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def measure_lists(connection: UnixConnection) -> Row:
    rounds = itertools.count()

    def send(operations: list[dict[str, str]]) -> None:
        body = json.dumps({"ops": operations})
        connection.request("POST", "/v1/local-storage", body, {"Content-Type": "application/json"})
        results = json.loads(connection.getresponse().read())["results"]
        assert len(results) == len(operations)

    def set_each() -> None:
        value = f"value{next(rounds)}"
        send([{"op": "setItem", "key": key, "value": value} for key in KEYS])

    def get_each() -> None:
        send([{"op": "getItem", "key": key} for key in KEYS])

    return best(set_each), best(get_each), NOT_MEASURED


@contextmanager
def running_daemon(home: Path) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "tfjsd", "--home", str(home), "serve"], stderr=subprocess.DEVNULL)
    try:
        while not (home / "daemon.json").exists():
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="where jsdom and node-localstorage are installed")
    parser.add_argument("--chromium", action="store_true", help="the Chromium of this machine")
    parser.add_argument("--daemon", action="store_true", help="over the socket")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    rows: dict[str, Row] = {}
    for _ in range(options.rounds):
        for title, row in measure_all(options).items():
            rows[title] = tuple(map(min, row, rows.get(title, row)))  # type: ignore[assignment]
    print(f"{'microseconds':24}{'set':>10}{'get':>10}{'of 1,000':>10}")
    for title, (set_, get, batch) in rows.items():
        print(f"{title:24}{set_:10.2f}{get:10.2f}{batch:10.2f}")


def measure_all(options: argparse.Namespace) -> dict[str, Row]:
    rows = {"dict": measure_mapping({}), "sessionStorage": measure_mapping(Storage(AreaBackend(SessionArea(CHROME))))}
    with tempfile.TemporaryDirectory() as name:
        places: list[tuple[str, Path | None, Durability]] = [
            ("localStorage, memory", None, "relaxed"),
            ("localStorage, relaxed", Path(name) / "relaxed", "relaxed"),
            ("localStorage, strict", Path(name) / "strict", "strict"),
        ]
        for title, directory, durability in places:
            with local_storage(directory, durability) as storage:
                rows[title] = measure_mapping(storage)
        rows["bare LevelDB"] = measure_plyvel(Path(name) / "plyvel")
        if options.daemon:
            rows |= measure_daemon(Path(name) / "daemon")
        for kind in ("node-localstorage", "jsdom") if options.peers else ():
            rows[kind] = measure_peer(kind, options.peers, Path(name) / kind)
        if options.chromium:
            rows["Chromium"] = measure_chromium(Path(name) / "chromium")
    return rows


if __name__ == "__main__":
    main()
