"""Rows of ``tfjsd list``: which, in what order, in what form. Pure."""

from __future__ import annotations

import operator
import re
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from . import render
from .arguments import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..model_io.types import ModelArtifactsInfo

_EXPRESSION = re.compile(r"\s*([a-z]+)\s*(>=|<=|!=|==|=|>|<)\s*(.*\S)\s*", re.DOTALL)
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")
_BYTES = {"": 1, "b": 1} | {
    name: base**power
    for power, letter in enumerate("kmgtp", 1)
    for name, base in ((letter, 1000), (f"{letter}b", 1000), (f"{letter}ib", 1024))
}
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800} | {
    f"{noun}{plural}": seconds
    for noun, seconds in (("second", 1), ("minute", 60), ("hour", 3600), ("day", 86400), ("week", 604800))
    for plural in ("", "s")
}
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
_TEXT_FIELDS = ("url", "medium", "path", "origin", "type")
_SIZE_FIELDS = ("size", "topology", "specs", "weights")
FILTER_FIELDS = (*_SIZE_FIELDS, "saved", "age", *_TEXT_FIELDS)
SORT_KEYS = ("size", "saved", "url")
_NEVER = datetime.fromtimestamp(0, UTC)
_LARGEST = 1e18
_LONGEST_AGE = 1e12
"""Seconds, in which no model has been saved yet; a timedelta holds them."""


class Row(NamedTuple):
    """One model."""

    origin: str
    url: str
    info: ModelArtifactsInfo

    @property
    def medium(self) -> str:
        return self.url.partition("://")[0]

    @property
    def path(self) -> str:
        return self.url.partition("://")[2]

    @property
    def type(self) -> str:
        return str(self.info.model_topology_type or "")

    @property
    def saved(self) -> datetime:
        """When; an info record without a valid date counts as of old."""
        return self.info.date_saved or _NEVER

    @property
    def topology(self) -> int:
        return self.info.model_topology_bytes or 0

    @property
    def specs(self) -> int:
        return self.info.weight_specs_bytes or 0

    @property
    def weights(self) -> int:
        return self.info.weight_data_bytes or 0

    @property
    def size(self) -> int:
        return self.topology + self.specs + self.weights


def matching(rows: Iterable[Row], pattern: str | None) -> list[Row]:
    """Rows whose URL or path matches a shell pattern; without wildcards, those whose URL contains it."""
    if pattern is None:
        return list(rows)
    if not any(mark in pattern for mark in "*?["):
        return [row for row in rows if pattern in row.url]
    return [
        row for row in rows if fnmatchcase(row.url, pattern) or fnmatchcase(row.path, pattern) or row.url == pattern
    ]


def parse_filter(expression: str, now: datetime) -> Callable[[Row], bool]:
    """The test that ``size>1MB``, ``saved>2026-01-01``, ``age<2d`` or ``path=mnist*`` stands for.

    Raises:
        UsageError: it is no such expression.
    """
    match = _EXPRESSION.fullmatch(expression)
    if match is None or match[1] not in FILTER_FIELDS:
        raise UsageError(
            f"--filter takes FIELD OPERATOR VALUE, not {expression!r}",
            hint=f"for example 'size>1MB'; the fields are {', '.join(FILTER_FIELDS)}",
        )
    name, sign, text = match.groups()
    if name in _TEXT_FIELDS:
        return _text_test(name, sign, text)
    if name == "saved":
        bound = _instant(text)
        return lambda row: _OPERATORS[sign](row.saved, bound)
    if name == "age":
        seconds = _quantity(text, _SECONDS, "a span such as 2d or 3 hours")
        span = timedelta(seconds=min(seconds, _LONGEST_AGE))
        return lambda row: _OPERATORS[sign](now - row.saved, span)
    count = parse_size(text)
    return lambda row: _OPERATORS[sign](getattr(row, name), count)


def parse_size(text: str) -> int:
    """Bytes: ``300``, ``1MB`` (decimal), ``1MiB``.

    Raises:
        UsageError: it is no size.
    """
    return int(_quantity(text, _BYTES, "a size such as 300, 1MB or 1MiB"))


def _quantity(text: str, units: dict[str, int], expected: str) -> float:
    match = _QUANTITY.fullmatch(text.strip())
    if match is None or match[2].lower() not in units or (quantity := float(match[1])) > _LARGEST:
        raise UsageError(f"{text!r} is not {expected}")
    return quantity * units[match[2].lower()]


