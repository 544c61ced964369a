"""One line of the table: an operation, its aim, what was measured, and the peers beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from series import Series

Unit = Literal["ms", "µs", "×", "/s", "MB", "MiB"]
FACTORS: dict[Unit, float] = {"ms": 1e3, "µs": 1e6, "×": 1, "/s": 1, "MB": 1, "MiB": 1}


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should be at most, or at least, in ``unit``."""

    bound: float
    unit: Unit
    least: bool = False

    def met(self, value: float) -> bool:
        return value >= self.bound if self.least else value <= self.bound

    def strain(self, value: float) -> float:
        """1 on the aim, below it better, above it worse: what the plot shows."""
        return self.bound / value if self.least else value / self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.least else '≤'} {shown(self.bound, self.unit)}"


@dataclass(frozen=True, slots=True)
class Row:
    """``figure`` is what the aim judges, in the aim's unit: a ratio, a time, a rate or a size."""

    operation: str
    figure: Series
    aim: Aim | None
    measured: Sequence[tuple[Series, Unit]] = field(default=())
    """What the figure was made of, and the peers of the same run."""


def shown(value: float, unit: Unit) -> str:
    if unit == "/s":
        return f"{value:,.0f}/s"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f} {unit}"


def spread(series: Series, unit: Unit) -> str:
    """The median, and the least and most of the run."""
    low, high = min(series.samples), max(series.samples)
    text = shown(series.median, unit)
    if len(series.samples) == 1 or low == high:
        return text
    return f"{text} ({shown(low, unit).removesuffix(unit).strip()} to {shown(high, unit).removesuffix(unit).strip()})"


def each_in(unit: Unit, found: Mapping[str, Series]) -> list[tuple[Series, Unit]]:
    """All series of one interleaved run."""
    return [(series, unit) for series in found.values()]


def in_unit(series: Series, unit: Unit) -> Series:
    """Seconds as ``unit``; anything else as it is."""
    return series.scaled(FACTORS[unit])
