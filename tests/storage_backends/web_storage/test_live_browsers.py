"""Random sequences give here what the Chromium, Firefox and WebKit of this machine give, run at the same time.

Only in the torture run. A browser is started headless on a page of ours that fetches sequences and posts the results;
`TFJSD_LIVE_SEQUENCES` is how many (default 1,000 each).
"""

import json
import os
import random
import shutil
import signal
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue

import pytest
from idb_support import live_page

from tfjsd.errors import QuotaExceededError
from tfjsd.storage_backends.browsers import CHROME, FIREFOX, SAFARI
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.web_storage.backend import AreaBackend
from tfjsd.storage_backends.web_storage.session_area import SessionArea
from tfjsd.storage_backends.web_storage.storage import Storage
from tfjsd.storage_backends.web_storage.storage_area import StorageArea

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600)]

SEQUENCES = int(os.environ.get("TFJSD_LIVE_SEQUENCES", "1000"))
LIMIT = 5_242_880
BROWSERS = {"chromium": CHROME, "firefox": FIREFOX, "webkit": SAFARI}

PAGE = """<!doctype html><meta charset=utf-8><script>
const S = window[new URL(location).searchParams.get("storage")];
const text = spec => typeof spec === 'string' ? spec : spec[0].repeat(spec[1]);
const run = {
  set: (key, value) => { S.setItem(text(key), text(value)); return 'ok'; },
  assign: (key, value) => { S[text(key)] = text(value); return 'ok'; },
  get: key => { const value = S.getItem(text(key)); return value === null ? null : [value.length, value.slice(0, 9)]; },
  remove: key => { S.removeItem(text(key)); return 'ok'; },
  clear: () => { S.clear(); return 'ok'; },
  length: () => S.length,
  key: index => { const key = S.key(index); return key === null ? null : key.slice(0, 99); },
  keys: () => Array.from({length: S.length}, (_, i) => S.key(i).slice(0, 99)),
  units: () => { let n = 0; for (let i = 0; i < S.length; i++) n += S.key(i).length + S[S.key(i)].length; return n; },
};
function perform([name, ...args]) {
  try { return run[name](...args); }
  catch (e) { return {name: e.name, code: e.code, message: e.message.slice(0, 150), ctor: e.constructor.name}; }
}
(async () => {
  for (;;) {
    const operations = await (await fetch('/next')).json();
    if (operations === null) break;
    while (S.length) S.removeItem(S.key(0));
    S.setItem('x', 'x');
    S.clear();
    await new Promise(done => setTimeout(done));
    await fetch('/results', {method: 'POST', body: JSON.stringify(operations.map(perform))});
  }
})();
</script>"""


class Agent:
    """The server of the page: sequences go in, results come out."""

    def __init__(self):
        self.sequences: Queue[object] = Queue()
        self.results: Queue[object] = Queue()
        agent = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                if not self.path.startswith("/next"):
                    self.answer(PAGE.encode(), "text/html")
                    return
                self.answer(json.dumps(agent.sequences.get()).encode(), "application/json")

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                agent.results.put(json.loads(body))
                self.answer(b"", "text/plain")

            def answer(self, body, kind):
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://localhost:{self.server.server_address[1]}/agent.html?storage="
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def run(self, sequence):
        self.sequences.put(sequence)
        return self.results.get(timeout=120)

    def close(self):
        self.sequences.put(None)
        self.server.shutdown()
        self.server.server_close()


def command(name, profile, url):
    if name == "chromium":
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
        options += ["--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0"]
        return ["chromium", *options, f"--user-data-dir={profile}", url] if shutil.which("chromium") else None
    return live_page.command(name, profile, url)


