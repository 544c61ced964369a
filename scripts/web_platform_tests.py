"""Runs the web platform tests of IndexedDB: ``python scripts/web_platform_tests.py DIR [--store memory] [PART …]``.

DIR is a checkout of github.com/web-platform-tests/wpt with at least ``IndexedDB``, ``resources``, ``interfaces`` and
``common``; Node runs the tests, their IndexedDB is the one of this package, in memory, on LevelDB or through a daemon.
PARTs choose files by a part of their name. Exits with 1 where a subtest fails that tests/web_platform/results.json does
not list, or one that it lists passes; ``--write`` writes the figures of that file anew and keeps its reasons.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from web_platform.expectations import Expectations  # noqa: E402
from web_platform.run import FileResult, addresses, run_file  # noqa: E402
from web_platform.stores import STORES  # noqa: E402


async def run(options: argparse.Namespace, expected: Expectations) -> list[FileResult]:
    results = []
    for address in addresses(options.directory):
        if address in expected.not_run or (options.parts and not any(part in address for part in options.parts)):
            continue
        async with STORES[options.store]() as factory:
            result = await run_file(options.directory, address, factory)
        results.append(result)
        print(f"{result.passed}/{len(result.subtests)} {address}", flush=True)
        for line in expected.differences(result):
            print(f"    {line}"[:1000])
    return results


def write(results: list[FileResult], expected: Expectations) -> None:
    files = {result.address: [result.passed, len(result.subtests)] for result in results}
    failing = {
        result.address: {
            name: expected.failing.get(result.address, {}).get(name, "")
            for name, problem in result.subtests.items()
            if problem is not None
        }
        for result in results
        if result.passed < len(result.subtests)
    }
    replace(expected, files=files, failing=failing).save()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--store", choices=STORES, default="memory")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_intermixed_args()
    expected = Expectations.load()
    results = asyncio.run(run(options, expected))
    passed, total = sum(result.passed for result in results), sum(len(result.subtests) for result in results)
    print(f"{passed} of {total} subtests of {len(results)} files pass; {expected.whole - expected.total} cannot be run")
    if options.write:
        write(results, expected)
    return 1 if any(expected.differences(result) for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
