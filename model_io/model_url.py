"""``<medium>://<path>``, parsed at the door into a type that cannot hold a bad value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..errors import TooLargeError, UnsupportedURLError

SCHEME_SEPARATOR = "://"
MEDIA = ("localstorage", "indexeddb")
"""The store's own media, in the order in which TensorFlow.js registers their managers."""
LONGEST_PATH = 48 * 1024
"""Of a stored model, in bytes of its percent-encoded UTF-8: with an origin and a file's name it fits a request line."""
_LONGEST_ENCODING = 9  # of one character of a path: three bytes, or half of four
_SCHEMES = (*MEDIA, "file", "http", "https", "downloads")


class ModelURL(NamedTuple):
    """A scheme and a path, both verbatim. Unlike TensorFlow.js, which splits at every ``://`` and forgets what follows
    the second one, the path is all that follows the first."""

    scheme: str
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}{SCHEME_SEPARATOR}{self.path}"


def parse(url: str, supported: Iterable[str] = MEDIA) -> ModelURL:
    """The URL's parts; raises UnsupportedURLError with tfjs's text where there is no scheme
    (tfjs-core/src/io/model_management.ts, parseURL)."""
    scheme, separator, path = url.partition(SCHEME_SEPARATOR)
    if not separator:
        raise UnsupportedURLError(
            "The url string provided does not contain a scheme. Supported schemes are: " + ",".join(supported)
        )
    return ModelURL(scheme, path)


def check_length(path: str) -> None:
    """Raises TooLargeError for the path of a model that no request could ask for."""
    if len(path) * _LONGEST_ENCODING <= LONGEST_PATH:
        return
    from urllib.parse import quote

    size = len(quote(path, safe="", errors="surrogatepass"))
    if size > LONGEST_PATH:
        raise TooLargeError(f"A model's path of {size} bytes (percent-encoded) passes the limit of {LONGEST_PATH}.")


def scheme_of(url: str) -> str | None:
    """The scheme, or None for a plain path."""
    scheme, separator, _ = url.partition(SCHEME_SEPARATOR)
    return scheme if separator else None


def advice_about(url: str) -> str:
    """For who wrote a name that is no URL, or a scheme that nobody knows."""
    scheme = scheme_of(url)
    if scheme is None:
        return "a file is named by file://PATH or a pathlib.Path, a stored model by localstorage:// or indexeddb://"
    from difflib import get_close_matches

    meant = get_close_matches(scheme.lower(), _SCHEMES, n=1)
    return f"did you mean {meant[0]}{url[len(scheme) :]}?" if meant else f"the schemes are {', '.join(_SCHEMES)}"
