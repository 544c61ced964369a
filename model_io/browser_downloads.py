"""``downloads://``: a model as the two files that a browser would download (tfjs-core/src/io/browser_files.ts)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import InvalidArtifactsError
from ..storage_backends import durable
from .model_directory import WeightFile, replace_model
from .model_files import absolute, translated
from .model_json import model_json_text
from .router_registry import LoadOptions, ModelLocation
from .types import ModelArtifacts, SaveResult

URL_SCHEME = "downloads://"
DEFAULT_FILE_NAME_PREFIX = "model"


class Downloads:
    """Saves ``<prefix>.json`` and ``<prefix>.weights.bin`` into a directory."""

    def __init__(self, prefix: str = "", directory: str | os.PathLike[str] = ".") -> None:
        self.prefix = prefix.removeprefix(URL_SCHEME) or DEFAULT_FILE_NAME_PREFIX
        self.directory = absolute(directory)

    def save(self, artifacts: ModelArtifacts) -> SaveResult:
        """Writes the files; durable on return. Files of the same names are replaced, both or none at any crash.

        A slash in the prefix becomes an underscore, as in a browser's file: nothing is written outside of the
        directory. Without weights there is only the JSON, as in a browser.

        Raises InvalidArtifactsError for a binary topology, for weights that their specs contradict, and for a prefix
        that no file can have; QuotaExceededError (unit ``disk``), AccessDeniedError, StoreFailedError.
        """
        if artifacts.has_binary_topology:
            raise InvalidArtifactsError(
                "BrowserDownloads.save() does not support saving model topology in binary formats yet."
            )
        artifacts.check()
        texts, info = artifacts.texts(), artifacts.info()
        json_name, weights_name = self.file_names()
        weights = []
        if (pieces := artifacts.weight_pieces) is not None:
            weights = [WeightFile(weights_name, pieces.parts)]
        with translated(f"Cannot save to {self.directory}"):
            directory = Path(os.path.realpath(self.directory))
            durable.make_directory(directory, mode=0o777)
            replace_model(directory, weights, lambda names: _text(texts, names or [weights_name]), json_name=json_name)
        return SaveResult(info)

    def file_names(self) -> tuple[str, str]:
        """Names of the two files. Raises InvalidArtifactsError where no file can be named so."""
        prefix = self.prefix.replace("/", "_")
        weights_name = f"{prefix}.weights.bin"
        try:
            too_long = len(weights_name.encode()) > 255
        except UnicodeEncodeError as error:
            raise InvalidArtifactsError(f"no file can be named {self.prefix!a}") from error
        if too_long or "\0" in prefix:
            raise InvalidArtifactsError(f"no file can be named {self.prefix[:200]!a}")
        return f"{prefix}.json", weights_name


def downloads(prefix: str = "", directory: str | os.PathLike[str] = ".") -> Downloads:
    """A handler that saves the two files that ``downloads://<prefix>`` gives in a browser, into ``directory``.

    An empty prefix is ``model``; a leading ``downloads://`` is dropped.
    """
    return Downloads(prefix, directory)


def downloads_router(url: ModelLocation, options: LoadOptions) -> Downloads | None:
    """Answers ``downloads://`` URLs; the directory is the option ``downloads_directory``."""
    if not isinstance(url, str) or not url.startswith(URL_SCHEME):
        return None
    return Downloads(url.removeprefix(URL_SCHEME), options.get("downloads_directory", "."))


def _text(texts: Mapping[str, str], names: Sequence[str]) -> bytes:
    return model_json_text(texts, [f"./{name}" for name in names]).encode()
