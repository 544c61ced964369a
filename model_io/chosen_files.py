"""``browserFiles``: a model from files that somebody chose (tfjs-core/src/io/browser_files.ts)."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..errors import InvalidArtifactsError
from ..storage_backends.abc import Buffer
from .composite_buffer import CompositeBuffer, flat_view
from .io_utils import basename
from .model_directory import MAX_MODEL_JSON
from .model_files import read_file
from .model_json import ModelJSON, parse_model_json
from .types import ModelArtifacts
from .weight_specs import MAX_MODEL_BYTES, check_weights

MODEL_JSON = "model.json"
NamedFile = str | os.PathLike[str] | tuple[str, Buffer]
ChosenFile = NamedFile | bytes | bytearray | memoryview
"""A path, a name and the file's bytes, or the bytes alone."""


class BrowserFiles:
    """Loads from a JSON file and weight files, which are found by their base names. Does not save."""

    def __init__(self, files: Sequence[ChosenFile]) -> None:
        if not files:
            raise InvalidArtifactsError("When calling browserFiles, at least 1 file is required, but received ")
        first, *self._weights = files
        self._json: NamedFile = (MODEL_JSON, first) if isinstance(first, bytes | bytearray | memoryview) else first

    def load(self) -> ModelArtifacts:
        """The model; its weights are in the manifest's order.

        As in TensorFlow.js the JSON file alone gives nothing but the topology, and both topology and manifest are
        required. Raises InvalidArtifactsError with tfjs's texts, and for weights that their specs contradict;
        TooLargeError.
        """
        parsed = self._parsed()
        if parsed.texts.get("modelTopology", "null") == "null":
            raise InvalidArtifactsError(f"modelTopology field is missing from file {_name(self._json)}")
        if parsed.manifest is None:
            raise InvalidArtifactsError(f"weightManifest field is missing from file {_name(self._json)}")
        if not self._weights:
            return ModelArtifacts.from_texts({"modelTopology": parsed.texts["modelTopology"]})
        chosen = self._matched(parsed.paths, _named(self._weights, parsed.paths))
        data = [
            _content(file, MAX_MODEL_BYTES, f"Failed to weights data from file of path '{path}'.")
            for path, file in chosen
        ]
        pieces = CompositeBuffer(data)
        check_weights(parsed.weight_specs, pieces)
        return ModelArtifacts.from_texts(parsed.artifact_texts(), pieces)

    def _parsed(self) -> ModelJSON:
        name = _name(self._json)
        failure = (
            f"Failed to read model topology and weights manifest JSON from file '{name}'. BrowserFiles supports "
            "loading Keras-style tf.Model artifacts only."
        )
        content = _content(self._json, MAX_MODEL_JSON, failure)
        try:
            return parse_model_json(bytes(content).removeprefix(b"\xef\xbb\xbf"))  # FileReader drops a byte order mark
        except InvalidArtifactsError as error:
            raise InvalidArtifactsError(f"Failed to parse file {name}: {error}") from error

    def _matched(self, paths: Sequence[str], files: Sequence[NamedFile]) -> list[tuple[str, NamedFile]]:
        """Each manifest path with its file; the checks in tfjs's order."""
        names = [basename(_name(file)) for file in files]
        matched: dict[str, tuple[str, NamedFile]] = {}
        for path in paths:
            name = basename(path)
            if name in matched:
                raise InvalidArtifactsError(f"Duplicate file basename found in weights manifest: '{name}'")
            if name not in names:
                raise InvalidArtifactsError(f"Weight file with basename '{name}' is not provided.")
            matched[name] = (path, files[names.index(name)])
        if len(matched) != len(files):
            raise InvalidArtifactsError(
                f"Mismatch in the number of files in weights manifest ({len(matched)}) and the number of weight files "
                f"provided ({len(files)})."
            )
        return list(matched.values())


def browser_files(files: Sequence[ChosenFile]) -> BrowserFiles:
    """A handler that loads a model from files: the ``model.json`` first, then the weights in any order.

    A file is a path, a pair of a name and the bytes, or the bytes alone: those are taken for the manifest's files in
    its order, but for the ones that are there by name. Raises InvalidArtifactsError for no files.
    """
    return BrowserFiles(files)


def _named(files: Sequence[ChosenFile], paths: Sequence[str]) -> list[NamedFile]:
    """Files without a name get the base names that no other file has; more of them than there are keep none."""
    taken = {basename(_name(file)) for file in files if not isinstance(file, bytes | bytearray | memoryview)}
    free = iter([name for path in paths if (name := basename(path)) not in taken])
    return [(next(free, ""), file) if isinstance(file, bytes | bytearray | memoryview) else file for file in files]


def _name(file: NamedFile) -> str:
    return file[0] if isinstance(file, tuple) else os.path.basename(file)


def _content(file: NamedFile, limit: int, failure: str) -> memoryview:
    if isinstance(file, tuple):
        return flat_view(file[1])
    try:
        return read_file(os.fspath(file), limit=limit)
    except OSError as error:
        raise InvalidArtifactsError(failure, hint=str(error)) from error
