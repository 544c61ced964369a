"""Model URLs and request targets: ``indexeddb://my/model`` is ``/v1/models/indexeddb/my%2Fmodel``.

The path is one percent-encoded segment, UTF-8 with lone surrogates as their three bytes (a path is any JavaScript
string). It goes into ``?path=`` where a browser would normalise the segment away, or where it is long.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from ..errors import BadRequestError, UnsupportedURLError
from ..model_io.model_url import check_length
from .protocol import MODEL_JSON, MODELS, WEIGHTS_BIN

LONGEST_SEGMENT = 1_000
_WEIGHTS: Final = re.compile(r"weights\.([0-9a-f]{64})\.bin")
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")
_ENCODED: Final = {byte: chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256)}


class ModelTarget(NamedTuple):
    """A model, or one of its artifacts: ``model.json``, ``weights.bin``, ``weights.<digest>.bin``."""

    url: str
    artifact: str | None = None


def model_target(url: str, *, artifact: str | None = None, query: Mapping[str, str] | None = None) -> str:
    """The request target for a model URL. Raises UnsupportedURLError for a URL without a scheme, TooLargeError for a
    path that fits no request line."""
    medium, separator, path = url.partition("://")
    if not separator:
        raise UnsupportedURLError(
            "The url string provided does not contain a scheme. Supported schemes are: localstorage,indexeddb"
        )
    check_length(path)
    segment = encode_text(path)
    parameters = dict(query or {})
    target = f"{MODELS}/{encode_text(medium)}"
    if segment in ("", ".", "..") or len(segment) > LONGEST_SEGMENT:
        parameters["path"] = path
    else:
        target += f"/{segment}"
    return with_query(target if artifact is None else f"{target}/{artifact}", parameters)


def with_query(target: str, parameters: Mapping[str, str]) -> str:
    """The target with its parameters, percent-encoded as paths are."""
    if not parameters:
        return target
    return f"{target}?{'&'.join(f'{encode_text(name)}={encode_text(value)}' for name, value in parameters.items())}"


def split_target(target: str) -> tuple[str, dict[str, str]]:
    """Path (still percent-encoded) and parameters (decoded) of a request target.

    Raises BadRequestError for a parameter that comes twice or is not UTF-8.
    """
    from urllib.parse import parse_qsl  # clients do without

    path, _, query = target.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="surrogatepass", max_num_fields=32)
    except ValueError as error:
        raise BadRequestError("The query is not valid percent-encoded UTF-8.") from error
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise BadRequestError("A query parameter comes twice.")
    return path, {name: joined_surrogates(value) for name, value in parameters.items()}


def parse_model_target(path: str, parameters: Mapping[str, str]) -> ModelTarget:
    """What ``model_target`` made, from ``split_target``'s parts. Raises BadRequestError."""
    if not path.startswith(f"{MODELS}/"):
        raise BadRequestError(f"{path!r} names no model.")
    medium, *rest = path[len(MODELS) + 1 :].split("/")
    name = parameters.get("path")
    if name is None and rest:
        name = decode_text(rest.pop(0))
    artifact = rest.pop(0) if rest else None
    if rest or (artifact is not None and not _is_artifact(artifact)):
        raise BadRequestError(
            "A model's path is one percent-encoded segment (%2F for a slash); only model.json, weights.bin may follow."
        )
    return ModelTarget(f"{decode_text(medium)}://{name or ''}", artifact)


def weights_artifact(digest: str) -> str:
    """The name of weights that are these very ones, whatever is saved meanwhile."""
    return f"weights.{digest}.bin"


def digest_in(artifact: str) -> str | None:
    """What ``weights_artifact`` was given; None for ``weights.bin``."""
    match = _WEIGHTS.fullmatch(artifact)
    return None if match is None else match[1]


def _is_artifact(name: str) -> bool:
    return name in (MODEL_JSON, WEIGHTS_BIN) or digest_in(name) is not None


def encode_text(text: str) -> str:
    """One segment: everything but ``A-Za-z0-9_.-~`` percent-encoded."""
    data = joined_surrogates(text).encode("utf-8", "surrogatepass")
    return "".join(map(_ENCODED.__getitem__, data))


def decode_text(segment: str) -> str:
    """Raises BadRequestError where the bytes are not UTF-8 (lone surrogates excepted)."""
    from urllib.parse import unquote_to_bytes

    try:
        return joined_surrogates(unquote_to_bytes(segment).decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError as error:
        raise BadRequestError(f"{segment[:80]!r} is not percent-encoded UTF-8.") from error


def joined_surrogates(text: str) -> str:
    """A high and a low surrogate in a row are one character, as in any JavaScript string."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
