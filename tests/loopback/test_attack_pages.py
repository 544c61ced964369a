"""Pages of other origins in a real browser: they change nothing and read nothing."""

import pytest
from loopback import pages
from loopback.conftest import running

import tfjsd

SECRET = "weights that nobody else may see"

# Each is JavaScript that gives what it could read, or null. `url` is the daemon's, `token` its token (stolen, where
# it is used), `evil` a name of the attacker's that leads to the daemon.
ATTACKS = {
    "fetch": "fetch(`${url}/v1/models`).then((r) => r.text())",
    "fetch with the token": "fetch(`${url}/v1/models`, {headers: {Authorization: `Bearer ${token}`}}).then((r) => r.text())",
    "fetch with credentials": "fetch(`${url}/v1/models`, {credentials: 'include'}).then((r) => r.text())",
    "fetch no-cors": "fetch(`${url}/v1/models`, {mode: 'no-cors'}).then((r) => r.text())",
    "fetch of the page": "fetch(`${url}/`).then((r) => r.text())",
    "fetch of the health": "fetch(`${url}/healthz`).then((r) => r.text())",
    "fetch of the metrics": "fetch(`${url}/metrics`, {mode: 'no-cors'}).then((r) => r.text())",
    "post text": "fetch(`${url}/v1/local-storage`, {method: 'POST', mode: 'no-cors', headers: {'Content-Type': 'text/plain'}, body: '{\"op\":\"clear\"}'}).then((r) => r.text())",
    "post json": "fetch(`${url}/v1/local-storage`, {method: 'POST', body: '{\"op\":\"clear\"}', headers: {'Content-Type': 'application/json'}}).then((r) => r.text())",
    "post json with the token": "fetch(`${url}/v1/local-storage`, {method: 'POST', body: '{\"op\":\"clear\"}', headers: {'Content-Type': 'application/json', Authorization: `Bearer ${token}`}}).then((r) => r.text())",
    "post a copy": "fetch(`${url}/v1/models/copy`, {method: 'POST', mode: 'no-cors', body: JSON.stringify({source: 'indexeddb://secret', dest: 'indexeddb://stolen'})}).then((r) => r.text())",
    "delete": "fetch(`${url}/v1/models/indexeddb/secret`, {method: 'DELETE', headers: {Authorization: `Bearer ${token}`}}).then((r) => r.text())",
    "put": "fetch(`${url}/v1/models/indexeddb/secret`, {method: 'PUT', body: 'x', headers: {Authorization: `Bearer ${token}`}}).then((r) => r.text())",
    "beacon": 'navigator.sendBeacon(`${url}/v1/local-storage`, \'{"op":"clear"}\') && null',
    "form": "submit('text/plain', {'{\"op\":\"clear\",\"x\":\"': '\"}'}, '/v1/local-storage')",
    "multipart form": "submit('multipart/form-data', {'model.json': '{}'}, '/v1/models/indexeddb/secret')",
    "image": "load('img', {src: `${url}/v1/models/indexeddb/secret/weights.bin`})",
    "script": "load('script', {src: `${url}/v1/models`})",
    "module": "import(`${url}/tfjsd.js`).then((m) => Object.keys(m).join())",
    "style": "load('link', {rel: 'stylesheet', href: `${url}/page/page.css`})",
    "frame": "load('iframe', {src: `${url}/`}).then((f) => f.contentDocument?.body.innerHTML || null)",
    "null origin": "sandboxed(`fetch('${url}/v1/models', {headers: {Authorization: 'Bearer ${token}'}}).then((r) => r.text())`)",
    "data url": "load('iframe', {src: `data:text/html,<script>fetch('${url}/v1/models').then((r)=>r.text()).then((t)=>parent.postMessage(t,'*'))</scr` + `ipt>`}).then(message)",
    "websocket": "new Promise((done) => { const s = new WebSocket(url.replace('http', 'ws') + '/v1/indexeddb'); s.onopen = () => done('opened'); s.onerror = () => done(null); })",
    "event stream": "new Promise((done) => { const s = new EventSource(`${url}/v1/events`); s.onopen = () => done('opened'); s.onerror = () => { s.close(); done(null); }; })",
    "worker": "new Promise((done) => { const w = new Worker(URL.createObjectURL(new Blob([`fetch('${url}/v1/models').then((r)=>r.text()).then(postMessage,()=>postMessage(null))`]))); w.onmessage = (e) => done(e.data); })",
    "rebound name": "fetch(`${evil}/v1/models`, {headers: {Authorization: `Bearer ${token}`}}).then((r) => r.text())",
    "rebound name no-cors": "fetch(`${evil}/v1/local-storage`, {method: 'POST', mode: 'no-cors', body: '{\"op\":\"clear\"}'}).then((r) => r.text())",
    "session": "fetch(`${url}/v1/page/session`, {method: 'POST', mode: 'no-cors', body: '{\"code\":\"x\"}'}).then((r) => r.text())",
    "code": "fetch(`${url}/v1/page/code`, {method: 'POST', mode: 'no-cors'}).then((r) => r.text())",
}

