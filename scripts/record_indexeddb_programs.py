"""Records what a real Chromium makes of random IndexedDB programs: ``python scripts/record_indexeddb_programs.py``.

Writes tests/golden/chromium-programs.json and chromium-wide-programs.json, which the ordinary tests replay.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from idb_support.chromium import page  # noqa: E402
from idb_support.random_programs import ProgramMaker, WideProgramMaker  # noqa: E402

FILES = {"chromium-programs.json": (ProgramMaker, 100), "chromium-wide-programs.json": (WideProgramMaker, 40)}


async def record(name: str, maker: type[ProgramMaker], count: int) -> None:
    programs = [maker(seed).make() for seed in range(count)]
    async with page() as browser:
        results = await browser.play(programs)
        version = await browser.evaluate("navigator.userAgent")
    lines = [json.dumps({"steps": steps, "results": found}) for steps, found in zip(programs, results, strict=True)]
    path = ROOT / "tests" / "golden" / name
    path.write_text('{"browser": ' + json.dumps(version) + ', "programs": [\n' + ",\n".join(lines) + "\n]}\n")
    print(f"{count} programs of {version}: {path.stat().st_size} bytes")


async def main() -> None:
    for name, (maker, count) in FILES.items():
        await record(name, maker, count)


if __name__ == "__main__":
    asyncio.run(main())
