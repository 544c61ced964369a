"""``ecma_json`` is ECMAScript's JSON: the facts of tfjs's stored texts, and Node.js as the judge."""

import json
import math
import random
import struct
import time
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjsd.errors import InvalidArtifactsError
from tfjsd.model_io.absent import ABSENT
from tfjsd.model_io.ecma_json import canonicalize, number_to_string, parse, stringify

CANONICAL = [
    # integer-like keys first, in numeric order; duplicates: last value, first place
    ('{"b":1,"10":2,"9":3,"a":4}', '{"9":3,"10":2,"b":1,"a":4}'),
    ('{"4294967294":1,"0":2}', '{"0":2,"4294967294":1}'),
    ('{"4294967295":1,"0":2}', '{"0":2,"4294967295":1}'),
    ('{"01":1,"-1":2,"1.5":3,"1":4}', '{"1":4,"01":1,"-1":2,"1.5":3}'),
    ('{"a":0,"\\u0031":5}', '{"1":5,"a":0}'),
    ('{"a":0,"٣":1,"3":2}', '{"3":2,"a":0,"٣":1}'),
    ('{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'),
    ('{"__proto__":{"a":1},"":2}', '{"__proto__":{"a":1},"":2}'),
    # numbers
    ("1.0", "1"),
    ("1e-05", "0.00001"),
    ("0.000001", "0.000001"),
    ("1e-07", "1e-7"),
    ("1e21", "1e+21"),
    ("100000000000000000000", "100000000000000000000"),
    ("12345678901234567890", "12345678901234567000"),
    ("9007199254740993", "9007199254740992"),
    ("-0", "0"),
    ("-0.0", "0"),
    ("1E400", "null"),
    ("-1e400", "null"),
    ("9" * 400, "null"),
    ("5e-324", "5e-324"),
    ("1e-400", "0"),
    ("1.7976931348623157e308", "1.7976931348623157e+308"),
    # strings
    ('"\\u0041\\/\\u2028\\u007f"', '"A/\u2028\x7f"'),
    ('"\\u0008\\u000c\\u000a\\u000d\\u0009\\u0000\\u001F"', '"\\b\\f\\n\\r\\t\\u0000\\u001f"'),
    ('"\\uD83D\\uDE00"', '"😀"'),
    ('"\\uD83D"', '"\\ud83d"'),
    ('"\ud83d"', '"\\ud83d"'),
    ('"\ud83d\\uDE00"', '"😀"'),
    ('"\ud83d\ude00"', '"😀"'),
    ('{"\ud83d\ude00":1,"😀":2}', '{"😀":2}'),
    ('"\\\\\ud83d"', '"\\\\\\ud83d"'),
    # white space and literals
    (" \t\r\n[ true , false , null ] ", "[true,false,null]"),
]


