"""How far each row is from its aim, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from row import Row, in_unit


def draw(rows: Sequence[Row], path: Path) -> None:
    """A bar for each row with an aim, its median by the aim on a logarithmic axis; the line is least to most."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    judged = [(row, row.aim) for row in rows if row.aim is not None]
    figure, axes = pyplot.subplots(figsize=(11, 0.42 * len(judged) + 1.4), layout="constrained")
    for place, (row, aim) in enumerate(reversed(judged)):
        series = in_unit(row.figure, aim.unit)
        strain = aim.strain(series.median)
        ends = sorted(aim.strain(end) for end in (min(series.samples), max(series.samples)))
        colour = "#2a7f62" if strain <= 1 else "#c4552d"
        axes.barh(place, strain, color=colour, height=0.62, left=0)
        axes.plot(ends, [place, place], color="#222222", linewidth=1)
        axes.text(max(strain, ends[1]) * 1.06, place, f"{strain:.2f}", va="center", fontsize=8)
    axes.axvline(1, color="#222222", linewidth=1.2, linestyle="--")
    axes.set_xscale("log")
    axes.set_yticks(range(len(judged)), [f"{row.operation}  {aim}" for row, aim in reversed(judged)], fontsize=8)
    axes.set_xlabel("measured / aim: left of the dashed line the aim is met (black: least to most)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.12)
    figure.savefig(path, dpi=110)
