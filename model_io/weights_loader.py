"""Weights by a manifest alone (tfjs-core/src/io/weights_loader.ts), from a server or a directory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import HTTPStatusError, InvalidArtifactsError, TooLargeError
from ..storage_backends.abc import Buffer
from .composite_buffer import CompositeBuffer
from .confined_directory import ConfinedDirectory
from .http_transport import HTTPTransport
from .model_files import MAX_MANIFEST_PATHS, read_weights, translated
from .model_json import WeightsGroup, get_weight_specs, parse_manifest
from .web_url import WebURL
from .weight_specs import MAX_MODEL_BYTES, check_weights, parse_weight_specs

if TYPE_CHECKING:
    from .arrays import Weights

_PARALLEL = 6  # a browser's connections per host
_PAGE = 1 << 20  # an answer of up to this size is read even if it cannot be weights, so that the error can say more

OnProgress = Callable[[int, int | None], None]
"""``on_progress(done, total)`` in bytes: of the weights (load) or of the request's body (save). ``total`` is None where
the manifest cannot tell (string weights). Called by one thread at a time, not necessarily the caller's."""


class Progress:
    """Adds up what several threads report."""

    def __init__(self, report: OnProgress | None, total: int | None) -> None:
        self._report = report
        self._total = total
        self._done = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        if self._report is not None:
            with self._lock:
                self._done += count
                self._report(self._done, self._total)


def load_weights(
    manifest: Sequence[Mapping[str, Any]],
    prefix: str = "",
    names: Iterable[str] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> Weights:
    """Name to array of the weights in a ``weightsManifest``, or of ``names`` only; reads whole groups that hold one.

    ``prefix`` is an http(s) URL, to which a slash (unless it ends with one) and each path is appended, or a directory
    (the working directory where empty), which the paths cannot leave.

    Raises InvalidArtifactsError with tfjs's text where a name is not in the manifest, and where bytes and specs
    disagree; HTTPStatusError, TooLargeError and what ``file_system`` raises.
    """
    groups = _groups_with(parse_manifest(list(manifest)), None if names is None else list(names))
    specs = get_weight_specs(groups)
    if prefix.startswith(("http://", "https://")):
        urls = [prefix + ("" if prefix.endswith("/") else "/") + path for group in groups for path in group.paths]
        data: list[Buffer] = fetch_weights(HTTPTransport(WebURL.parse(prefix), headers=headers), urls, specs, None)
    else:
        with translated(f"Cannot load weights from {prefix}"), ConfinedDirectory(prefix or ".") as directory:
            data = [*read_weights(directory, groups)]
    from .arrays import Weights

    return Weights(specs, data, names)


def _groups_with(manifest: Sequence[WeightsGroup], names: Sequence[str] | None) -> list[WeightsGroup]:
    if names is None:
        return list(manifest)
    by_group = [{spec.name for spec in parse_weight_specs(group.weights)} for group in manifest]
    found: set[str] = set().union(*by_group)
    missing = [name for name in names if name not in found]
    if missing:
        there = [entry["name"] for entry in get_weight_specs(manifest)]
        raise InvalidArtifactsError(
            f"Could not find weights in manifest with names: {', '.join(missing)}. \n"
            f"Manifest JSON has weights with names: {', '.join(there)}."
        )
    return [group for group, has in zip(manifest, by_group, strict=True) if not has.isdisjoint(names)]


def fetch_weights(
    transport: HTTPTransport,
    urls: Sequence[str],
    specs: Sequence[Any],
    on_progress: OnProgress | None,
    *,
    is_checked: bool = True,
) -> list[Buffer]:
    """One buffer per URL, fetched in parallel, which together have exactly the bytes that ``specs`` say.

    With ``is_checked`` false whatever a server answers is taken, as TensorFlow.js does (``Fault.UNCHECKED_WEIGHTS``).

    Raises HTTPStatusError for any answer other than 2xx, InvalidArtifactsError, TooLargeError. After a failure the
    other transfers are broken off.
    """
    if len(urls) > MAX_MANIFEST_PATHS:
        raise TooLargeError(f"the weights manifest has {len(urls)} paths; at most {MAX_MANIFEST_PATHS} are taken")
    total = _byte_length(specs)
    limit = MAX_MODEL_BYTES if total is None or not is_checked else max(total, _PAGE)
    progress = Progress(on_progress, total)
    fetch = _fetch if is_checked else _fetch_anything
    tasks = [partial(fetch, transport, WebURL.parse(url), limit, progress) for url in urls]
    buffers = _in_parallel(transport, tasks)
    if not is_checked:
        return buffers
    try:
        check_weights(list(specs), CompositeBuffer(buffers))
    except InvalidArtifactsError as error:
        error.hint = _hint(urls, buffers)
        raise
    return buffers


def _byte_length(specs: Sequence[Any]) -> int | None:
    """What fixed-size weights take together; None with string weights among them. Refused above the limit."""
    sizes = [spec.byte_length for spec in parse_weight_specs(list(specs))]
    total = sum(size for size in sizes if size is not None)
    if total > MAX_MODEL_BYTES:
        raise TooLargeError(f"the weights have {total} bytes; at most {MAX_MODEL_BYTES} are taken")
    return None if None in sizes else total


def _fetch(transport: HTTPTransport, url: WebURL, limit: int, progress: Progress) -> Buffer:
    response = transport.get(url, limit=limit, on_bytes=progress.add)
    if not response.ok:
        raise HTTPStatusError(
            f"Request to {url} failed with status code {response.status}. Please verify this URL points to weights of "
            "the model to load.",
            status=response.status,
        )
    return response.body


def _fetch_anything(transport: HTTPTransport, url: WebURL, limit: int, progress: Progress) -> Buffer:
    return transport.get(url, limit=limit, on_bytes=progress.add, is_error_read=True).body


def _in_parallel(transport: HTTPTransport, tasks: Sequence[Callable[[], Buffer]]) -> list[Buffer]:
    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="tfjsd-weights") as pool:
        futures = [pool.submit(task) for task in tasks]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            for future in filter(_has_failed, futures):
                future.result()
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            transport.abort()
            raise


def _has_failed(future: Future[Buffer]) -> bool:
    return future.done() and future.exception() is not None


def _hint(urls: Sequence[str], buffers: Sequence[Buffer]) -> str | None:
    """A server that answers every path with its start page is the usual reason for weights of a wrong size."""
    for url, buffer in zip(urls, buffers, strict=True):
        if bytes(memoryview(buffer)[:64]).lstrip().lower().startswith((b"<!doctype", b"<html")):
            return f"{url} is a web page, not weights."
    return None
