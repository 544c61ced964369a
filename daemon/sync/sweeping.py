"""What a killed replacement has left in the directory: temporary files and passing names that no model uses."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection
from pathlib import Path

from ...storage_backends import durable

ABANDONED_SECONDS = 3600.0
"""Another program of ours may be saving there just now; none takes that long between two of its steps."""
_LEFT = re.compile(re.escape(durable.TEMPORARY_PREFIX) + r"[0-9a-f]{16}|.+\.[0-9a-f]{16}\.bin")


def sweep(root: Path, used: Collection[str], *, older_than: float = ABANDONED_SECONDS) -> int:
    """Removes such files, unless a path of ``used`` (relative to ``root``) names them or they are young; how many.

    Only the names that ``replace_model`` gives are looked at. Raises OSError.
    """
    removed = 0
    for place, directories, files in os.walk(root):
        directories[:] = [name for name in directories if not os.path.islink(os.path.join(place, name))]
        for name in filter(_LEFT.fullmatch, files):
            path = Path(place, name)
            if os.path.relpath(path, root) not in used and time.time() - path.lstat().st_ctime > older_than:
                durable.unlink(path)
                removed += 1
    return removed
