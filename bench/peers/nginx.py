"""A bare nginx on a unix socket that sends one directory's files by sendfile."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIGURATION = """
daemon off; pid {place}/pid; error_log stderr error; worker_processes 1; user root;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; default_type application/octet-stream;
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  server {{ listen unix:{socket}; root {root}; }}
}}
"""


def program() -> str | None:
    return shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/bin")


@contextmanager
def serving(root: Path, place: Path) -> Iterator[Path]:
    """Serves the files of ``root``; gives the socket's path."""
    socket = place / "nginx.sock"
    place.mkdir()
    (place / "nginx.conf").write_text(CONFIGURATION.format(place=place, socket=socket, root=root))
    process = subprocess.Popen([program() or "nginx", "-e", "stderr", "-c", str(place / "nginx.conf")])
    try:
        while not socket.exists():
            if process.poll() is not None:
                raise SystemExit("nginx did not start")
            time.sleep(0.01)
        yield socket
    finally:
        process.terminate()
        process.wait()
