"""Base64 as ``btoa`` and ``atob`` have it."""

import base64 as standard

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjsd.errors import InvalidCharacterError
from tfjsd.model_io import base64


@given(st.binary(max_size=100))
@settings(deadline=None)
def test_what_was_encoded_decodes_with_and_without_padding_and_line_breaks(data):
    text = base64.encode(memoryview(data))
    assert text == standard.b64encode(data).decode()
    assert base64.encoded_length(len(data)) == len(text)
    for variant in (text, text.rstrip("="), " \t\n\f\r".join(text)):
        assert base64.decode(variant) == data


@pytest.mark.parametrize(
    ("text", "data"),
    [("", b""), (" ", b""), ("AA", b"\0"), ("AAA", b"\0\0"), ("AA==", b"\0"), ("AAA=", b"\0\0"), ("AB==", b"\0"),
     ("A A =\n=", b"\0"), ("/+==", b"\xff")],
)  # fmt: skip
def test_atob_accepts(text, data):
    assert base64.decode(text) == data


@pytest.mark.parametrize(
    "text",
    ["A", "AAAAA", "AA=", "AAA==", "AAAA=", "AAAA==", "=", "==", "====", "A=A=", "AA==AA==", "-_", "A\vA", "A\u00a0A",
     "é", "ÀÀÀÀ", "\ud800", "AA\0"],
)  # fmt: skip
def test_atob_refuses(text):
    with pytest.raises(InvalidCharacterError, match="not correctly encoded") as caught:
        base64.decode(text)
    assert caught.value.code == 5


def test_a_long_text_with_one_bad_character_is_refused():
    text = base64.encode(bytes(1 << 20))
    with pytest.raises(InvalidCharacterError):
        base64.decode(text[:1000] + "*" + text[1001:])


@pytest.mark.parametrize(
    "text", ["", "AAEC", "AA EC\n", "AAE", "AAF=", "AAEC!", "é", "€", "A", "A\ud800", "====", "AAEC" * 1000]
)
def test_a_stored_text_is_decoded_as_the_str_is(text):
    def outcome(decoding, *arguments):
        try:
            return decoding(*arguments)
        except InvalidCharacterError as error:
            return str(error)

    width, data = (2, text.encode("utf-16-le", "surrogatepass"))
    expected = outcome(base64.decode, text)
    assert outcome(base64.decode_stored, width, data) == expected
    if all(ord(character) < 256 for character in text):
        assert outcome(base64.decode_stored, 1, memoryview(text.encode("latin-1"))) == expected
