"""A progress bar on stderr: only on a terminal, only once it takes long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .render import bar, percent, printable, size

if TYPE_CHECKING:
    from .output import Output

_PATIENCE = 0.5
"""Seconds before a bar appears."""
_INTERVAL = 0.1


class Progress:
    """What ``on_progress`` is given; as a context manager it leaves a clean line."""

    def __init__(self, label: str, output: Output) -> None:
        self._label = printable(label)
        self._output = output
        self._wanted = output.stderr.isatty() and not output.quiet and not output.json
        self._next = time.monotonic() + _PATIENCE
        self._shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._shown:
            self._write("\r\x1b[K")

    def __call__(self, done: int, total: int | None) -> None:
        """Bytes done, and of how many (None: unknown)."""
        now = time.monotonic()
        if not self._wanted or now < self._next:
            return
        self._next, self._shown = now + _INTERVAL, True
        if total:
            self._write(f"\r\x1b[K{self._label}  {bar(done / total)} {percent(done / total)} of {size(total)}")
        else:
            self._write(f"\r\x1b[K{self._label}  {size(done)}")

    def _write(self, text: str) -> None:
        self._output.stderr.write(text)
        self._output.stderr.flush()