PRELUDE = """
const soon = (promise) => Promise.race([promise, new Promise((done) => setTimeout(done, 1500, null))]);
const message = () => soon(new Promise((done) => addEventListener('message', (event) => done(event.data), {once: true})));
const load = (tag, properties) => soon(new Promise((done) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.onload = () => done(tag === 'iframe' ? element : `${tag} loaded ${element.naturalWidth ?? ''}`);
  element.onerror = () => done(null);
  document.body.append(element);
}));
const submit = (enctype, fields, path) => soon(new Promise((done) => {
  const frame = Object.assign(document.createElement('iframe'), {name: 'target'});
  const form = Object.assign(document.createElement('form'), {method: 'POST', enctype, action: url + path, target: 'target'});
  for (const [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement('input'), {name, value}));
  document.body.append(frame, form);
  frame.onload = () => { try { done(frame.contentDocument?.body.innerText || null); } catch { done(null); } };
  form.submit();
}));
const sandboxed = (code) => {
  const frame = document.createElement('iframe');
  frame.sandbox = 'allow-scripts';
  frame.srcdoc = `<script>${code}.then((t) => parent.postMessage(t, '*'), () => parent.postMessage(null, '*'))</scr` + `ipt>`;
  document.body.append(frame);
  return message();
};
"""


@pytest.fixture(scope="module")
def chromium():
    with pages.chromium("--host-resolver-rules=MAP *.evil.example 127.0.0.1") as browser:
        yield browser


@pytest.fixture(scope="module")
def sites():
    """The attacker's pages: by another name, at another port of the daemon's own address (the same site), and under a
    name that leads to it. And the listed one."""
    with (
        pages.site("attacker.evil.example") as foreign,
        pages.site("127.0.0.1") as near,
        pages.site("localhost") as ours,
    ):
        yield {"foreign": foreign, "same site": near, "listed": ours}


@pytest.fixture(scope="module")
def daemon(sites):
    with running(**{"access.origins": [sites["listed"]]}) as started:
        with tfjsd.connect(str(started.socket), home=str(started.home)) as store:
            specs = [{"name": "w", "shape": [len(SECRET)], "dtype": "bool"}]
            store.save("indexeddb://secret", tfjsd.ModelArtifacts({"class_name": "Model"}, specs, SECRET.encode()))
            store.local_storage()["k"] = SECRET
        yield started


def attack(chromium, site, daemon, code):
    """What the attack could read."""
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.goto(site)
        evil = daemon.url.replace("127.0.0.1", "rebound.evil.example")
        program = f"async ([url, token, evil]) => {{ {PRELUDE} try {{ return await soon({code}); }} catch {{ return null; }} }}"
        return page.evaluate(program, [daemon.url, daemon.token, evil])
    finally:
        context.close()


def contents(daemon):
    with tfjsd.connect(str(daemon.socket), home=str(daemon.home)) as store:
        return store.list_models(), dict(store.local_storage()), bytes(store.load("indexeddb://secret").weight_data)


@pytest.mark.parametrize("place", ["foreign", "same site"])
def test_thirty_attacks_change_nothing_and_read_nothing(chromium, sites, daemon, place):
    before = contents(daemon)
    assert len(ATTACKS) >= 24
    read = {name: attack(chromium, sites[place], daemon, code) for name, code in ATTACKS.items()}
    assert {name: text for name, text in read.items() if text} == {}
    assert contents(daemon) == before


def test_the_attacks_would_succeed_from_a_listed_page_with_the_token(chromium, sites, daemon):
    """A test that cannot fail is none: the same code, from where it is allowed."""
    for name in ("fetch with the token", "module", "fetch of the health"):
        assert attack(chromium, sites["listed"], daemon, ATTACKS[name]), name
    assert not attack(chromium, sites["listed"], daemon, ATTACKS["fetch no-cors"])
