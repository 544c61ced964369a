"""``application/vnd.tfjsd.model`` survives any chopping and lies about nothing."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjsd.errors import BadRequestError, TooLargeError
from tfjsd.wire.model_body import MappedBlob, ModelBodyDecoder, ModelHeader, encode_header, parse_header

TEXTS = {"modelTopology": '{"a":[1,2,"x\\ud800"]}', "weightSpecs": "[]", "convertedBy": "null"}


def decoder(header_limit=1 << 20, weights_limit=1 << 20):
    return ModelBodyDecoder(header_limit=header_limit, weights_limit=weights_limit)


def body(header, weights=b""):
    return encode_header(header) + weights


@settings(deadline=None)
@given(weights=st.binary(max_size=300), cuts=st.lists(st.integers(0, 500), max_size=8))
def test_a_body_cut_anywhere_gives_the_same_model(weights, cuts):
    whole = body(ModelHeader(TEXTS, len(weights), info='{"dateSaved":"x"}'), weights)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    reader, received = decoder(), b""
    for start, stop in pairwise(edges):
        received += bytes(reader.feed(whole[start:stop]))
    header = reader.finish()
    assert (dict(header.texts), received, header.info) == (TEXTS, weights, '{"dateSaved":"x"}')


def test_field_texts_keep_their_bytes_and_order():
    assert list(parse_header(ModelHeader(TEXTS).to_text().encode()).texts.items()) == list(TEXTS.items())


def test_absent_weights_differ_from_empty_ones():
    assert parse_header(ModelHeader(TEXTS).to_text().encode()).weight_data_bytes is None
    assert parse_header(ModelHeader(TEXTS, 0).to_text().encode()).weight_data_bytes == 0


def test_a_mapped_header_names_its_blob_and_needs_no_weights():
    blob = MappedBlob("/h/b", 1, 2, 3, "ab")
    header = parse_header(ModelHeader(TEXTS, 3, blob=blob).to_text().encode())
    assert (header.blob, header.body_weight_bytes) == (blob, 0)


def test_an_ingested_body_has_no_weights_after_its_header():
    reader = decoder()
    reader.feed(body(ModelHeader(TEXTS, 100, ingest="abc")))
    assert reader.finish().ingest == "abc"


def test_a_truncated_header_or_body_is_refused():
    reader = decoder()
    reader.feed(body(ModelHeader(TEXTS, 4), b"12"))
    with pytest.raises(BadRequestError, match="ends after 2 of the 4"):
        reader.finish()
    with pytest.raises(BadRequestError, match="inside its header"):
        decoder().finish()


def test_more_weights_than_declared_are_refused_at_once():
    with pytest.raises(BadRequestError, match="more than the 4 bytes"):
        decoder().feed(body(ModelHeader(TEXTS, 4), b"12345"))


def test_lengths_past_their_limit_are_refused_before_they_are_read():
    with pytest.raises(TooLargeError, match="header of 4294967295 bytes"):
        decoder().feed(struct.pack("<I", 0xFFFFFFFF))
    with pytest.raises(TooLargeError, match="limit of 10"):
        decoder(weights_limit=10).feed(body(ModelHeader(TEXTS, 11)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"a"}',
        '{"a":}',
        '{"a":1,}',
        '{"a":1}x',
        '{"a":1,"a":2}',
        '{"weightDataBytes":-1}',
        '{"weightDataBytes":true}',
        '{"weightDataBytes":1.5}',
        '{"ingest":3}',
        '{"blob":{}}',
        '{"blob":1}',
        '{"a":' + "[" * 100_000,
    ],
)
def test_a_malformed_header_is_a_bad_request(text):
    with pytest.raises(BadRequestError):
        parse_header(text.encode())


def test_a_header_that_is_not_utf8_is_a_bad_request():
    with pytest.raises(BadRequestError, match="UTF-8"):
        parse_header(b'{"a":"\xff"}')
