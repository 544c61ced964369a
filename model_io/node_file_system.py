"""``file://``: a model as files of a directory, in tfjs-node's layout (tfjs-node/src/io/file_system.ts).

A save replaces the model of a directory as one (``model_directory.py``); a load opens only regular files at or below
the directory of its JSON file (``confined_directory.py``) and never mixes two models (``model_files.py``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeGuard

from ..errors import InvalidArtifactsError
from ..storage_backends import durable
from . import ecma_json
from .composite_buffer import CompositeBuffer
from .confined_directory import ConfinedDirectory
from .model_directory import MAX_MODEL_JSON, WeightFile, replace_model
from .model_files import absolute, read_file, read_settled, read_weights, require_file, translated
from .model_json import NODE_ORDER, get_weight_specs, model_json_text, parse_manifest, parse_model_json
from .quirks import NO_QUIRKS, Fault, Quirks, quirks_named
from .reported_pieces import OnWritten, ReportedPieces
from .router_registry import LoadOptions, ModelLocation
from .shards import split
from .types import ModelArtifacts, SaveResult
from .weight_specs import MAX_MODEL_BYTES

URL_SCHEME = "file://"
WEIGHTS_BINARY_FILENAME = "weights.bin"

Path_ = str | os.PathLike[str]


class FileSystem:
    """Saves to a directory, loads from a JSON file. A relative path is resolved when the handler is made."""

    def __init__(
        self,
        path: Path_,
        *,
        shard_bytes: int | None = None,
        on_progress: OnWritten | None = None,
        quirks: Quirks = NO_QUIRKS,
    ) -> None:
        self.path = absolute(path)
        self._shard_bytes = shard_bytes
        self._on_progress = on_progress
        self._quirks = quirks

    def save(self, artifacts: ModelArtifacts) -> SaveResult:
        """Writes ``model.json`` and ``weights.bin`` (or shards) into the directory, creating it and its parents.

        Atomic: at any crash the directory holds the old model or the new one. Durable on return. Other files stay.

        Raises InvalidArtifactsError for a binary topology, a path that is a file, weights without specs, and weights
        that their specs contradict: nothing was changed then. QuotaExceededError (unit ``disk``) on a full disk,
        AccessDeniedError, StoreFailedError where the disk fails.
        """
        if artifacts.has_binary_topology:
            raise InvalidArtifactsError(
                "NodeFileSystem.save() does not support saving model topology in binary format yet."
            )
        artifacts.check()
        texts, info = artifacts.texts(), artifacts.info()
        weights = self._weight_files(artifacts)
        if weights and texts.get("weightSpecs", "null") == "null":
            raise InvalidArtifactsError("weights without weightSpecs could not be loaded again")
        with translated(f"Cannot save to {self.path}"):
            self._replace(weights, texts)
        return SaveResult(info)

    def load(self) -> ModelArtifacts:
        """Reads the JSON file and the weights that its manifest names; large weight files are mapped, not copied.

        A mapped file changes under its reader if another program overwrites it in place; ``save`` never does.

        Raises ModelNotFoundError where the path does not exist, InvalidArtifactsError for a directory, malformed JSON,
        a manifest that names something else than files of its directory, a missing weight file, and weights of another
        size than the manifest says; TooLargeError, AccessDeniedError, StoreFailedError.
        """
        with translated(f"Cannot load from {self.path}"):
            require_file(
                self.path,
                called="Path",
                not_a_file="The path to load from must be a file. Loading from a directory is not supported.",
            )
            return read_settled(self.path, _artifacts, limit=MAX_MODEL_JSON)

    def _weight_files(self, artifacts: ModelArtifacts) -> list[WeightFile]:
        if artifacts.weight_pieces is None:
            return []
        whole = CompositeBuffer(artifacts.weight_pieces)
        if Fault.ZERO_SHARDS in self._quirks and artifacts.is_sharded:
            # Buffer.from(list): every shard becomes a number, NaN, a byte 0
            whole = CompositeBuffer(bytes(len(whole.parts)))
        files = {WEIGHTS_BINARY_FILENAME: whole} if self._shard_bytes is None else split(whole, self._shard_bytes)
        written = self._counter(whole.byte_length)
        return [WeightFile(name, ReportedPieces(part.parts, written)) for name, part in files.items()]

    def _counter(self, total: int | None) -> Callable[[int], None]:
        """Adds up what was written, for ``on_progress``."""
        done = 0

        def written(count: int) -> None:
            nonlocal done
            done += count
            if self._on_progress is not None:
                self._on_progress(done, total)

        return written

    def _replace(self, weights: Sequence[WeightFile], texts: Mapping[str, str]) -> None:
        directory = Path(os.path.realpath(self.path))
        if directory.exists() and not directory.is_dir():
            raise InvalidArtifactsError(
                f"Path {self.path} exists as a file. The path must be nonexistent or point to a directory."
            )
        durable.make_directory(directory, mode=0o777)
        has_manifest = bool(weights) or "weightSpecs" in texts
        order = [name for name in NODE_ORDER if has_manifest or name != "weightsManifest"]
        replace_model(directory, weights, lambda names: model_json_text(texts, names, order=order).encode())


class LegacyFiles:
    """The two-file form of TensorFlow.js 0.x: a binary topology and a weights manifest. Loads only."""

    def __init__(self, paths: Sequence[Path_]) -> None:
        if len(paths) != 2:
            raise InvalidArtifactsError(f"file paths must have a length of 2, (actual length is {len(paths)}).")
        self.topology, self.manifest = (absolute(path) for path in paths)

    def save(self, artifacts: ModelArtifacts) -> SaveResult:
        """Raises InvalidArtifactsError, always."""
        raise InvalidArtifactsError("Cannot perform saving to multiple paths.")

    def load(self) -> ModelArtifacts:
        """``model_topology`` is the bytes of the first file. Raises as ``FileSystem.load`` does."""
        with translated(f"Cannot load from {self.topology}"):
            require_file(self.topology, called="Topology Path", not_a_file="File specified for topology is not a file!")
            require_file(
                self.manifest,
                called="Weight Manifest Path",
                not_a_file="File specified for the weight manifest is not a file!",
            )
            topology = read_file(self.topology, limit=MAX_MODEL_BYTES)
            specs, weights = read_settled(self.manifest, _manifest_weights, limit=MAX_MODEL_JSON)
        return ModelArtifacts(topology, specs, weights)


def file_system(
    path: Path_ | Sequence[Path_],
    *,
    shard_bytes: int | None = None,
    on_progress: OnWritten | None = None,
    quirks: str | Iterable[str] | None = None,
) -> FileSystem | LegacyFiles:
    """A handler for paths (not URLs): the directory to save to, the ``model.json`` to load from, or the two files
    ``(topology, manifest)`` of the legacy form. With ``shard_bytes`` the weights are saved as
    ``group1-shard1ofN.bin``, … of that many bytes. ``on_progress(done, total)`` is told the weight bytes written.
    ``quirks`` may name the fault ``zero-shards`` (``quirks.py``)."""
    if isinstance(path, str | os.PathLike):
        return FileSystem(path, shard_bytes=shard_bytes, on_progress=on_progress, quirks=quirks_named(quirks))
    return LegacyFiles(path)


def file_system_router(
    url: ModelLocation, options: LoadOptions, quirks: Quirks = NO_QUIRKS
) -> FileSystem | LegacyFiles | None:
    """Answers ``file://`` URLs, lists of them (tfjs-node's ``nodeFileSystemRouter``), and path objects."""
    if isinstance(url, os.PathLike) or _is_file_url(url):
        path = url.removeprefix(URL_SCHEME) if isinstance(url, str) else url
        on_progress = options.get("on_progress")
        return FileSystem(path, shard_bytes=options.get("shard_bytes"), on_progress=on_progress, quirks=quirks)
    if isinstance(url, str):
        return None
    return LegacyFiles([part.removeprefix(URL_SCHEME) for part in url]) if all(map(_is_file_url, url)) else None


def _is_file_url(url: object) -> TypeGuard[str]:
    return isinstance(url, str) and url.startswith(URL_SCHEME)


def _artifacts(directory: ConfinedDirectory, content: memoryview) -> ModelArtifacts:
    parsed = parse_model_json(bytes(content))
    if parsed.manifest is None:
        return ModelArtifacts.from_texts(parsed.artifact_texts())
    return ModelArtifacts.from_texts(parsed.artifact_texts(), _as_data(read_weights(directory, parsed.manifest)))


def _manifest_weights(
    directory: ConfinedDirectory, content: memoryview
) -> tuple[list[object], memoryview | list[memoryview]]:
    manifest = parse_manifest(ecma_json.parse(bytes(content)))
    return get_weight_specs(manifest), _as_data(read_weights(directory, manifest))


def _as_data(files: list[memoryview]) -> memoryview | list[memoryview]:
    """One file as one buffer; no file as no bytes."""
    if len(files) > 1:
        return files
    return files[0] if files else memoryview(b"")
