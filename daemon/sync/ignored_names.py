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

_KEPT_BESIDE = re.compile(
    r"\.#.*|.*~|#.*#|.*\.(?:sw[a-z]|bak)|.*___jb_(?:tmp|old)___"  # an editor's: they stay while it is open, or for ever
    r"|\.tmp-[0-9a-f]{16}"  # ours: what is written so comes into the model as one
)


def is_passing(name: str) -> bool:
    """Whether a file or directory of this name is left out."""
    return _PASSING.fullmatch(name) is not None


def is_on_its_way(name: str) -> bool:
    """Whether a file of this name may be about to get the name of another one: a passing name, and no editor's."""
    return is_passing(name) and _KEPT_BESIDE.fullmatch(name) is None


def may_become(name: str, target: str) -> bool:
    """Whether what ``is_on_its_way`` says by its name that it is to be ``target``: ``.NAME.X8s7aK`` (rsync),
    ``NAME.part``, ``.syncthing.NAME.tmp``, ``NAME.1a2b3c4d.partial`` (rclone)."""
    return re.search(rf"(?<![\w-]){re.escape(target)}(?!\w)", name) is not None


def objection(model: str) -> str | None:
    """Why no directory can hold a model of this path; None where one can."""
    try:
        encoded = [part.encode() for part in model.split("/")]
    except UnicodeEncodeError:
        return "its path is no UTF-8 text: a file name in another encoding, or a lone surrogate in a model's name"
    if "\0" in model:
        return "its path holds a NUL, which no file name can"
    if any(part in (b"", b".", b"..") for part in encoded):
        return "its path has a component that no directory can have"
    if any(len(part) > 255 for part in encoded) or len(model) > 3000:
        return "its path is too long for a directory"
    if any(is_passing(part) or part == "model.json" for part in model.split("/")):
        return "its path has a component that is left out in directories"
    return None
