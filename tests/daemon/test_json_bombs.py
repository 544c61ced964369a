"""JSON that is made to hurt: refused, in bounded time and memory, and the memory is given back."""

import struct
import sys

import pytest

MIB = 1 << 20

BOMBS = {
    "deep": b"[" * 100_000,
    "deep and closed": b"[" * 1_000_000 + b"]" * 1_000_000,
    "objects": b"[" + b"{}," * 1_000_000 + b"{}]",
    "keys": b"{" + b",".join(b'"%d":1' % number for number in range(300_000)) + b"}",
    "digits": b"9" * 100_000,
    "signs": b"-" * 100_000,
    "string": b'"' + b"x" * (30 * MIB) + b'"',
    "specs": b"[" + b'{"name":"w","shape":[1],"dtype":"bool"},' * 600_000 + b"{}]",
    "not a number": b"NaN",
    "infinity": b"-Infinity",
}


def header(name, bomb):
    text = b'{"modelTopology":{},"weightDataBytes":3,"%s":%s}' % (name, bomb)
    return struct.pack("<I", len(text)) + text + b"abc"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's: not applicable")
def test_bombs_are_refused_and_leave_no_memory_behind(daemons, eventually):
    daemon = daemons.process()
    daemon.save("/v1/models/indexeddb/before", b"1")
    before = daemon.resident()
    for name, bomb in BOMBS.items():
        kind = {"Content-Type": "application/vnd.tfjsd.model"}
        for answer in (
            daemon.request("POST", "/v1/local-storage", bomb),
            daemon.request("PUT", "/v1/models/indexeddb/bomb", header(b"weightSpecs", bomb), kind),
        ):
            assert answer.status in (400, 413), (name, answer.status)
    assert list(daemon.get("/v1/models").json) == ["indexeddb://before"]
    eventually(lambda: daemon.resident() < before + 64 * MIB)
