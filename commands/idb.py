"""``tfjsd idb``: the IndexedDB databases of an origin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadRequestError, InvalidArtifactsError, NotFoundError
from . import render
from .arguments import Command, Example, Operand, Option
from .given_content import given_content

if TYPE_CHECKING:
    from .invocation import Invocation

_DB = Operand("DB", "the database's name")
_STORE = Operand("STORE", "the object store's name")
_KEY = Operand("KEY", "the key: JSON where it parses, else text")
_INDEX = Option("--index", "of this index, in its order", "INDEX")
_RANGE = Option("--range", "keys of an interval: '[1,5]', '(\"a\",null)'", "RANGE")


def _databases(invocation: Invocation) -> int:
    from . import idb_work

    found, output = invocation.store.run(idb_work.databases), invocation.output
    if output.json:
        output.document([{"name": name, "version": version} for name, version in found])
    elif invocation.arguments.flag("--quiet"):
        for name, _ in found:
            output.line(render.printable(name))
    else:
        columns = [render.Column("DATABASE"), render.Column("VERSION", right=True)]
        rows = [[render.printable(name), str(version)] for name, version in found]
        output.table(render.table(columns, rows, fit=output.columns()))
    return 0


def _stores(invocation: Invocation) -> int:
    from . import idb_work

    found, output = invocation.store.run(idb_work.stores, _operand(invocation, "DB")), invocation.output
    if output.json:
        output.document(found)
        return 0
    titles = ("STORE", "KEY PATH", "GENERATOR", "RECORDS", "INDEXES")
    columns = [render.Column(title, right=title == "RECORDS") for title in titles]
    output.table(render.table(columns, [_store_row(store) for store in found["stores"]], fit=output.columns()))
    return 0


def _store_row(store: dict[str, Any]) -> list[str]:
    return [
        render.printable(store["name"]),
        "-" if store["keyPath"] is None else _text(store["keyPath"]),
        "yes" if store["autoIncrement"] else "no",
        f"{store['records']:,}",
        ", ".join(render.printable(index["name"]) for index in store["indexes"]) or "-",
    ]


def _get(invocation: Invocation) -> int:
    from . import idb_work
    from .idb_arguments import key_of
    from .value_json import raw_bytes, value_json

    name, store, word = (_operand(invocation, operand) for operand in ("DB", "STORE", "KEY"))
    is_there, value = invocation.store.run(idb_work.get, name, store, key_of(word))
    if not is_there:
        raise NotFoundError(f"no record {word!r} in {store!r} of {name!r}")
    if not invocation.arguments.flag("--raw"):
        _write(invocation, (_text(value_json(value)) + "\n").encode("utf-8", "surrogatepass"), value_json(value))
        return 0
    data = raw_bytes(value)
    if data is None:
        raise InvalidArtifactsError("--raw is for binary values and text; this one is neither")
    _write(invocation, data, None)
    return 0


def _write(invocation: Invocation, data: bytes | memoryview, document: Any) -> None:
    """To the file of ``--output``, else to standard output."""
    target = invocation.arguments.text("--output")
    if target is not None:
        from .target_file import target_file

        with target_file(target) as file:
            file.write(data)
    elif invocation.output.json and not invocation.arguments.flag("--raw"):
        invocation.output.document(document)
    else:
        invocation.output.binary().write(data)


def _put(invocation: Invocation) -> int:
    from . import idb_work
    from .idb_arguments import key_of
    from .value_json import value_json

    name, store, word = (_operand(invocation, operand) for operand in ("DB", "STORE", "VALUE"))
    given = invocation.arguments.optional("KEY")
    value = _value(word, raw=invocation.arguments.flag("--raw"))
    key = invocation.store.run(idb_work.put, name, store, value, None if given is None else key_of(given))
    invocation.output.result(f"put {_text(value_json(key))}", {"key": value_json(key)})
    return 0


def _value(word: str, *, raw: bool) -> Any:
    """``-`` is standard input, ``@FILE`` a file; JSON as ``get`` prints it, or with ``raw`` bytes.

    Raises BadRequestError.
    """
    from ..wire.json_text import parse_json
    from .json_value import json_value

    if word == "-":
        data = given_content(word)
    elif word.startswith("@"):
        data = Path(word[1:]).read_bytes()
    else:
        data = word.encode("utf-8", "surrogatepass")
    if raw:
        return data
    try:
        content = parse_json(data)
    except BadRequestError as problem:
        hint = "text is written '\"text\"'; --raw stores the bytes as they are"
        raise BadRequestError("VALUE is no JSON", hint=hint) from problem
    return json_value(content)


def _count(invocation: Invocation) -> int:
    from . import idb_work
    from .idb_arguments import range_of

    arguments, output = invocation.arguments, invocation.output
    place = (_operand(invocation, "DB"), _operand(invocation, "STORE"))
    query = range_of(arguments.text("--range"))
    number = invocation.store.run(idb_work.count, *place, arguments.text("--index"), query)
    if output.json:
        output.document({"count": number})
    else:
        output.line(str(number))
    return 0


def _records(invocation: Invocation) -> int:
    from . import idb_work
    from .idb_arguments import range_of
    from .value_json import shown_json

    arguments, output = invocation.arguments, invocation.output
    place = (_operand(invocation, "DB"), _operand(invocation, "STORE"))
    index, query = arguments.text("--index"), range_of(arguments.text("--range"))
    found = invocation.store.run(idb_work.records, *place, index, query, arguments.number("--limit", least=1))
    if output.json:
        names = ("key", "primaryKey", "value")
        output.document([dict(zip(names, map(shown_json, record), strict=True)) for record in found])
        return 0
    titles = ("KEY", "VALUE") if index is None else ("KEY", "PRIMARY KEY", "VALUE")
    rows = [[_text(shown_json(item, brief=True)) for item in _shown(record, index)] for record in found]
    output.table(render.table([render.Column(title, flexible=True) for title in titles], rows, fit=output.columns()))
    return 0


def _shown(record: tuple[Any, Any, Any], index: str | None) -> tuple[Any, ...]:
    return record if index is not None else (record[0], record[2])


def _delete_database(invocation: Invocation) -> int:
    from . import idb_work

    name, origin = _operand(invocation, "DB"), invocation.store.origin
    if not invocation.confirm(f"delete the database {name!r} of {origin}?"):
        invocation.output.note("nothing was deleted")
        return 1

    def waits() -> None:
        invocation.output.note(f"waiting until those who have {name!r} open close it")

    version = invocation.store.run(idb_work.delete_database, name, waits)
    invocation.output.result(f"deleted {name!r}", {"name": name, "version": version})
    return 0


def _operand(invocation: Invocation, name: str) -> str:
    return invocation.arguments.operand(name)


def _text(value: Any) -> str:
    from .output import json_text

    return json_text(value)


COMMANDS = (
    Command(
        "idb",
        "look into the IndexedDB databases of an origin",
        description="Keys are JSON where they parse, else text: 7 is a number, seven and '\"7\"' are strings.",
        children=(
            Command(
                "databases", "print name and version of each", _databases, examples=(Example("tfjsd idb databases"),)
            ),
            Command(
                "stores",
                "print the object stores of a database, with their indexes",
                _stores,
                operands=(_DB,),
                examples=(Example("tfjsd idb stores shop"),),
            ),
            Command(
                "get",
                "print a value as JSON, or its bytes",
                _get,
                operands=(_DB, _STORE, _KEY),
                options=(
                    Option("--raw", "the bytes of a binary value, or the text itself"),
                    Option("--output", "to a file, replaced when it is whole", "FILE", short="-o", complete="file"),
                ),
                examples=(
                    Example("tfjsd idb get shop books 7"),
                    Example("tfjsd idb get shop covers 7 --raw -o cover.jpg"),
                ),
            ),
            Command(
                "put",
                "store a value; print its key",
                _put,
                operands=(
                    _DB,
                    _STORE,
                    Operand("VALUE", "JSON; - reads standard input, @FILE a file"),
                    Operand("KEY", "the key, where the store has no key path", "optional"),
                ),
                options=(Option("--raw", "the bytes themselves are the value"),),
                examples=(
                    Example("""tfjsd idb put shop books '{"isbn": 7, "title": "Sieben"}'"""),
                    Example("tfjsd idb put shop covers @cover.jpg 7 --raw"),
                ),
            ),
            Command(
                "count",
                "count records",
                _count,
                operands=(_DB, _STORE),
                options=(_INDEX, _RANGE),
                examples=(Example("tfjsd idb count shop books --range '[1,5)'"),),
            ),
            Command(
                "records",
                "print records in order",
                _records,
                operands=(_DB, _STORE),
                options=(_INDEX, _RANGE, Option("--limit", "at most so many", "N")),
                examples=(Example("tfjsd idb records shop books --index by_author --limit 10"),),
            ),
            Command(
                "delete-database",
                "delete a database once nobody has it open",
                _delete_database,
                operands=(_DB,),
                options=(Option("--yes", "do not ask", short="-y"),),
                examples=(Example("tfjsd idb delete-database shop"),),
            ),
        ),
        examples=(Example("tfjsd idb databases"), Example("tfjsd idb records shop books --limit 10")),
    ),
)
