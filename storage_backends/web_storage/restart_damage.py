"""What a restart of the browser does to keys with lone surrogates.

Chromium keeps every key. WebKit and Firefox store keys as UTF-8, which has no form for a lone surrogate: WebKit writes
U+FFFD, Firefox leaves the conversion to SQLite, which takes any surrogate and the unit after it for a pair. Values are
kept exactly by all. A home of tfjsd never does this to anybody's data; it is here for simulated browsers.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import unpack

from ..browsers import Browser
from .operations import Operation, RemoveItem, SetItem
from .text import normalize

_REPLACEMENT = "\ufffd"


def key_after_restart(browser: Browser, key: str) -> str:
    """The key that a restarted browser has in place of ``key``."""
    if browser.engine == "webkit":
        return "".join(_REPLACEMENT if "\ud800" <= unit <= "\udfff" else unit for unit in key)
    if browser.engine == "firefox":
        return _through_sqlite(key)
    return key


def damage(browser: Browser, items: Sequence[tuple[str, str]]) -> list[Operation]:
    """What turns an area with ``items``, in the order in which they were written, into what is left after a restart.

    Keys that become the same merge: the item that was written last wins.
    """
    changed = [(key, key_after_restart(browser, key), value) for key, value in items]
    broken = {key for key, after, _ in changed if key != after}
    if not broken:
        return []
    merged = {after for key, after, _ in changed if key in broken}
    operations: list[Operation] = [RemoveItem(key) for key in sorted(broken)]
    return operations + [SetItem(after, value) for key, after, value in changed if after in merged]


def _through_sqlite(key: str) -> str:
    """UTF-16 to UTF-8 and back as sqlite3VdbeMemTranslate does it (READ_UTF16LE, WRITE_UTF8, READ_UTF8 of utf.c)."""
    units = _code_units(key)
    points: list[int] = []
    position = 0
    while position < len(units):
        point = units[position]
        position += 1
        if 0xD800 <= point < 0xE000 and position < len(units):
            second = units[position]
            position += 1
            point = (second & 0x3FF) + ((point & 0x3F) << 10) + (((point & 0x3C0) + 0x40) << 10)
        points.append(point)
    return "".join(map(_read_back, points))


def _read_back(point: int) -> str:
    is_no_character = 0xD800 <= point < 0xE000 or point & ~1 == 0xFFFE
    return _REPLACEMENT if is_no_character else chr(point)


def _code_units(text: str) -> tuple[int, ...]:
    _, encoded = normalize(text)
    assert isinstance(encoded.data, bytes)
    return unpack(f"<{encoded.units}{'BH'[encoded.width - 1]}", encoded.data)