@pytest.mark.parametrize(("text", "expected"), CANONICAL)
def test_canonical_text_is_what_json_stringify_writes(text, expected):
    assert canonicalize(text) == expected
    assert canonicalize(expected) == expected
    assert stringify(parse(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["NaN", "Infinity", "-Infinity", "[1,]", '{"a":1,}', "{'a':1}", "\ufeff1", "\u00a01", "1 2", "01", "1.", ".5", "+1",
     "", " ", "undefined", '"\t"', '"\\x41"', '"\\\ud83d"', '"\\ud8"', "[", "]", '{"a"}', "tru", "1e", "٣", '"a'],
)  # fmt: skip
def test_text_that_json_parse_refuses_is_refused(text):
    with pytest.raises(InvalidArtifactsError):
        parse(text)
    with pytest.raises(InvalidArtifactsError):
        canonicalize(text)


def test_bytes_are_read_as_utf_8_and_nothing_else():
    assert canonicalize('{"ü": 1}'.encode()) == '{"ü":1}'
    for data in (b'"\xff"', '"a"'.encode("utf-16"), b'"\xed\xa0\x80"', b"\xef\xbb\xbf1"):
        with pytest.raises(InvalidArtifactsError):
            canonicalize(data)


def test_parsed_numbers_are_ints_where_javascript_cannot_tell():
    assert [type(parse(text)) for text in ("1", "1.0", "1e3", "9007199254740991", "0")] == [int] * 5
    assert [type(parse(text)) for text in ("1.5", "9007199254740992", "1e300", "1e400")] == [float] * 4
    for text in ("-0", "-0.0", "-0e5", "-1e-400"):
        assert math.copysign(1, parse(text)) == -1, text
        assert isinstance(parse(text), float)
    assert parse("1e400") == math.inf
    assert list(parse('{"b":1,"2":1,"1":1}')) == ["1", "2", "b"]


def node_corpus() -> list[str]:
    random_bits = random.Random(20)
    numbers = [repr(struct.unpack("d", random_bits.randbytes(8))[0]) for _ in range(2000)]
    numbers += [repr(random_bits.uniform(-1, 1) * 10 ** random_bits.randint(-25, 25)) for _ in range(2000)]
    numbers += [str(random_bits.getrandbits(random_bits.randint(1, 80))) for _ in range(500)]
    keys = [
        "a",
        "1",
        "07",
        "4294967294",
        "4294967295",
        "4294967296",
        "",
        "\u0000",
        "9" * 12,
        "-3",
        "1e3",
        "\ud800",
        "é",
    ]
    objects = [
        json.dumps({random_bits.choice(keys): index for index in range(random_bits.randint(0, 9))}) for _ in range(500)
    ]
    strings = [json.dumps("".join(chr(random_bits.randint(0, 0x2FF)) for _ in range(20))) for _ in range(200)]
    strings += [
        f'"\\u{random_bits.randint(0xD700, 0xE0FF):04x}\\u{random_bits.randint(0xDB00, 0xE0FF):04X}"'
        for _ in range(300)
    ]
    mutated = [text.replace(random_bits.choice(text), random_bits.choice(['"', ",", "\\", "]", "}", "e", "-", ""]), 1)
               for text in objects + numbers[:300]]  # fmt: skip
    return [text for text, _ in CANONICAL] + numbers + objects + strings + mutated


@pytest.mark.skipif("not __import__('shutil').which('node')", reason="compares with Node.js")
def test_node_agrees_on_every_text_of_a_corpus(node):
    corpus = node_corpus()
    for text, expected in zip(corpus, node(corpus), strict=True):
        if expected is None:
            with pytest.raises(InvalidArtifactsError):
                canonicalize(text)
        else:
            assert canonicalize(text) == expected, text


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
@settings(max_examples=200, deadline=None)
def test_what_was_stringified_parses_back_and_is_canonical(value):
    text = stringify(value)
    assert parse(text) == value
    assert canonicalize(text) == text
    assert canonicalize(json.dumps(value)) == text
    assert canonicalize(json.dumps(value, indent=1).encode()) == text


def test_what_javascript_drops_is_dropped():
    assert stringify({"a": ABSENT, "b": [ABSENT, print], "c": print, "d": None}) == '{"b":[null,null],"d":null}'
    assert stringify({"a": [math.nan, math.inf, -math.inf, -0.0]}) == '{"a":[null,null,null,0]}'
    assert stringify({"x": b"abc", "y": memoryview(b"ab").cast("B")}) == '{"x":{},"y":{"0":97,"1":98}}'
    assert stringify({"x": np.array([1.5, 2], "float32"), "y": np.float32(0.5)}) == '{"x":{"0":1.5,"1":2},"y":0.5}'
    assert stringify((1, 2)) == "[1,2]"
    assert stringify({1: "a", "0": "b"}) == '{"0":"b","1":"a"}'
    assert stringify(2**63) == "9223372036854776000"


def test_dates_are_utc_milliseconds():
    moment = datetime(2024, 2, 29, 23, 59, 59, 999_999, timezone(timedelta(hours=-1)))
    assert stringify([moment]) == '["2024-03-01T00:59:59.999Z"]'
    assert stringify(datetime(33, 1, 1, tzinfo=UTC)) == '"0033-01-01T00:00:00.000Z"'
    with pytest.raises(InvalidArtifactsError, match="time zone"):
        stringify(datetime(2024, 1, 1))


def test_what_has_no_json_is_named():
    circular: list = []
    circular.append(circular)
    for value, words in ((circular, "Circular"), ({"a": object()}, "object"), ({(1, 2): 3}, "keys"), ({1, 2}, "set")):
        with pytest.raises(InvalidArtifactsError, match=words):
            stringify(value)
    with pytest.raises(InvalidArtifactsError, match="nested"):
        stringify([ABSENT, circular])


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000 + "]" * 100_000, "[" * 100_000, '{"a":' * 100_000, '["]",' * 65 + "1" + ',"["]' * 65,
     '["\\"]",' * 65 + "1" + ',"["]' * 65, "[{" * 33 + "}]" * 33],
)  # fmt: skip
def test_json_nested_too_deeply_is_refused_quickly(text):
    started = time.process_time()
    with pytest.raises(InvalidArtifactsError, match="nested more than 64 levels deep"):
        canonicalize(text)
    assert time.process_time() - started < 2


def test_the_limits_themselves_are_allowed():
    assert canonicalize("[" * 64 + "]" * 64) == "[" * 64 + "]" * 64
    assert canonicalize('["[[[",{"a":"]\\"["}]') == '["[[[",{"a":"]\\"["}]'
    with pytest.raises(InvalidArtifactsError, match="nested more than 2 "):
        canonicalize("[[[]]]", max_depth=2)
    assert parse("[[1]]", max_depth=2) == [[1]]


def test_an_object_of_a_million_keys_is_refused():
    with pytest.raises(InvalidArtifactsError, match="more than 100000 keys"):
        canonicalize("{" + ",".join(f'"k{index}":1' for index in range(1_000_000)) + "}")
    many_objects = "[" + ",".join(['{"a":1}'] * 200_000) + "]"
    assert canonicalize(many_objects) == many_objects


def test_a_number_of_a_hundred_thousand_digits_is_refused():
    for text in ("9" * 100_000, "-" + "1" * 5000, "0." + "1" * 5000):
        with pytest.raises(InvalidArtifactsError, match="more than 4096 characters"):
            canonicalize(text)


def test_number_to_string_of_what_json_has_no_word_for():
    assert [number_to_string(value) for value in (math.nan, math.inf, -math.inf, -0.0)] == [
        "NaN",
        "Infinity",
        "-Infinity",
        "0",
    ]
