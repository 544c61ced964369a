"""A model of 64 MiB between a page in Chromium and the daemon, against a bare nginx with the same bytes.

    python bench/browser.py [ROUNDS]

Uploads and downloads alternate between the two, so that both meet the same machine; medians are printed, the median of
the rounds' ratios, and the ratio of the best times. The daemon's upload is tfjs's multipart form, hashed and on stable
storage when it is answered; nginx's is a PUT into its page cache. Needs chromium and nginx, and a machine that does
little else.
"""

from __future__ import annotations

import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

import tfjsd

SIZE = 64 << 20
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
NGINX = """
daemon off; pid {place}/pid; error_log stderr error; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; client_max_body_size 0; default_type application/octet-stream;
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  server {{
    listen 127.0.0.1:{port}; root {place}/root;
    location = / {{ default_type text/html; return 200 ""; }}
    location / {{ {dav} }}
  }}
}}
"""
MEASURE = """
async ([nginx, daemon, token, size, rounds]) => {
  const weights = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(weights.subarray(at, at + 65536));
  const authorized = {headers: {Authorization: `Bearer ${token}`}};
  const timed = async (work) => {
    const start = performance.now();
    const answer = await work();
    if (!answer.ok) throw new Error(`${answer.url}: ${answer.status} ${await answer.text()}`);
    const bytes = (await answer.arrayBuffer()).byteLength;
    return [performance.now() - start, bytes];
  };
  const form = () => {
    const weightsManifest = [{paths: ['./model.weights.bin'], weights: [{name: 'w', shape: [size], dtype: 'bool'}]}];
    const model = {modelTopology: {class_name: 'Model'}, weightsManifest};
    const body = new FormData();
    body.append('model.json', new Blob([JSON.stringify(model)], {type: 'application/json'}), 'model.json');
    body.append('model.weights.bin', new Blob([weights], {type: 'application/octet-stream'}), 'model.weights.bin');
    return body;
  };
  const bench = `${daemon}/v1/models/indexeddb/bench`;
  const kinds = {
    'upload nginx': () => fetch(`${nginx}/upload.bin`, {method: 'PUT', body: new Blob([weights])}),
    'upload tfjsd': () => fetch(bench, {method: 'POST', body: form(), ...authorized}),
    'download nginx': () => fetch(`${nginx}/download.bin`, {cache: 'no-store'}),
    'download tfjsd': () => fetch(`${bench}/weights.bin`, {cache: 'no-store', ...authorized}),
  };
  const found = {};
  for (let round = 0; round <= rounds; round++) {
    weights[round]++;
    for (const [kind, work] of Object.entries(kinds)) {
      const [milliseconds, bytes] = await timed(work);
      if (kind.startsWith('download') && bytes !== size) throw new Error(`${kind}: ${bytes} bytes`);
      if (round) (found[kind] ??= []).push(milliseconds);
    }
  }
  return found;
}
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def start_nginx(place: Path) -> tuple[subprocess.Popen[bytes], str]:
    (place / "root").mkdir()
    (place / "root" / "download.bin").write_bytes(bytes(range(256)) * (SIZE // 256))
    place.chmod(0o777)
    (place / "root").chmod(0o777)
    port = free_port()
    (place / "nginx.conf").write_text(NGINX.format(place=place, port=port, dav="dav_methods PUT;"))
    process = subprocess.Popen(["nginx", "-c", str(place / "nginx.conf")])
    for _ in range(100):
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                break
        time.sleep(0.05)
    return process, f"http://127.0.0.1:{port}"


def start_daemon(home: Path, origin: str) -> subprocess.Popen[bytes]:
    (home.parent / "config" / "tfjsd").mkdir(parents=True)
    (home.parent / "config" / "tfjsd" / "config.toml").write_text(f'[access]\norigins = ["{origin}"]\n')
    words = [sys.executable, "-m", "tfjsd", "serve", "--home", str(home), "--http", "127.0.0.1:0"]
    environ = {"XDG_CONFIG_HOME": str(home.parent / "config"), "TFJSD_LOG_LEVEL": "error", "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(words, env=environ)
    while not (home / "daemon.json").exists():
        if process.poll() is not None:
            sys.exit("the daemon did not start")
        time.sleep(0.05)
    return process


def measure(page: Page, nginx: str, home: Path, rounds: int) -> dict[str, Any]:
    page.on("requestfailed", lambda request: print(request.url, request.failure, file=sys.stderr))
    page.goto(nginx)
    daemon = json.loads((home / "daemon.json").read_text())["http"]
    token = (home / "http-token").read_text().strip()
    found: dict[str, list[float]] = page.evaluate(MEASURE, [nginx, daemon, token, SIZE, rounds])
    medians = {kind: round(statistics.median(times), 1) for kind, times in found.items()}
    pairs = {
        way: list(zip(found[f"{way} tfjsd"], found[f"{way} nginx"], strict=True)) for way in ("upload", "download")
    }
    ratios = {way: round(statistics.median(ours / theirs for ours, theirs in each), 2) for way, each in pairs.items()}
    best = {
        way: round(min(ours for ours, _ in each) / min(theirs for _, theirs in each), 2) for way, each in pairs.items()
    }
    return {
        "version": tfjsd.__version__,
        "bytes": SIZE,
        "rounds": rounds,
        "median ms": medians,
        "ratio": ratios,
        "ratio of the best": best,
    }


def main(rounds: int) -> None:
    place = Path(tempfile.mkdtemp(prefix="tfjsd-"))
    processes = []
    try:
        (place / "nginx").mkdir()
        server, nginx = start_nginx(place / "nginx")
        processes = [server, start_daemon(place / "home", nginx)]
        place.chmod(0o755)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            print(json.dumps(measure(browser.new_page(), nginx, place / "home", rounds), indent=2))
            browser.close()
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        shutil.rmtree(place)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
