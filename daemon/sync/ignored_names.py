"""Names in a directory that are nobody's model: what editors, rsync, browsers and this program write in passing."""

from __future__ import annotations

import re

_PASSING = re.compile(
    r"\..*"  # hidden: .git, .model.json.X8s7aK (rsync), .model.json.swp (vim), .tmp-… (ours), .#model.json (emacs)
    r"|.*~"  # backups
    r"|#.*#"  # emacs
    r"|4913"  # vim tries whether it may write
    r"|.*\.(?:tmp|temp|part|partial|crdownload|download|filepart|swp|swx|bak)"
    r"|.*___jb_(?:tmp|old)___"
    r"|(?:weights|group\d+-shard\d+of\d+|.*\.weights)\.[0-9a-f]{16}\.bin"  # a replacement's passing names
    r"|__MACOSX|Thumbs\.db|desktop\.ini",
    re.DOTALL,
)


def is_passing(name: str) -> bool:
    """Whether a file or directory of this name is left out."""
    return _PASSING.fullmatch(name) is not None


def objection(model: str) -> str | None:
    """Why no directory can hold a model of this path; None where one can."""
    try:
        encoded = [part.encode() for part in model.split("/")]
    except UnicodeEncodeError:
        return "its path holds a lone surrogate, which no file name can"
    if "\0" in model:
        return "its path holds a NUL, which no file name can"
    if any(part in (b"", b".", b"..") for part in encoded):
        return "its path has a component that no directory can have"
    if any(len(part) > 255 for part in encoded) or len(model) > 3000:
        return "its path is too long for a directory"
    if any(is_passing(part) or part == "model.json" for part in model.split("/")):
        return "its path has a component that is left out in directories"
    return None
