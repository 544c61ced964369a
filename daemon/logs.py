"""Log lines: structured JSON where a machine reads them, coloured text on a terminal."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

LOGGER = logging.getLogger("tfjsd.daemon")

_COLOURS = {logging.DEBUG: "2", logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "31"}
_OWN = frozenset(vars(logging.makeLogRecord({})))


def configure(format_: str, level: str, stream: TextIO | None = None, environ: Mapping[str, str] = os.environ) -> None:
    """Sends the log of everything below ``tfjsd`` to ``stream`` (standard error). ``format_``: auto, json, text."""
    stream = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(stream)
    as_text = format_ == "text" or (format_ == "auto" and stream.isatty() and not under_journald(stream, environ))
    if as_text:
        handler.setFormatter(TextFormatter(colour=stream.isatty() and not environ.get("NO_COLOR")))
    else:
        handler.setFormatter(JSONFormatter())
    root = logging.getLogger("tfjsd")
    root.handlers[:] = [handler]
    root.propagate = False
    root.setLevel(level.upper())


def under_journald(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """systemd.exec(5): JOURNAL_STREAM is device and inode of the stream that the journal reads."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class JSONFormatter(logging.Formatter):
    """One object per line: ``time``, ``level``, ``message``, what was passed as ``extra``, ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": _moment(record), "level": record.levelname.lower(), "message": record.getMessage()}
        line |= {name: value for name, value in vars(record).items() if name not in _OWN and name != "taskName"}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """``22:31:04 message  name=value``."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        extra = (f"{name}={value}" for name, value in vars(record).items() if name not in _OWN and name != "taskName")
        text = "  ".join([f"{self.formatTime(record, '%H:%M:%S')} {record.getMessage()}", *extra])
        if record.exc_info:
            text += f"\n{self.formatException(record.exc_info)}"
        code = _COLOURS.get(record.levelno)
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code else text


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
