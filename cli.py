"""The ``tfjsd`` command."""

from __future__ import annotations

import sys


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    print("tfjsd: no command in this version", file=sys.stderr)
    return 2
