"""The daemon's memory does not grow with the models that pass through it."""

import contextlib
import hashlib
import sys

import pytest

MIB = 1 << 20
LIMIT = 150 * MIB
PIECE = bytes(range(256)) * (MIB // 256)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's: not applicable")


def weights(size):
    """Pieces that differ, so that nothing is deduplicated."""
    for number in range(size // MIB):
        yield number.to_bytes(8, "little") + PIECE[8:]


def digest(pieces):
    hasher = hashlib.sha256()
    for piece in pieces:
        hasher.update(piece)
    return hasher.hexdigest()


def save(daemon, target, size, kind):
    head, tail, content = kind(daemon, size)
    with contextlib.closing(daemon.connection(timeout=120)) as connection:
        connection.putrequest("PUT", target)
        connection.putheader("Content-Type", content)
        connection.putheader("Content-Length", str(len(head) + size + len(tail)))
        connection.endheaders(head)
        for piece in weights(size):
            connection.send(piece)
        connection.send(tail)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()


def body(daemon, size):
    return daemon.model_header(size), b"", "application/vnd.tfjsd.model"


def form(daemon, size):
    manifest = f'[{{"paths":["w"],"weights":[{{"name":"w","shape":[{size}],"dtype":"bool"}}]}}]'
    head = (
        '--b\r\nContent-Disposition: form-data; name="model.json"; filename="model.json"\r\n\r\n'
        f'{{"modelTopology":{{}},"weightsManifest":{manifest}}}\r\n--b\r\n'
        'Content-Disposition: form-data; name="model.weights.bin"; filename="model.weights.bin"\r\n\r\n'
    )
    return head.encode(), b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


def load(daemon, target):
    """The digest of what is streamed."""
    with contextlib.closing(daemon.connection(timeout=120)) as connection:
        connection.request("GET", target)
        answer = connection.getresponse()
        assert answer.status == 200
        hasher = hashlib.sha256()
        while piece := answer.read(MIB):
            hasher.update(piece)
        return hasher.hexdigest()


def passes_through(daemons, size):
    daemon = daemons.process()
    expected = digest(weights(size))
    for name, kind in (("body", body), ("form", form)):
        save(daemon, f"/v1/models/indexeddb/{name}", size, kind)
        assert load(daemon, f"/v1/models/indexeddb/{name}/weights.bin") == expected
    copied = daemon.request(
        "POST", "/v1/models/copy", {"source": "indexeddb://body", "dest": "indexeddb://copy"}, timeout=120
    )
    assert copied.status == 200
    with contextlib.closing(daemon.connection(timeout=120)) as connection:
        connection.request("GET", "/v1/backup")
        answer = connection.getresponse()
        total = 0
        while piece := answer.read(MIB):
            total += len(piece)
        assert total > size
    assert daemon.request("POST", "/v1/verify", timeout=120).json["problems"] == []
    return daemon.resident("VmHWM")


def test_256_mib_pass_through_within_150_mib(daemons):
    assert passes_through(daemons, 256 * MIB) < LIMIT


@pytest.mark.torture
@pytest.mark.timeout(600)
def test_1_gib_passes_through_within_150_mib(daemons):
    assert passes_through(daemons, 1024 * MIB) < LIMIT


def test_an_idle_daemon_takes_less_than_45_mib(daemons):
    daemon = daemons.process()
    assert daemon.get("/v1/models").status == 200
    assert daemon.resident() < 45 * MIB
