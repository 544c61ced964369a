"""What a command reads: a file, or standard input."""

from __future__ import annotations

from pathlib import Path


def given_content(name: str) -> bytes:
    """All bytes of the file; of standard input for ``-``. Raises OSError that names it."""
    if name != "-":
        return Path(name).read_bytes()
    import sys

    return sys.stdin.buffer.read()
