"""The two ends of a copy, with their options, as what ``Store.load`` and ``Store.save`` take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import UnsupportedURLError
from .arguments import UsageError
from .listing import parse_size
from .locations import MODEL_JSON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model_io.store import ModelURL
    from .arguments import Arguments
    from .invocation import Invocation
    from .locations import Kind, Location
    from .progress import Progress


class _Use(NamedTuple):
    """What an option of ``copy`` goes with."""

    option: str
    source: Kind | None
    dest: Kind | None
    ends: str


_USES = (
    _Use("--method", None, "http", "an http:// DEST"),
    _Use("--header", "http", "http", "an http:// SOURCE or DEST"),
    _Use("--weight-path-prefix", "http", None, "an http:// SOURCE"),
    _Use("--weights-manifest", "path", None, "a topology file as SOURCE"),
    _Use("--shard-size", None, "path", "a directory as DEST"),
    _Use("--downloads-dir", None, "downloads", "a downloads:// DEST"),
)


def check_options(arguments: Arguments, sources: Sequence[Location], dests: Sequence[Location]) -> None:
    """What can be wrong with the options themselves, before anything is read.

    Raises:
        UsageError: a header without a colon, a size that is none, an option that goes with none of the ends.
    """
    _headers(arguments)
    _shard_bytes(arguments)
    for use in _USES:
        fits = any(end.kind == use.source for end in sources) or any(end.kind == use.dest for end in dests)
        if arguments.flag(use.option) and not fits:
            raise UsageError(f"{use.option} goes with {use.ends}")


def source(location: Location, arguments: Arguments, progress: Progress) -> ModelURL:
    """What to load.

    Raises:
        UsageError: a tar would come from a terminal.
    """
    match location.kind:
        case "archive":
            from .archive import ArchiveReader, standard_input

            return ArchiveReader(standard_input(), progress)
        case "http":
            from ..model_io.http import http_request

            prefix = arguments.text("--weight-path-prefix")
            headers = _headers(arguments)
            return http_request(location.text, headers=headers, weight_path_prefix=prefix, on_progress=progress)
        case "path":
            from ..model_io.node_file_system import file_system

            manifest = arguments.text("--weights-manifest")
            return file_system(location.source_path() if manifest is None else (location.path, Path(manifest)))
    return location.text


def dest(location: Location, invocation: Invocation, progress: Progress) -> ModelURL:
    """Where to save.

    Raises:
        UsageError: a tar would go to a terminal.
    """
    arguments = invocation.arguments
    match location.kind:
        case "archive":
            from .archive import ArchiveWriter, standard_output

            return ArchiveWriter(standard_output(invocation.output))
        case "http":
            from ..model_io.http import http_request

            method = arguments.text("--method") or "POST"
            return http_request(location.text, method=method, headers=_headers(arguments), on_progress=progress)
        case "downloads":
            from ..model_io.browser_downloads import downloads

            return downloads(location.text, arguments.text("--downloads-dir") or ".")
        case "path":
            from ..model_io.node_file_system import file_system

            return file_system(location.path, shard_bytes=_shard_bytes(arguments), on_progress=progress)
    return location.text


def check_dest(location: Location) -> None:
    """Refuses a path that names a file of the directory that is meant.

    Raises:
        UsageError: with the directory as its hint.
    """
    if location.kind == "path" and location.path.name == MODEL_JSON and not location.path.is_dir():
        raise UsageError(
            f"DEST is a directory, and {location.text!r} names a file in it", hint=f"use {location.path.parent}"
        )


def check_handlers(source: Location, dest: Location) -> None:
    """Refuses ends that nothing reads from or writes to, before anything is read: in TensorFlow.js's order and with its
    texts (tfjs-core/src/io/model_management.ts, cloneModelInternal).

    Raises:
        UnsupportedURLError: which end it is.
    """
    from ..model_io.model_url import advice_about

    if source.kind in ("other", "downloads"):
        raise UnsupportedURLError(
            f"Copying failed because no load handler is found for source URL {source.text}.",
            hint=None if source.kind == "downloads" else advice_about(source.text),
        )
    if dest.kind == "other":
        raise UnsupportedURLError(
            f"Copying failed because no save handler is found for destination URL {dest.text}.",
            hint=advice_about(dest.text),
        )


def _headers(arguments: Arguments) -> dict[str, str]:
    headers: dict[str, str] = {}
    for text in arguments.texts("--header"):
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise UsageError(f"--header takes KEY:VALUE, not {text!r}")
        headers[name.strip()] = value.strip()
    return headers


def _shard_bytes(arguments: Arguments) -> int | None:
    text = arguments.text("--shard-size")
    if text is None:
        return None
    count = parse_size(text)
    if count < 1:
        raise UsageError("--shard-size takes at least one byte")
    return count
