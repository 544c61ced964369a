"""The real TensorFlow.js in a real Chromium with its own IndexedDB, beside tfjsd's client: 64 MiB saved and loaded."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from row import Row, each_in
from series import Operation, interleave
from workbench import MEBIBYTE, Workbench, model, numbered

import tfjsd

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIZE = 64 * MEBIBYTE
BUNDLE = Path(__file__).resolve().parents[2] / "tests/js/node_modules/@tensorflow/tfjs/dist"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
PROGRAM = """
async ([action, size, number]) => {
  const url = 'indexeddb://m';
  const started = performance.now();
  if (action === 'load') {
    const loaded = await tf.io.getLoadHandlers(url)[0].load();
    if (loaded.weightData.byteLength !== size) throw new Error('other weights');
    return performance.now() - started;
  }
  globalThis.weights ??= new Uint8Array(size);
  weights[0] = number;
  const weightSpecs = [{name: 'w', shape: [size / 4], dtype: 'float32'}];
  await tf.io.getSaveHandlers(url)[0].save(
    {modelTopology: {class_name: 'Sequential'}, weightSpecs, weightData: weights.buffer});
  return performance.now() - started;
}
"""


def rows(workbench: Workbench) -> Iterator[Row]:
    if shutil.which("chromium") is None:
        workbench.missing["TensorFlow.js in Chromium"] = "apt-get install chromium"
        return
    if not BUNDLE.exists():
        workbench.missing["TensorFlow.js"] = "npm ci in tests/js"
        return
    weights = bytearray(os.urandom(SIZE))
    with workbench.directory() as directory, workbench.daemon() as daemon, page(directory) as opened:
        store = daemon.connect()

        def save(number: int) -> float:
            artifacts = model(numbered(weights, number))
            started = time.perf_counter()
            store.save("indexeddb://m", artifacts)
            return time.perf_counter() - started

        operations: dict[str, Operation] = {
            "tfjsd saves": save,
            "tfjs saves": lambda number: opened.evaluate(PROGRAM, ["save", SIZE, number + 1]) / 1e3,
            "tfjsd loads": lambda _: load(store),
            "tfjs loads": lambda _: opened.evaluate(PROGRAM, ["load", SIZE, 0]) / 1e3,
        }
        found = interleave(operations, workbench.rounds)
    measured = each_in("ms", found)
    saved = found["tfjsd saves"].ratio(found["tfjs saves"])
    loaded = found["tfjsd loads"].ratio(found["tfjs loads"])
    yield Row("save 64 MiB, by tfjs into Chromium's IndexedDB (not synced)", saved, None, measured)
    yield Row("load 64 MiB, by tfjs from Chromium's IndexedDB", loaded, None)


def load(store: tfjsd.Client) -> None:
    if store.load("indexeddb://m").weights()["w"].nbytes != SIZE:
        raise SystemExit("other weights")


@contextlib.contextmanager
def page(directory: Path) -> Iterator[Page]:
    """A page with TensorFlow.js, of an origin of its own, in a fresh profile on the disk that counts."""
    from playwright.sync_api import sync_playwright

    shutil.copy(BUNDLE / "tf.min.js", directory)
    (directory / "index.html").write_text('<!doctype html><script src="tf.min.js"></script>')
    handler = partial(QuietHandler, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, sync_playwright() as playwright:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = playwright.chromium.launch_persistent_context(
            directory / "profile", executable_path=shutil.which("chromium"), args=ARGUMENTS
        )
        opened = context.new_page()
        opened.goto(f"http://127.0.0.1:{server.server_port}/")
        yield opened
        context.close()
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing on the terminal."""
