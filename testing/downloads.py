"""What ``downloads://`` saves leave in a simulated browser's download folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from ..errors import InvalidArtifactsError
from ..model_io.browser_downloads import URL_SCHEME
from ..model_io.browser_downloads import Downloads as DownloadsHandler
from ..model_io.model_json import model_json_text
from ..model_io.types import ModelArtifacts, SaveResult
from ..storage_backends.abc import Clock
from ..storage_backends.browsers import Browser
from .access import Access

_DUPLICATE = {"chromium": "{stem} ({number}){suffix}", "firefox": "{stem}({number}){suffix}"}
_DUPLICATE_ELSEWHERE = "{stem}-{number}{suffix}"


class Downloads(Mapping[str, bytes]):
    """The files by name, in the order of their downloads. A name that is taken gets a number, as in the browser."""

    def __init__(self, browser: Browser, access: Access, clock: Clock) -> None:
        self._template = _DUPLICATE.get(browser.engine, _DUPLICATE_ELSEWHERE)
        self._access = access
        self._clock = clock
        self._files: dict[str, bytes] = {}

    def __getitem__(self, name: str) -> bytes:
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return f"<Downloads {', '.join(f'{name} ({len(data)} bytes)' for name, data in self._files.items())}>"

    def now(self) -> datetime:
        """The browser's time."""
        return datetime.fromtimestamp(self._clock.now() / 1000, UTC)

    def clear(self) -> None:
        """Empties the folder."""
        self._files.clear()

    def replace(self, files: Mapping[str, bytes]) -> None:
        """Puts other files in place of all."""
        self._files = dict(files)

    def add(self, name: str, data: bytes) -> bool:
        """One file comes down, unless downloads are denied: the page is told of neither."""
        if not self._access.is_allowed("downloads"):
            return False
        self._files[self._free_name(name)] = data
        return True

    def handler(self, url: str) -> SimulatedDownload:
        """What saves to a ``downloads://`` URL here."""
        return SimulatedDownload(url.removeprefix(URL_SCHEME), self)

    def _free_name(self, name: str) -> str:
        stem, dot, extension = name.rpartition(".")
        candidate, number = name, 0
        while candidate in self._files:
            number += 1
            candidate = self._template.format(stem=stem, number=number, suffix=dot + extension)
        return candidate


class SimulatedDownload:
    """Saves as ``model_io.browser_downloads`` does, into the simulated folder.

    The save succeeds whatever becomes of the files: that is all that TensorFlow.js learns of a download.
    """

    def __init__(self, prefix: str, downloads: Downloads) -> None:
        self._handler = DownloadsHandler(prefix)
        self._downloads = downloads

    def save(self, artifacts: ModelArtifacts) -> SaveResult:
        """Raises InvalidArtifactsError with tfjs's text for a binary topology."""
        if artifacts.has_binary_topology:
            raise InvalidArtifactsError(
                "BrowserDownloads.save() does not support saving model topology in binary formats yet."
            )
        artifacts.check()
        json_name, weights_name = self._handler.file_names()
        self._downloads.add(json_name, model_json_text(artifacts.texts(), [f"./{weights_name}"]).encode())
        weights = artifacts.joined_weight_data()
        if weights is not None:
            self._downloads.add(weights_name, bytes(weights))
        return SaveResult(artifacts.info(self._downloads.now()))
