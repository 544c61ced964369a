"""Firefox and WebKit on a page of ours that plays programs, for differential tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from types import TracebackType
from typing import Any, Self

_RUNNER = Path(__file__).with_name("program_runner.js")
_PAGE = """<!doctype html><meta charset=utf-8><script>%s
const late = () => new Promise((resolve) => setTimeout(() => resolve(null), 5000));
(async () => {
  for (;;) {
    const program = await (await fetch("/next")).json();
    const results = await Promise.race([play(program), late()]);
    await fetch("/results", {method: "POST", body: JSON.stringify(results)});
  }
})();
</script>"""
_MINI_BROWSERS = sorted(Path("/usr/lib").glob("*/webkit2gtk-4*/MiniBrowser"))


def command(engine: str, profile: Path, url: str) -> list[str] | None:
    """How the browser is started without a screen; None where it is not installed."""
    if engine == "firefox":
        found = shutil.which("firefox-esr") or shutil.which("firefox")
        return [found, "--headless", "--no-remote", "--profile", str(profile), url] if found else None
    if _MINI_BROWSERS and shutil.which("xvfb-run"):
        return ["xvfb-run", "-a", str(_MINI_BROWSERS[-1]), url]
    return None


def environment(home: Path) -> dict[str, str]:
    """For a browser that is to leave everything in a directory of its own."""
    own = {"HOME": home, "XDG_DATA_HOME": home / "data", "XDG_CACHE_HOME": home / "cache"}
    own_sandbox = {"WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}  # root has none
    return {name: str(path) for name, path in own.items()} | own_sandbox


class LivePage:
    """A browser with a profile of its own; the browser is started anew after a program that it does not end."""

    def __init__(self, engine: str) -> None:
        self._engine = engine

    def play(self, program: Any) -> Any:
        """The results; None where the browser did not come to the program's end in five seconds."""
        self._programs.put(program)
        results = self._results.get(timeout=60)
        if results is None:
            self._stop()
            self._start()
        return results

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _problem: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self) -> None:
        self._programs: Queue[Any] = Queue()
        self._results: Queue[Any] = Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._programs, self._results))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._home = Path(tempfile.mkdtemp(prefix="tfjsd-browser-"))
        words = command(self._engine, self._home, f"http://localhost:{self._server.server_address[1]}/")
        assert words is not None
        self._process = subprocess.Popen(
            words,
            env=os.environ | environment(self._home),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)
        self._server.shutdown()
        self._server.server_close()
        shutil.rmtree(self._home, ignore_errors=True)


def _handler(programs: Queue[Any], results: Queue[Any]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/next":
                self._answer("application/json", json.dumps(programs.get()).encode())
            else:
                self._answer("text/html", (_PAGE % _RUNNER.read_text()).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer("text/plain", b"")
            results.put(json.loads(body))

        def _answer(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler
