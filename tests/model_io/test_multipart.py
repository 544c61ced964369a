"""The body that TensorFlow.js posts, written and read in chunks of any size."""

import email.parser
import email.policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjsd.errors import InvalidArtifactsError
from tfjsd.model_io.multipart import MultipartReader, PartBegin, PartData, PartEnd, boundary_of
from tfjsd.model_io.types import ModelArtifacts

SPECS = [{"name": "w", "shape": [2], "dtype": "float32"}]
ARTIFACTS = ModelArtifacts({"é": 1}, SPECS, [b"\r\n--", b"-\r\n\r"], format="layers-model", converted_by=None)


def events_of(chunks, boundary="X", **limits):
    """Events with adjoining data joined, so that the same body gives the same events however it is cut."""
    reader = MultipartReader(boundary, **limits)
    found: list = []
    for chunk in chunks:
        for event in reader.feed(chunk):
            if isinstance(event, PartData) and found and isinstance(found[-1], bytes):
                found[-1] += bytes(event.data)
            elif isinstance(event, PartData):
                found.append(bytes(event.data))
            else:
                found.append((event.name, event.filename) if isinstance(event, PartBegin) else event)
    reader.close()
    return found


def part(name, data, more=""):
    return f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + data


def body(*parts, boundary="X"):
    return b"".join(f"--{boundary}\r\n".encode() + one + b"\r\n" for one in parts) + f"--{boundary}--\r\n".encode()


def test_the_body_is_what_tensorflow_js_posts():
    content_type, sent = ARTIFACTS.to_multipart()
    boundary = boundary_of(content_type)
    assert boundary.startswith("----WebKitFormBoundary")
    assert (
        sent
        == (
            f'--{boundary}\r\nContent-Disposition: form-data; name="model.json"; filename="model.json"\r\n'
            'Content-Type: application/json\r\n\r\n{"modelTopology":{"é":1},"format":"layers-model","convertedBy":null,'
            '"weightsManifest":[{"paths":["./model.weights.bin"],'
            '"weights":[{"name":"w","shape":[2],"dtype":"float32"}]}]}\r\n'
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="model.weights.bin"; filename="model.weights.bin"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n\r\n---\r\n\r\r\n"
            f"--{boundary}--\r\n"
        ).encode()
    )
    assert ModelArtifacts.from_multipart(content_type, sent) == ARTIFACTS


def test_the_standard_library_reads_the_same_parts():
    content_type, sent = ModelArtifacts({}, SPECS, b"abcdefgh").to_multipart()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        f"Content-Type: {content_type}\r\n\r\n".encode() + sent
    )
    parts = {part.get_filename(): part.get_content() for part in message.iter_parts()}
    assert list(parts) == ["model.json", "model.weights.bin"]
    assert parts["model.weights.bin"] == b"abcdefgh"


def test_a_model_without_weights_has_one_part():
    artifacts = ModelArtifacts({"a": 1})
    content_type, sent = artifacts.to_multipart()
    assert b"model.weights.bin\r\n" not in sent
    assert ModelArtifacts.from_multipart(content_type, sent).texts() == {
        "modelTopology": '{"a":1}',
        "weightSpecs": "[]",
    }


def test_the_weights_of_a_body_are_views_of_it():
    content_type, sent = ModelArtifacts({}, SPECS, b"abcdefgh").to_multipart()
    received = bytearray(sent)
    artifacts = ModelArtifacts.from_multipart(content_type, received)
    start = received.index(b"abcdefgh")
    received[start : start + 1] = b"X"
    assert bytes(artifacts.joined_weight_data() or b"") == b"Xbcdefgh"


BODIES = [
    body(part("a", b"1"), part("b", b"")),
    b"preamble\r\n" + body(part("a", b"\r\n--\r\n--Y\r\n-", '; filename="f.bin"')) + b"epilogue --X",
    body(part("a", b"\r" * 9 + b"\r\n--" * 3), part("a", b"\n\r\n")).replace(b"--X\r\n", b"--X \t\r\n"),
    body(part("", b"--X")),
    b"--X--",
    b"--Y\r\n" + body(b"Content-Type: a/b\r\n" + part('q\\"x', b"\0" * 300)),
]
EXPECTED: list[list] = [
    [("a", None), b"1", PartEnd(), ("b", None), PartEnd()],
    [("a", "f.bin"), b"\r\n--\r\n--Y\r\n-", PartEnd()],
    [("a", None), b"\r" * 9 + b"\r\n--" * 3, PartEnd(), ("a", None), b"\n\r\n", PartEnd()],
    [("", None), b"--X", PartEnd()],
    [],
    [('q"x', None), b"\0" * 300, PartEnd()],
]


