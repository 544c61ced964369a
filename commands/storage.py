"""``tfjsd storage``: the localStorage of an origin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InvalidArtifactsError, NotFoundError
from . import render
from .arguments import Command, Example, Operand, Option
from .given_content import given_content

if TYPE_CHECKING:
    from .invocation import Invocation

_KEY = Operand("KEY", "the key, any text", complete="key")


def _get(invocation: Invocation) -> int:
    key = invocation.arguments.operand("KEY")
    value = _existing(invocation, key)
    output = invocation.output
    if output.json:
        output.document({"key": key, "value": value})
    elif output.on_terminal:
        output.line("\n".join(render.printable(line) for line in value.split("\n")))
    else:
        _write_exactly(invocation, value)
    return 0


def _existing(invocation: Invocation, key: str) -> str:
    value = invocation.store.local_storage().get_item(key)
    if value is None:
        where = f"localStorage of {invocation.store.origin}"
        raise NotFoundError(f"no item {key!r} in {where}", hint="tfjsd storage keys shows what there is")
    return value


def _write_exactly(invocation: Invocation, value: str) -> None:
    invocation.output.binary().write(value.encode("utf-8", "surrogatepass"))


def _set(invocation: Invocation) -> int:
    key, word = invocation.arguments.operand("KEY"), invocation.arguments.operand("VALUE")
    invocation.store.local_storage().set_item(key, _value(word))
    invocation.output.result(f"set {key!r}", {"key": key})
    return 0


def _value(word: str) -> str:
    """The value itself, ``-`` for standard input, ``@FILE`` for a file's text, ``@@…`` for a value that starts so."""
    if word == "-":
        return _decoded(given_content(word), "standard input")
    if word.startswith("@@"):
        return word[1:]
    if word.startswith("@"):
        return _decoded(Path(word[1:]).read_bytes(), word[1:])
    return word


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise InvalidArtifactsError(
            f"{name} is not UTF-8 at byte {error.start}", hint="localStorage holds text; encode bytes as base64"
        ) from error


def _remove(invocation: Invocation) -> int:
    key = invocation.arguments.operand("KEY")
    _existing(invocation, key)
    invocation.store.local_storage().remove_item(key)
    invocation.output.result(f"removed {key!r}", {"key": key})
    return 0


def _clear(invocation: Invocation) -> int:
    area, origin = invocation.store.local_storage(), invocation.store.origin
    count = len(area)
    if count and not invocation.confirm(f"remove {render.counted(count, 'item')} from localStorage of {origin}?"):
        invocation.output.note("nothing was removed")
        return 1
    area.clear()
    invocation.output.result(f"removed {render.counted(count, 'item')}", {"removed": count})
    return 0


def _keys(invocation: Invocation) -> int:
    keys, output = list(invocation.store.local_storage()), invocation.output
    if output.json:
        output.document(keys)
        return 0
    for key in keys:
        output.line(render.printable(key) if output.on_terminal else key)
    return 0


def _usage(invocation: Invocation) -> int:
    from .origins import storage_usage

    return storage_usage(invocation)


def _export(invocation: Invocation) -> int:
    items = dict(invocation.store.local_storage().items())
    target = invocation.arguments.optional("FILE") or "-"
    if target == "-":
        invocation.output.document(items)
        return 0
    from .output import json_text
    from .target_file import target_file

    with target_file(target) as file:
        file.write(json_text(items, indent=2).encode("utf-8", "surrogatepass") + b"\n")
    invocation.output.result(f"exported {render.counted(len(items), 'item')} to {target!r}", {"exported": len(items)})
    return 0


def _import(invocation: Invocation) -> int:
    from ..wire.json_text import parse_json

    name = invocation.arguments.operand("FILE")
    items = parse_json(given_content(name))
    if not isinstance(items, dict) or not all(isinstance(value, str) for value in items.values()):
        raise InvalidArtifactsError(f"{name} is not a JSON object of strings", hint="tfjsd storage export writes one")
    invocation.store.local_storage().update(items)
    invocation.output.result(f"imported {render.counted(len(items), 'item')}", {"imported": len(items)})
    return 0


COMMANDS = (
    Command(
        "storage",
        "read and change the localStorage of an origin",
        description="Values and keys are text, kept to the UTF-16 code unit. The origin is that of --origin.",
        children=(
            Command(
                "get",
                "print an item's value, exactly; a newline follows only on a terminal",
                _get,
                operands=(_KEY,),
                examples=(Example("tfjsd storage get theme"), Example("tfjsd storage get settings > settings.json")),
            ),
            Command(
                "set",
                "set an item",
                _set,
                operands=(
                    _KEY,
                    Operand(
                        "VALUE", "the value; - reads standard input, @FILE a file, @@… is a value that starts with @"
                    ),
                ),
                examples=(
                    Example("tfjsd storage set theme dark"),
                    Example("tfjsd storage set settings @settings.json", "a file's text"),
                    Example("tfjsd storage set -- -key -value", "what starts with a dash"),
                ),
            ),
            Command(
                "remove",
                "remove an item",
                _remove,
                aliases=("rm",),
                operands=(_KEY,),
                examples=(Example("tfjsd storage remove theme"),),
            ),
            Command(
                "clear",
                "remove every item, the models of localstorage:// among them",
                _clear,
                options=(Option("--yes", "do not ask", short="-y"),),
                examples=(Example("tfjsd storage clear --origin https://app.example"),),
            ),
            Command("keys", "print the keys in the browser's order", _keys, examples=(Example("tfjsd storage keys"),)),
            Command("usage", "print how much of the quota is used", _usage, examples=(Example("tfjsd storage usage"),)),
            Command(
                "export",
                "write every item as one JSON object",
                _export,
                operands=(Operand("FILE", "where to; standard output without it", "optional", complete="file"),),
                examples=(Example("tfjsd storage export items.json"),),
            ),
            Command(
                "import",
                "set every item of a JSON object, all or none",
                _import,
                operands=(Operand("FILE", "what export wrote; - is standard input", complete="file"),),
                description="Items with other keys stay.",
                examples=(
                    Example("tfjsd storage import items.json"),
                    Example("tfjsd storage export | tfjsd storage import - --origin https://other.example"),
                ),
            ),
        ),
        examples=(Example("tfjsd storage set theme dark"), Example("tfjsd storage export items.json")),
    ),
)
