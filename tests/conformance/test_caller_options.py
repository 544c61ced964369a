"""What a save or load is given reaches the handlers that run in the calling process, whatever kind of store it is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import tfjsd
from tfjsd.testing.conformance.models import BLOB, example


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        """Nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """Where a server has the files of ``tmp_path``."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_progress_and_time_reach_files_and_servers(any_store: tfjsd.Store, tmp_path: Path, served: str) -> None:
    seen: list[tuple[int, int | None]] = []

    def note(done: int, total: int | None) -> None:
        seen.append((done, total))

    for place in (tmp_path / "a", f"file://{tmp_path}/b"):
        seen.clear()
        any_store.save(place, example(BLOB), on_progress=note, timeout=20)
        assert seen[-1] == (BLOB, BLOB)
    seen.clear()
    loaded = any_store.load(f"{served}/a/model.json", on_progress=note, timeout=20)
    assert (loaded, seen[-1]) == (example(BLOB), (BLOB, BLOB))
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(tfjsd.TfjsdError):
        any_store.load(f"http://127.0.0.1:{silent.getsockname()[1]}/model.json", timeout=0.1)