@pytest.mark.parametrize(("data", "expected"), list(zip(BODIES, EXPECTED, strict=True)))
def test_events_do_not_depend_on_how_the_body_is_cut(data, expected):
    assert events_of([data]) == expected
    assert events_of([memoryview(data), b""]) == expected
    for size in (1, 2, 3, 7, 30):
        assert events_of([data[index : index + size] for index in range(0, len(data), size)]) == expected


@given(
    st.lists(
        st.lists(st.sampled_from([b"\r", b"\n", b"--", b"X", b"\r\n", b"a"]), max_size=12).map(b"".join), max_size=3
    ),
    st.lists(st.integers(0, 400), max_size=8),
)
@settings(deadline=None, max_examples=200)
def test_any_data_without_the_delimiter_comes_through(parts, cuts):
    parts = [data for data in parts if b"\r\n--X" not in b"\r\n" + data + b"\r\n"]
    data = body(*(part("p", one) for one in parts))
    cuts = sorted({min(cut, len(data)) for cut in cuts})
    chunks = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    expected = []
    for one in parts:
        expected += [("p", None), *([one] if one else []), PartEnd()]
    assert events_of(chunks) == expected


@pytest.mark.parametrize("data", BODIES)
def test_a_truncated_body_is_refused(data):
    whole = data[: data.index(b"--X--") + 4]
    for end in range(len(whole)):
        with pytest.raises(InvalidArtifactsError):
            events_of([data[:end]])


def test_data_is_handed_on_without_being_kept():
    reader = MultipartReader("X")
    reader.feed(b"--X\r\n" + part("a", b""))
    chunk = bytes(100_000)
    (event,) = reader.feed(chunk)
    assert isinstance(event, PartData)
    assert event.data.obj is chunk
    assert len(event.data) == 100_000


def test_headers_are_bounded():
    for data in (b"--X\r\nA: " + b"a" * 5000, b"--X" + b" " * 300 + b"\r\n"):
        with pytest.raises(InvalidArtifactsError, match=r"headers|after a boundary"):
            events_of([data, b"a"], max_header_bytes=4096)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"--X\r\nContent-Type: a/b\r\n\r\n1\r\n--X--", "Content-Disposition"),
        (b"--X\r\n\r\n1\r\n--X--", "Content-Disposition"),
        (b"--X\r\nContent-Disposition: form-data; filename=a\r\n\r\n1\r\n--X--", "Content-Disposition"),
        (b"", "truncated"),
        (b"garbage", "truncated"),
    ],
)
def test_a_malformed_body_is_refused(data, words):
    with pytest.raises(InvalidArtifactsError, match=words):
        events_of([data])


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [("multipart/form-data; boundary=abc", "abc"), ('Multipart/Form-Data; charset=x; Boundary="a b"', "a b"),
     ("multipart/form-data;boundary=a'()+_,-./:=?", "a'()+_,-./:=?")],
)  # fmt: skip
def test_the_boundary_is_found(content_type, boundary):
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    ["", "multipart/form-data", "application/json; boundary=a", "multipart/form-data; boundary=",
     "multipart/mixed; boundary=a",
     "multipart/form-data; boundary=é", "multipart/form-data; boundary=" + "a" * 71],
)  # fmt: skip
def test_another_content_type_is_refused(content_type):
    with pytest.raises(InvalidArtifactsError, match="multipart/form-data with a boundary"):
        boundary_of(content_type)


SPEC = b'{"name":"w","shape":[],"dtype":"int32"}'
MODEL = b'{"modelTopology":{},"weightsManifest":[{"paths":["./w.bin"],"weights":[' + SPEC + b"]}]}"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([part("model.weights.bin", b"1234")], "no part named 'model.json'"),
        ([part("model.json", MODEL)], "describe 4 bytes, but the weights have 0"),
        ([part("model.json", MODEL), part("x.bin", b"1234")], "^Weight file with basename 'w.bin' is not provided.$"),
        ([part("model.json", MODEL), part("w.bin", b"1234"), part("x", b"")], "no file of the model: 'x'"),
        ([part("model.json", MODEL), part("w.bin", b"12345")], "describe 4 bytes, but the weights have 5"),
        ([part("model.json", MODEL), part("model.json", MODEL)], "two parts named 'model.json'"),
        ([part("model.json", MODEL[:-1]), part("w.bin", b"1234")], "not valid JSON"),
    ],
)
def test_parts_that_make_no_model_are_refused(parts, words):
    with pytest.raises(InvalidArtifactsError, match=words):
        ModelArtifacts.from_multipart("multipart/form-data; boundary=X", body(*parts))
    whole = body(part("w.bin", b"1234"), part("model.json", MODEL))
    artifacts = ModelArtifacts.from_multipart("multipart/form-data; boundary=X", whole)
    assert bytes(artifacts.joined_weight_data() or b"") == b"1234"
