"""The table as text and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from row import Aim, Row, Unit, in_unit, spread
from series import Series

HEADING = ("operation", "measured", "aim", "")


def line(row: Row) -> str:
    """One row, for a terminal."""
    figure, aim, verdict = _cells(row)
    return f"{row.operation:58} {figure:34} {aim:14} {verdict}"


def details(row: Row) -> Iterable[str]:
    """What the row's figure was made of."""
    for series, unit in row.measured:
        yield f"    {series.name:54} {_shown(series, unit)}"


def markdown(rows: Sequence[Row], missing: Mapping[str, str]) -> str:
    """The table of the aims, then what each row was measured beside, then what this machine lacked."""
    lines = [_markdown_line(HEADING), "|---|---|---|---|"]
    lines += [_markdown_line((row.operation, *_cells(row))) for row in rows]
    lines += ["", "## What each figure was made of", "", "| row | series | median (least to most) |", "|---|---|---|"]
    for row in rows:
        lines += [_markdown_line((row.operation, series.name, _shown(series, unit))) for series, unit in row.measured]
    if missing:
        lines += ["", "Not measured, because it was not there:", ""]
        lines += [f"- {name} (`{remedy}`)" for name, remedy in missing.items()]
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, str, str]:
    if row.aim is None:
        return _shown(row.figure, "×"), "", ""
    return _shown(row.figure, row.aim.unit), str(row.aim), "met" if is_met(row, row.aim) else "**missed**"


def is_met(row: Row, aim: Aim) -> bool:
    return aim.met(in_unit(row.figure, aim.unit).median)


def _shown(series: Series, unit: Unit) -> str:
    return spread(in_unit(series, unit), unit)


def _markdown_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