@contextmanager
def agent_in(name, kind, directory):
    agent = Agent()
    profile = directory / "profile"
    profile.mkdir()
    words = command(name, profile, agent.url + kind)
    if words is None:
        agent.close()
        pytest.skip(f"{name} is not installed")
    process = subprocess.Popen(
        words,
        env=os.environ | live_page.environment(directory),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield agent
    finally:
        agent.close()
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


# -- Sequences ---------------------------------------------------------------------------------------------------------

ALPHABET = [
    "a",
    "b",
    "k",
    "0",
    "1",
    "/",
    "_",
    "\xe9",
    "\xff",
    "\u0100",
    "\u4e2d",
    "\ud83d",
    "\ude00",
    "\U0001f600",
    "\0",
]


def random_text(draw, longest):
    return "".join(draw.choices(ALPHABET, k=draw.randrange(longest)))


def random_sequence(draw):
    """A few to a few hundred operations; one in three sequences works close to the quota."""
    keys = list(dict.fromkeys(random_text(draw, 12) for _ in range(draw.choice([2, 6, 12, 60, 200]))))
    near_quota = draw.random() < 1 / 3
    used_up = [draw.choice("a\u4e2d"), LIMIT - draw.randrange(60)] if near_quota else None
    operations = [["set", draw.choice(keys), used_up]] if used_up else []
    operations += [random_operation(draw, keys, used_up) for _ in range(draw.choice([10, 30, 100, 400]))]
    return [*operations, ["keys"], ["units"]]


def random_operation(draw, keys, used_up):
    key = draw.choice(keys)
    kind = draw.choices(
        ["set", "assign", "large", "get", "remove", "clear", "length", "key", "keys", "units"],
        [30, 5, 4 if used_up else 0, 8, 20, 0.3, 2, 4, 5, 1],
    )[0]
    match kind:
        case "set" | "assign":
            return [kind, key, random_text(draw, 10)]
        case "large":
            return ["set", key, [draw.choice(["a", "\u4e2d", "\ud83d"]), LIMIT - draw.randrange(80)]]
        case "get" | "remove":
            return [kind, key]
        case "key":
            return [kind, draw.choice([draw.randrange(len(keys) + 2), -1, 0.5, 2**32, 2**32 + 1])]
        case _:
            return [kind]


# -- This side ---------------------------------------------------------------------------------------------------------


def text_of(spec):
    return spec if isinstance(spec, str) else spec[0] * spec[1]


def in_units(text, count):
    data = text.encode("utf-16-le", "surrogatepass")
    return data[: count * 2].decode("utf-16-le", "surrogatepass")


def units(text):
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def perform(storage, operation):
    match operation:
        case ["set", key, value]:
            storage.set_item(text_of(key), text_of(value))
            return "ok"
        case ["assign", key, value]:
            storage[text_of(key)] = text_of(value)
            return "ok"
        case ["get", key]:
            value = storage.get_item(text_of(key))
            return None if value is None else [units(value), in_units(value[:9], 9)]
        case ["remove", key]:
            storage.remove_item(text_of(key))
            return "ok"
        case ["clear"]:
            storage.clear()
            return "ok"
        case ["length"]:
            return storage.length
        case ["key", index]:
            return storage.key(index)
        case ["keys"]:
            return list(storage)
        case _:
            return sum(units(text) for item in storage.items() for text in item)


def result_of(storage, operation):
    try:
        return perform(storage, operation)
    except QuotaExceededError as error:
        shown = error.as_dom()
        return {name: shown[name] for name in ("name", "code", "message", "ctor")}


def new_area(home, browser, kind):
    if kind == "sessionStorage":
        return SessionArea(browser)
    return StorageArea(home.bucket("http://localhost"), browser)


@pytest.mark.parametrize("kind", ["localStorage", "sessionStorage"])
@pytest.mark.parametrize("name", BROWSERS)
def test_random_sequences_give_what_the_browser_gives(name, kind, tmp_path):
    browser = BROWSERS[name]
    different = []
    with agent_in(name, kind, tmp_path) as agent:
        for number in range(SEQUENCES):
            sequence = random_sequence(random.Random(number))
            expected = agent.run(sequence)
            with Home(None, engines=memory_engine) as home:
                storage = Storage(AreaBackend(new_area(home, browser, kind), durability="relaxed"))
                for step, operation in enumerate(sequence):
                    found = result_of(storage, operation)
                    if found != expected[step]:
                        different.append((number, step, operation, found, expected[step]))
                        break
    assert not different, f"{len(different)} of {SEQUENCES} differ: {different[:3]}"
