"""The stored form of localStorage is the one that docs/on-disk-format.md describes, byte for byte."""

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from tfjsd.errors import CorruptionError
from tfjsd.storage_backends.abc import Blob
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.web_storage.operations import SetItem
from tfjsd.storage_backends.web_storage.records import item_key, pack, record_key, unpack
from tfjsd.storage_backends.web_storage.storage_area import StorageArea
from tfjsd.storage_backends.web_storage.text import EncodedText, decode, normalize

# Version 1. A home that was written once stays readable: never change these bytes, only add to them.
LARGE = "\u4e2d" * 65_537
DIGEST = blake3(LARGE.encode("utf-16-le")).digest()
GOLDEN = {
    b"\x02\x01plain": b"\x01" + (1).to_bytes(8, "little") + b"v\xe9",
    b"\x02\x01": b"\x01" + (2).to_bytes(8, "little"),
    b"\x02\x00\x2d\x4e\x00\xd8": b"\x02" + (3).to_bytes(8, "little") + b"\x00\x01\x00\xdc",
    b"\x02\x01big": b"\x12" + (4).to_bytes(8, "little") + DIGEST + (131_074).to_bytes(8, "little"),
}
ITEMS = {"plain": "v\xe9", "": "", "\u4e2d\ud800": "\u0100\udc00", "big": LARGE}


def records(bucket):
    return dict(bucket.scan(b"\x02", b"\x03"))


def test_the_golden_records_are_written_and_read():
    with Home(None, engines=memory_engine) as home:
        bucket = home.bucket("https://app.example")
        area = StorageArea(bucket, CHROME)
        area.submit([SetItem(key, value) for key, value in ITEMS.items()]).result(5)
        assert records(bucket) == GOLDEN
        assert bucket.get(b"\x01" + DIGEST + b"\x02\x01big") == (131_074).to_bytes(8, "little")
        again = StorageArea(bucket, CHROME)
        assert dict(again.items()) == ITEMS
        again.set_item("plain", "w").result(5)
        assert records(bucket)[b"\x02\x01plain"] == b"\x01" + (5).to_bytes(8, "little") + b"w"


texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=30) | st.text(max_size=30)


@given(texts, st.integers(0, 2**64 - 1))
def test_every_text_comes_back_as_it_was(text, sequence):
    plain, encoded = normalize(text)
    assert plain == text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    assert isinstance(encoded.data, bytes)
    assert decode(encoded.width, encoded.data) == plain
    assert encoded.width == (1 if all(ord(character) < 256 for character in plain) else 2)
    assert item_key(record_key(encoded)) == (plain, encoded)
    assert unpack(b"", pack(sequence, encoded)) == (sequence, encoded)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_record_or_reported(data):
    try:
        sequence, text = unpack(b"\x02\x01k", data)
    except CorruptionError:
        assert len(data) < 9 or data[0] not in (1, 2) or len(data) % 2 == 0
    else:
        assert pack(sequence, text) == data


def test_a_blob_is_a_digest_and_a_size():
    text = EncodedText(2, 5, Blob("ab" * 32, 10))
    assert unpack(b"", pack(7, text)) == (7, text)


@pytest.mark.parametrize("key", [b"\x02", b"\x02\x02a", b"\x02\x00a"])
def test_a_key_of_unknown_form_is_reported(key):
    with pytest.raises(CorruptionError, match=key.hex()):
        item_key(key)
