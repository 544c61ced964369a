"""How whoever started the daemon learns that it answers, or why it does not."""

from __future__ import annotations

import contextlib
import os

from ..errors import ConfigurationError, TfjsdError
from ..wire.error_body import error_body


class ReadyPipe:
    """The write end of a pipe: ``ready``, or one line with the error as JSON; closed after either."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        if descriptor is not None:
            try:
                os.set_inheritable(descriptor, False)
            except OSError as error:
                raise ConfigurationError(f"--ready-fd {descriptor}: {error.strerror}") from error

    def ready(self) -> None:
        self._say(b"ready\n")

    def failed(self, error: TfjsdError) -> bool:
        """Whether anybody was told."""
        return self._say(error_body(error) + b"\n")

    def _say(self, line: bytes) -> bool:
        if self._descriptor is None:
            return False
        descriptor, self._descriptor = self._descriptor, None
        with contextlib.suppress(BrokenPipeError):  # the starter has given up; the daemon may live on
            os.write(descriptor, line)
        os.close(descriptor)
        return True
