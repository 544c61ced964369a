"""The two ends of a copy, with their options, as what ``Store.load`` and ``Store.save`` take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import UsageError
from .listing import parse_size
from .locations import MODEL_JSON

if TYPE_CHECKING:
    from ..model_io.store import ModelURL
    from .arguments import Arguments
    from .invocation import Invocation
    from .locations import Location
    from .progress import Progress


def check_options(arguments: Arguments) -> None:
    """What can be wrong with the options themselves, before anything is read.

    Raises:
        UsageError: a header without a colon, a size that is none.
    """
    _headers(arguments)
    _shard_bytes(arguments)


def source(location: Location, arguments: Arguments, progress: Progress) -> ModelURL:
    """What to load.

    Raises:
        UsageError: an option that does not fit the source.
    """
    manifest = arguments.text("--weights-manifest")
    if manifest is not None and location.kind != "path":
        raise UsageError("--weights-manifest goes with a topology file as SOURCE")
    if location.kind == "archive":
        from .archive import ArchiveReader, standard_input

        return ArchiveReader(standard_input())
    if location.kind == "http":
        from ..model_io.http import http_request

        return http_request(
            location.text,
            headers=_headers(arguments),
            weight_path_prefix=arguments.text("--weight-path-prefix"),
            on_progress=progress,
        )
    if location.kind == "path":
        from ..model_io.node_file_system import file_system

        return file_system(location.source_path() if manifest is None else (location.path, Path(manifest)))
    return location.text


def dest(location: Location, invocation: Invocation, progress: Progress) -> ModelURL:
    """Where to save.

    Raises:
        UsageError: an option that does not fit the destination, or one that is no place for a model.
    """
    arguments = invocation.arguments
    if location.kind == "archive":
        from .archive import ArchiveWriter, standard_output

        return ArchiveWriter(standard_output(invocation.output))
    if location.kind == "http":
        from ..model_io.http import http_request

        return http_request(
            location.text,
            method=arguments.text("--method") or "POST",
            headers=_headers(arguments),
            on_progress=progress,
        )
    if location.kind == "downloads":
        from ..model_io.browser_downloads import downloads

        return downloads(location.text, arguments.text("--downloads-dir") or ".")
    if location.kind == "path":
        if location.path.name == MODEL_JSON and not location.path.is_dir():
            raise UsageError(
                f"DEST is a directory, and {location.text!r} names a file in it", hint=f"use {location.path.parent}"
            )
        from ..model_io.node_file_system import file_system

        return file_system(location.path, shard_bytes=_shard_bytes(arguments))
    return location.text


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
