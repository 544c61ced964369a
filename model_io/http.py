"""``http://`` and ``https://``: a model on a server (tfjs-core/src/io/http.ts).

A save is one multipart request with ``model.json`` and ``model.weights.bin``; a load reads the model.json and then all
weight files in parallel. Unlike TensorFlow.js, which checks no status of a weight response and so takes a 404 page for
weights, every response must be 2xx and the bytes must be as many as the manifest says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from ..errors import HTTPStatusError, InvalidArtifactsError
from ..storage_backends.abc import Buffer
from .composite_buffer import CompositeBuffer
from .http_transport import Auth, HTTPResponse, HTTPTransport, Upload
from .model_json import ModelJSON, parse_model_json
from .multipart import encode_multipart
from .quirks import NO_QUIRKS, Fault, Quirks, quirks_named
from .router_registry import LoadOptions, ModelLocation
from .types import ModelArtifacts, SaveResult
from .web_url import WebURL
from .weights_loader import OnProgress, Progress, fetch_weights

DEFAULT_METHOD = "POST"
MAX_MODEL_JSON = 64 << 20
MAX_ANSWER = 1 << 20
"""Bytes that are kept of a server's answer to a save."""

_OPTIONS = ("method", "headers", "auth", "timeout", "weight_path_prefix", "weight_url_converter", "on_progress")
_URL_SCHEME = re.compile(r"https?://")
_PB_HINT = (
    " Your path contains a .pb file extension. Support for .pb models have been removed in TensorFlow.js 1.0 in favor "
    "of .json models. You can re-convert your Python TensorFlow model using the TensorFlow.js 1.0 conversion scripts "
    "or you can convert your.pb models with the 'pb2json'NPM script in the tensorflow/tfjs-converter repository."
)


class HTTPRequest:
    """Saves to and loads from one URL."""

    def __init__(
        self,
        url: str,
        *,
        method: str = DEFAULT_METHOD,
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
        timeout: float | None = None,
        weight_path_prefix: str | None = None,
        weight_url_converter: Callable[[str], str] | None = None,
        on_progress: OnProgress | None = None,
        quirks: Quirks = NO_QUIRKS,
    ) -> None:
        if not url:
            raise InvalidArtifactsError("URL path for http must not be null, undefined or empty.")
        if not isinstance(url, str):
            raise InvalidArtifactsError(f"URL paths for http must have a length of 2, (actual length is {len(url)}).")
        self.url = url
        self._target = WebURL.parse(url)
        self._method = method
        self._transport = HTTPTransport(self._target, headers=headers, auth=auth, timeout=timeout)
        self._weight_path_prefix = weight_path_prefix
        self._weight_url_converter = weight_url_converter
        self._on_progress = on_progress
        self._is_checked = Fault.UNCHECKED_WEIGHTS not in quirks

    def save(self, artifacts: ModelArtifacts) -> SaveResult:
        """Sends the model; ``responses`` holds the server's answer (an ``HTTPResponse``).

        Raises InvalidArtifactsError for a binary topology and for weights that their specs contradict, before anything
        is sent; HTTPStatusError for any answer but 2xx (status 0: the server was not reached); OutcomeUnknownError
        where the connection was lost afterwards.
        """
        if artifacts.has_binary_topology:
            raise InvalidArtifactsError(
                "BrowserHTTPRequest.save() does not support saving model topology in binary formats yet."
            )
        artifacts.check()
        info = artifacts.info()
        content_type, pieces = encode_multipart(artifacts.texts(), artifacts.weight_pieces)
        upload = Upload(content_type, tuple(pieces))
        progress = Progress(self._on_progress, upload.size)
        response = self._transport.send(self._method, self._target, upload, limit=MAX_ANSWER, on_bytes=progress.add)
        if not response.ok:
            raise _failed_save(response)
        return SaveResult(info, (response,))

    def load(self) -> ModelArtifacts:
        """Reads the model.json and its weights.

        Raises HTTPStatusError for any answer other than 2xx, InvalidArtifactsError for what is no model.json and for
        weights of another size than it says, TooLargeError.
        """
        parsed = self._load_model_json()
        if parsed.manifest is None:
            return ModelArtifacts.from_texts(parsed.artifact_texts())
        return ModelArtifacts.from_texts(parsed.artifact_texts(), self._load_weights(parsed))

    def _load_model_json(self) -> ModelJSON:
        response = self._transport.get(self._target, limit=MAX_MODEL_JSON)
        if not response.ok:
            raise HTTPStatusError(
                f"Request to {self.url} failed with status code {response.status}. Please verify this URL points to "
                "the model JSON of the model to load.",
                status=response.status,
            )
        try:
            parsed = parse_model_json(_decoded(response.body))
        except InvalidArtifactsError as error:
            raise InvalidArtifactsError(self._parse_failure(), hint=str(error)) from error
        if parsed.manifest is None and parsed.texts.get("modelTopology", "null") == "null":
            raise InvalidArtifactsError(
                f"The JSON from HTTP path {self.url} contains neither model topology or manifest for weights."
            )
        return parsed

    def _parse_failure(self) -> str:
        advice = " Please make sure the server is serving valid JSON for this request."
        return f"Failed to parse model JSON of response from {self.url}." + (
            _PB_HINT if self.url.endswith(".pb") else advice
        )

    def _weight_urls(self, paths: Sequence[str]) -> list[str]:
        if self._weight_url_converter is not None:
            return [self._weight_url_converter(path) for path in paths]
        prefix, suffix = parse_url(self.url)
        return [(self._weight_path_prefix or prefix) + path + suffix for path in paths]

    def _load_weights(self, parsed: ModelJSON) -> CompositeBuffer:
        urls = self._weight_urls(parsed.paths)
        return CompositeBuffer(
            fetch_weights(self._transport, urls, parsed.weight_specs, self._on_progress, is_checked=self._is_checked)
        )


