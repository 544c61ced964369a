"""A ``config.toml``, and where in it each setting stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ConfigurationError
from .configuration_keys import KEY_OF, TABLES
from .setting_values import MistakenTableError, suggestion


class Setting(NamedTuple):
    """A value and where it comes from (``--flag``, a variable, ``file:line``, ``default``)."""

    value: Any
    source: str


def settings_of(file: Path, mistaken: Callable[[ConfigurationError], None]) -> dict[str, Setting]:
    """What the file says; nothing where it does not exist. ``mistaken`` is told each mistake, with its line: where it
    does not raise, the file says nothing there."""
    try:
        text = _text(file)
        content = _content(file, text)
    except ConfigurationError as error:
        mistaken(error)
        return {}
    settings = {}
    for name, value in _flat(content):
        try:
            settings[name] = _setting(file, text, name, value)
        except ConfigurationError as error:
            mistaken(error)
    return settings


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}") from error


def _content(file: Path, text: str) -> dict[str, Any]:
    if not text:
        return {}
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: {error}") from error


def _flat(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if name in TABLES and isinstance(value, dict):
            yield from ((f"{name}.{inner}", item) for inner, item in value.items())
        else:
            yield name, value


def _setting(file: Path, text: str, name: str, value: object) -> Setting:
    where = f"{file}:{_line_of(text, name)}"
    if name not in KEY_OF:
        raise ConfigurationError(f"{where}: unknown key {name!r}{suggestion(name, (*KEY_OF, *TABLES))}")
    try:
        return Setting(KEY_OF[name].value_of(value, f"{where}: {name}"), where)
    except ConfigurationError as error:
        if isinstance(mistake := error.__cause__, MistakenTableError):
            where = f"{file}:{_line_in_table(text, name, mistake)}"
            raise ConfigurationError(f"{where}: {name}: {mistake}", hint=mistake.hint) from mistake
        raise


def _line_in_table(text: str, name: str, mistake: MistakenTableError) -> int:
    lines = text.splitlines()
    headers = [number for number, line in enumerate(lines, 1) if re.match(rf"\s*\[\[\s*{re.escape(name)}\s*\]\]", line)]
    if mistake.number >= len(headers):  # written in another form
        return _line_of(text, name)
    first, end = headers[mistake.number], [*headers, len(lines) + 1][mistake.number + 1]
    member = re.compile(rf"""\s*["']?{re.escape(mistake.member)}["']?\s*=""")
    return next((number for number in range(first, end) if member.match(lines[number - 1])), first)


def _line_of(text: str, name: str) -> int:
    table, _, last = name.rpartition(".")
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[{1,2}\s*([^\]]+?)\s*\]", line):
            current = header[1]
        if current == table and re.match(rf"""\s*["']?{re.escape(last)}["']?\s*=""", line):
            return number
        if not current and re.match(rf"\s*{re.escape(name)}\s*=", line):
            return number
        if current == name:
            return number
    return 1
