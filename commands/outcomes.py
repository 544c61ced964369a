"""One command on several models: each on its own, one result per model, a failure does not stop the others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import DaemonUnavailableError, FileError, HomeInUseError, StoreFailedError, TfjsdError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model_io.types import ModelArtifactsInfo
    from .output import Output

_NO_USE_GOING_ON = (DaemonUnavailableError, HomeInUseError, StoreFailedError)


class Outcomes:
    """Collects ``{url: info | {"error": …}}``."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._document: dict[str, object] = {}
        self.failed = False

    def attempt(self, subject: str, work: Callable[[], ModelArtifactsInfo | None]) -> None:
        """Does one of them; None means that there was nothing to do.

        Raises:
            DaemonUnavailableError, HomeInUseError, StoreFailedError: the others would fail as this one did.
        """
        try:
            info = work()
        except _NO_USE_GOING_ON:
            raise
        except TfjsdError as error:
            self._fail(subject, error)
        except OSError as error:
            where = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
            self._fail(subject, FileError(f"{where}{error.strerror or error}"))
        else:
            if info is not None:
                self._document[subject] = info_document(info)

    def _fail(self, subject: str, error: TfjsdError) -> None:
        self.failed = True
        self._document[subject] = {"error": {"name": error.name, "message": error.message}}
        if not self._output.json:
            self._output.error(error, about=subject)

    def finish(self) -> int:
        """Prints the document where JSON was asked for; the exit code."""
        if self._output.json:
            self._output.document(self._document)
        return 1 if self.failed else 0


def info_document(info: ModelArtifactsInfo) -> object:
    """A ``ModelArtifactsInfo`` as TensorFlow.js writes it."""
    import json

    return json.loads(info.to_json())
