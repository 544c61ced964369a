"""URLs reach the request line as a browser would send them."""

from __future__ import annotations

import pytest

from tfjsd.errors import UnsupportedURLError
from tfjsd.model_io.web_url import WebURL


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("http://host/model.json", "http://host/model.json"),
        ("HTTP://HOST/Model.json", "http://host/Model.json"),
        ("http://host", "http://host/"),
        ("http://host?x=1", "http://host/?x=1"),
        ("http://host:80/a", "http://host/a"),
        ("https://host:443/a", "https://host/a"),
        ("http://host:443/a", "http://host:443/a"),
        ("http://host/a/./w.bin", "http://host/a/w.bin"),
        ("http://host/a/../w.bin", "http://host/w.bin"),
        ("http://host/../../w.bin", "http://host/w.bin"),
        ("http://host/a/%2e%2E/w.bin", "http://host/w.bin"),
        ("http://host/a/.", "http://host/a/"),
        ("http://host/a/b/..", "http://host/a/"),
        ("http://host/a//b", "http://host/a//b"),
        ("http://host/a b/ü.bin", "http://host/a%20b/%C3%BC.bin"),
        ("http://host/a%20b", "http://host/a%20b"),
        ("http://host/100%", "http://host/100%"),
        ("http://host\\a\\b", "http://host/a/b"),
        ("http://host/m.json?q=a b&c='\"", "http://host/m.json?q=a%20b&c=%27%22"),
        ("http://host/m.json?q=..\\x", "http://host/m.json?q=..\\x"),
        ("http://host/m.json#part?x", "http://host/m.json"),
        ("  http://host/a\n", "http://host/a"),
        ("http://ho\tst/a\r\nb", "http://host/ab"),
        ("http://bücher.example/a", "http://xn--bcher-kva.example/a"),
        ("http://[::1]:8000/a", "http://[::1]:8000/a"),
        ("http://under_score.local/a", "http://under_score.local/a"),
        ("http://host/\ud800", "http://host/%3F"),
    ],
)
def test_it_is_normalised(text: str, normal: str):
    assert str(WebURL.parse(text)) == normal
    assert WebURL.parse(normal) == WebURL.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "model.json",
        "./model.json",
        "//host/model.json",
        "ftp://host/a",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///a",
        "http://user@host/",
        "http://user:password@host/",
        "http://host:port/",
        "http://host:99999/",
        "http://ho st/",
        "http://host%2f@evil/",
        "http://[::1/",
        "http://ho<st>/",
    ],
)
def test_it_is_refused(text: str):
    with pytest.raises(UnsupportedURLError):
        WebURL.parse(text)


def test_credentials_are_not_repeated_in_the_message():
    with pytest.raises(UnsupportedURLError) as caught:
        WebURL.parse("http://user:hunter2@host/")
    assert "hunter2" not in str(caught.value) + str(caught.value.hint)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b", "http://host/b"),
        ("b", "http://host/a/b"),
        ("//other/b", "http://other/b"),
        ("https://other:1/b?c", "https://other:1/b?c"),
        ("?q", "http://host/a/m.json?q"),
    ],
)
def test_a_location_is_resolved(location: str, target: str):
    assert str(WebURL.parse("http://host/a/m.json").resolve(location)) == target


def test_a_location_cannot_leave_the_web():
    with pytest.raises(UnsupportedURLError):
        WebURL.parse("http://host/").resolve("file:///etc/passwd")


def test_origins_differ_by_scheme_host_and_port():
    origins = {WebURL.parse(url).origin for url in ("http://a/", "https://a/", "http://b/", "http://a:81/")}
    assert len(origins) == 4
    assert WebURL.parse("http://a/x").origin == WebURL.parse("http://A:80/y").origin
