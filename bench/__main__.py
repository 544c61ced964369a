"""tfjsd beside the limit of the machine and its peers, in one run: ``scripts/bench [ROWS…]``.

    scripts/bench                       all rows; the table on the terminal
    scripts/bench saving loading        some of them
    scripts/bench --write               also docs/performance.md's table and its plot

Every operation takes its turn in each round, so that a slow moment of the machine meets all of them; figures are the
medians of the rounds, in brackets the least and the most; a ratio is that of each round. Nothing here needs a network.
What the machine lacks is named at the end.
"""

from __future__ import annotations

import argparse
import importlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import machine
import plot
import report
from row import Row
from workbench import Workbench

ROWS = ("saving", "loading", "copying", "listing", "items", "command", "memory", "tensorflowjs", "emulations")
DOCS = Path(__file__).resolve().parent.parent / "docs"
MARK = "<!-- measured by scripts/bench --write; what stands below is written by it -->\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.partition("\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROWS", help="any of: " + ", ".join(ROWS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()), help="on the disk that counts")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and its plot (all rows)")
    arguments = parser.parse_args()
    if unknown := set(arguments.rows) - set(ROWS):
        parser.error(f"no such rows: {', '.join(sorted(unknown))} (there are {', '.join(ROWS)})")
    if arguments.write and arguments.rows:
        parser.error("--write wants all rows")
    os.environ.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # as it is installed: compiled modules are kept, none anew each time
    description = machine.described(arguments.directory)
    print("\n".join(description), end="\n\n")
    workbench = Workbench(arguments.directory, arguments.rounds)
    rows = measure(workbench, arguments.rows or ROWS)
    for name, remedy in workbench.missing.items():
        print(f"not measured: {name} ({remedy})")
    if arguments.write:
        write(rows, description, workbench)


def measure(workbench: Workbench, names: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    for name in names:
        for row in importlib.import_module(f"rows.{name}").rows(workbench):
            print(report.line(row), *report.details(row), sep="\n", flush=True)
            rows.append(row)
    return rows


def write(rows: list[Row], description: list[str], workbench: Workbench) -> None:
    page = DOCS / "performance.md"
    introduction = page.read_text().partition(MARK)[0]
    machine_lines = "\n".join(f"- {line}" for line in description)
    table = report.markdown(rows, workbench.missing)
    heading = (
        f"## Measured\n\n{machine_lines}\n- {workbench.rounds} rounds\n\n![measured by aim](images/performance.png)"
    )
    page.write_text(f"{introduction}{MARK}\n{heading}\n\n{table}\n")
    plot.draw(rows, DOCS / "images" / "performance.png")


if __name__ == "__main__":
    main()