def http_request(
    url: str,
    *,
    method: str = DEFAULT_METHOD,
    headers: Mapping[str, str] | None = None,
    auth: Auth | None = None,
    timeout: float | None = None,
    weight_path_prefix: str | None = None,
    weight_url_converter: Callable[[str], str] | None = None,
    on_progress: OnProgress | None = None,
    quirks: str | Iterable[str] | None = None,
) -> HTTPRequest:
    """A handler for a server: the URL to save to, or of the ``model.json`` to load from.

    ``method`` and ``headers`` are of the save's request; ``headers`` and ``auth`` (``(user, password)``, or a bearer
    token) go with every request, credentials only to the URL's own origin. ``timeout`` is for each wait on the network,
    in seconds. ``weight_path_prefix`` replaces all of a weight's URL but its path in the manifest, and no slash is put
    between them; ``weight_url_converter(path)`` gives the whole URL. ``on_progress`` is explained at ``OnProgress``.
    ``quirks`` may name the fault ``unchecked-weights`` (``quirks.py``).

    Raises InvalidArtifactsError for an empty URL, UnsupportedURLError for one that is not absolute http or https.
    """
    return HTTPRequest(
        url,
        method=method,
        headers=headers,
        auth=auth,
        timeout=timeout,
        weight_path_prefix=weight_path_prefix,
        weight_url_converter=weight_url_converter,
        on_progress=on_progress,
        quirks=quirks_named(quirks),
    )


def http_router(url: ModelLocation, options: LoadOptions, quirks: Quirks = NO_QUIRKS) -> HTTPRequest | None:
    """Answers ``http://`` and ``https://`` URLs, in lower case only, as ``httpRouter`` does."""
    if not isinstance(url, str) or not is_http_scheme(url):
        return None
    return HTTPRequest(url, quirks=quirks, **{name: options[name] for name in _OPTIONS if name in options})


def is_http_scheme(url: str) -> bool:
    """Whether a URL begins with ``http://`` or ``https://``."""
    return _URL_SCHEME.match(url) is not None


def parse_url(url: str) -> tuple[str, str]:
    """What weight URLs begin and end with: all up to the last slash of the whole string, and the query after it.

    As in TensorFlow.js (``parseUrl``) a slash inside the query counts as the last one.
    """
    prefix, _, last = url.rpartition("/")
    _, mark, query = last.rpartition("?")
    return prefix + "/", mark and mark + query


def _failed_save(response: HTTPResponse) -> HTTPStatusError:
    location = response.header("location")
    return HTTPStatusError(
        f"BrowserHTTPRequest.save() failed due to HTTP response status {response.status}.",
        status=response.status,
        hint=f"The server redirects to {location}; a save follows 307 and 308 only." if location else None,
    )


def _decoded(body: Buffer) -> str:
    """Text as ``Response.json()`` decodes it: UTF-8 without its byte order mark."""
    try:
        return bytes(body).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidArtifactsError(f"not UTF-8 at byte {error.start}") from error
