"""How things look to a person: sizes, ages, tables, bars.

Sizes are decimal (``4.1 MB``) and ages are docker's words (``3 minutes ago``): the forms that users of ``docker``,
``ollama`` and ``hf`` read every day. Text from the store is shown with its control characters escaped, so that a
model's name cannot drive the terminal.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
# C0 and C1 controls, the bidirectional controls that reorder what is shown, and lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

Colour = Literal["red", "green", "yellow", "cyan", "bold", "dim"]
_SGR: dict[str, str] = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}


def size(count: int) -> str:
    """``count`` bytes with two significant digits, or as many as there are: 512 B, 4.1 MB, 15 GB, 999 kB.

    >>> size(4_100_000), size(15_000_000_000), size(999_999)
    ('4.1 MB', '15 GB', '1.0 MB')
    """
    if count < 1000:
        return f"{count} B"
    value = float(count)
    unit = 0
    while unit < len(_UNITS) - 1 and round(value, 1 if value < 9.95 else 0) >= 1000:
        value /= 1000
        unit += 1
    return f"{value:.1f} {_UNITS[unit]}" if value < 9.95 else f"{value:.0f} {_UNITS[unit]}"


def amount(count: int, unit: str) -> str:
    """A quota's figure in its own unit: code units are counted, bytes are sized."""
    return f"{count:,} code units" if unit == "utf16" else size(count)


def duration(seconds: float) -> str:
    """A span in docker's words: "Less than a second", "About an hour", "2 weeks".

    https://github.com/docker/go-units/blob/master/duration.go
    """
    count = int(seconds)
    if count < 1:
        return "Less than a second"
    if count < 60:
        return _plural(count, "second")
    if count < 120:
        return "About a minute"
    if count < 3600:
        return _plural(count // 60, "minute")
    hours = int(seconds / 3600 + 0.5)
    return "About an hour" if hours <= 1 else _days(hours)


def _days(hours: int) -> str:
    if hours < 48:
        return _plural(hours, "hour")
    if hours < 24 * 14:
        return _plural(hours // 24, "day")
    if hours < 24 * 60:
        return _plural(hours // 24 // 7, "week")
    if hours < 24 * 365 * 2:
        return _plural(hours // 24 // 30, "month")
    return _plural(hours // 24 // 365, "year")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def counted(count: int, noun: str) -> str:
    """``1 model``, ``3 models``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def age(then: datetime, now: datetime) -> str:
    """How long ago ``then`` was; a time ahead of this clock is shown as it stands."""
    seconds = (now - then).total_seconds()
    if seconds < -5:
        return then.strftime("%Y-%m-%d %H:%M")
    return f"{duration(max(0.0, seconds))} ago"


def printable(text: str) -> str:
    """``text`` on one line, without anything that a terminal would obey."""
    if text.isascii() and text.isprintable():
        return text
    return _UNPRINTABLE.sub(lambda match: _escaped(ord(match.group())), text)


def _escaped(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def width(text: str) -> int:
    """Columns that ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(mark) else 2 if unicodedata.east_asian_width(mark) in "WF" else 1 for mark in text
    )


def shortened(text: str, columns: int) -> str:
    """``text`` in at most ``columns``; what is left out of the middle is shown by an ellipsis."""
    if width(text) <= columns:
        return text
    tail_columns = max(0, (columns - 1) // 3)
    head_columns = max(0, columns - 1 - tail_columns)
    head = _cut(text, head_columns)
    tail = _cut(text[::-1], tail_columns)[::-1]
    return f"{head}…{tail}"


def _cut(text: str, columns: int) -> str:
    used = 0
    for position, mark in enumerate(text):
        used += width(mark)
        if used > columns:
            return text[:position]
    return text


class Column(NamedTuple):
    """A column of a table; ``flexible`` ones are shortened where the terminal is too narrow."""

    title: str
    right: bool = False
    flexible: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, fit: int | None = None) -> list[str]:
    """Lines of a table without borders; ``fit`` is the width that it may take."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max([width(column.title), *(width(row[i]) for row in cells)]) for i, column in enumerate(columns)]
    if fit is not None:
        _narrow(columns, widths, fit)
    lines = [_line(columns, widths, [column.title for column in columns])]
    lines += [_line(columns, widths, row) for row in cells]
    return lines


def _narrow(columns: Sequence[Column], widths: list[int], fit: int) -> None:
    excess = sum(widths) + 3 * (len(widths) - 1) - fit
    for position, column in enumerate(columns):
        if column.flexible and excess > 0:
            taken = min(excess, max(0, widths[position] - 20))
            widths[position] -= taken
            excess -= taken


def _line(columns: Sequence[Column], widths: Sequence[int], cells: Sequence[str]) -> str:
    parts = []
    for column, columns_wide, cell in zip(columns, widths, cells, strict=True):
        text = shortened(cell, columns_wide) if column.flexible else cell
        padding = " " * (columns_wide - width(text))
        parts.append(padding + text if column.right else text + padding)
    return "   ".join(parts).rstrip()


def bar(fraction: float, columns: int = 20) -> str:
    """A bar with eighths of a column: anything above nothing shows, only all fills it."""
    fraction = min(1.0, max(0.0, fraction))
    eighths = int(fraction * columns * 8)
    if fraction > 0:
        eighths = max(1, eighths)
    full, part = divmod(eighths, 8)
    text = "█" * full + ("" if part == 0 else "▏▎▍▌▋▊▉"[part - 1])
    return text + "░" * (columns - len(text))


def percent(fraction: float) -> str:
    """``0%`` and ``100%`` only where exact."""
    if 0 < fraction < 0.01:
        return "<1%"
    if 0.99 < fraction < 1:
        return "99%"
    return f"{fraction * 100:.0f}%"


def coloured(text: str, colour: Colour) -> str:
    """``text`` between the terminal's codes."""
    return f"\x1b[{_SGR[colour]}m{text}\x1b[0m"