def _instant(text: str) -> datetime:
    """An ISO date or time; without an offset it is local time."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):  # the latter for a local time that is in no year of UTC
        raise UsageError(f"{text!r} is not a date or time such as 2026-01-31 or 2026-01-31T12:00") from None


def _text_test(name: str, sign: str, text: str) -> Callable[[Row], bool]:
    if sign not in ("=", "==", "!="):
        raise UsageError(f"--filter: {name} is compared with = or !=, not with {sign}")
    wanted = sign != "!="
    return lambda row: fnmatchcase(getattr(row, name), text) == wanted


def sort_rows(rows: list[Row], order: str | None) -> list[Row]:
    """Rows by ``size``, ``saved`` or ``url``, with ``:desc`` the other way round; as stored where None.

    Raises:
        UsageError: no such key.
    """
    if order is None:
        return rows
    key, _, direction = order.partition(":")
    if key not in SORT_KEYS or direction not in ("", "asc", "desc"):
        raise UsageError(f"--sort takes {', '.join(SORT_KEYS)}, with :desc for the reverse, not {order!r}")
    return sorted(rows, key=operator.attrgetter(key), reverse=direction == "desc")


def table_lines(rows: Sequence[Row], now: datetime, *, origins: bool, fit: int | None, short: bool) -> list[str]:
    """The table; ``short`` lets long URLs lose their middle on a narrow terminal."""
    columns = [
        *([render.Column("ORIGIN")] if origins else []),
        render.Column("URL", flexible=short),
        render.Column("TOPOLOGY", right=True),
        render.Column("WEIGHTS", right=True),
        render.Column("SAVED"),
    ]
    cells = [
        [
            *([row.origin] if origins else []),
            row.url,
            render.size(row.topology),
            render.size(row.weights),
            render.age(row.saved, now) if row.info.date_saved else "unknown",
        ]
        for row in rows
    ]
    return render.table(columns, cells, fit=fit if short else None)


def total_line(rows: Sequence[Row], of: int) -> str:
    """``3 models, 4.1 MB``; with --limit or a filter, how many there are."""
    total = render.size(sum(row.size for row in rows))
    shown = render.counted(len(rows), "model")
    return f"{shown}, {total}" if len(rows) == of else f"{len(rows):,} of {render.counted(of, 'model')}, {total}"


class _Bytes(int):
    """In a template ``{size}`` is ``4.1 MB``, ``{size:d}`` the number of bytes."""

    def __format__(self, specification: str) -> str:
        if specification and specification[-1] in "bcdoxXneEfFgG%":
            return int(self).__format__(specification)
        return render.size(int(self)).__format__(specification)


def template_lines(template: str, rows: Sequence[Row], now: datetime) -> list[str]:
    """``{url} {size}`` filled in for each row; ``\\t`` and ``\\n`` may be written so.

    Raises:
        UsageError: an unknown field or a form that the field does not have.
    """
    template = template.replace("\\t", "\t").replace("\\n", "\n")
    if "{" not in template:
        raise UsageError(f"--format is table, json or a template such as '{{url}} {{size}}', not {template!r}")
    if re.search(r"\{[^{}]*[.\[!][^{}:]*(:|\})", template):
        raise UsageError(f"--format: fields are plain names: {', '.join(_fields(None, now))}")
    try:
        return [template.format_map(_fields(row, now)) for row in rows]
    except KeyError as error:
        known = ", ".join(_fields(None, now))
        raise UsageError(f"--format: unknown field {error.args[0]!r}", hint=f"the fields are {known}") from None
    except (ValueError, IndexError) as error:
        raise UsageError(f"--format: {error} in {template!r}") from None


def _fields(row: Row | None, now: datetime) -> dict[str, object]:
    names = (*_TEXT_FIELDS, *_SIZE_FIELDS, "saved", "age")
    if row is None:
        return dict.fromkeys(names)
    return (
        {name: getattr(row, name) for name in _TEXT_FIELDS}
        | {name: _Bytes(getattr(row, name)) for name in _SIZE_FIELDS}
        | {"saved": iso(row.saved), "age": render.age(row.saved, now)}
    )


def iso(instant: datetime) -> str:
    """As ``Date.prototype.toISOString``: UTC, milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
