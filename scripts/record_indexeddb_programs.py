"""Records what real browsers make of random IndexedDB programs: ``python scripts/record_indexeddb_programs.py``.

Writes tests/golden/chromium-programs.json, chromium-wide-programs.json, firefox-programs.json and webkit-programs.json,
which the ordinary tests replay. With names of engines (``chromium``, ``firefox``, ``webkit``) only theirs.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from idb_support.chromium import page  # noqa: E402
from idb_support.live_page import LivePage  # noqa: E402
from idb_support.other_browsers import MAKERS, NAMES, is_silent, program_for  # noqa: E402
from idb_support.random_programs import ProgramMaker, WideProgramMaker  # noqa: E402
from idb_support.refusal_programs import PROGRAMS as REFUSALS  # noqa: E402

FILES = {"chromium-programs.json": (ProgramMaker, 100), "chromium-wide-programs.json": (WideProgramMaker, 40)}

SEEDS = range(30)
"""Of each maker, in the other browsers."""


async def record_chromium(name: str, maker: type[ProgramMaker], count: int) -> None:
    programs = [maker(seed).make() for seed in range(count)]
    async with page() as browser:
        results = await browser.play(programs)
        version = await browser.evaluate("navigator.userAgent")
    lines = [json.dumps({"steps": steps, "results": found}) for steps, found in zip(programs, results, strict=True)]
    path = ROOT / "tests" / "golden" / name
    path.write_text('{"browser": ' + json.dumps(version) + ', "programs": [\n' + ",\n".join(lines) + "\n]}\n")
    print(f"{count} programs of {version}: {path.stat().st_size} bytes")


def record_other(engine: str) -> None:
    lines, silent = [], 0
    with LivePage(engine) as page:
        for maker, seeds in {**dict.fromkeys(MAKERS, SEEDS), "refusals": range(len(REFUSALS))}.items():
            for seed in seeds:
                results = page.play(program_for(engine, maker, seed))
                if is_silent(results):
                    silent += 1
                else:
                    lines.append(json.dumps({"maker": maker, "seed": seed, "results": results}))
    path = ROOT / "tests" / "golden" / f"{engine}-programs.json"
    path.write_text('{"programs": [\n' + ",\n".join(lines) + "\n]}\n")
    print(f"{len(lines)} programs of {engine}, and {silent} without an end: {path.stat().st_size} bytes")


async def main() -> None:
    wanted = sys.argv[1:] or ["chromium", *NAMES]
    if "chromium" in wanted:
        for name, (maker, count) in FILES.items():
            await record_chromium(name, maker, count)
    for engine in NAMES:
        if engine in wanted:
            record_other(engine)


if __name__ == "__main__":
    asyncio.run(main())
