"""``list``, ``show``, ``copy``, ``move``, ``remove``: TensorFlow.js's model management on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import Command, Example, Operand, Option

if TYPE_CHECKING:
    from .invocation import Invocation

_GLOB = Option("--glob", "take each model URL as a shell pattern; without it names are verbatim")
_INTO = Option("--into", "put each model under this prefix, by its own name", "URL-PREFIX", complete="url")
_NO_CLOBBER = Option("--no-clobber", "fail where the destination exists, instead of replacing it", short="-n")
_TRANSFER_DESCRIPTION = """\
SOURCE and DEST are model URLs (localstorage://, indexeddb://, file://, downloads://, http://, https://) or paths.
A directory as SOURCE means its model.json. A path as DEST is a directory that gets model.json and weights.bin;
missing parents are made. - is a tar of model.json and weights.bin on standard input or output."""


def _list(invocation: Invocation) -> int:
    from .list_models import run

    return run(invocation)


def _show(invocation: Invocation) -> int:
    from .show_model import run

    return run(invocation)


def _copy(invocation: Invocation) -> int:
    from .transfer import copy

    return copy(invocation)


def _move(invocation: Invocation) -> int:
    from .transfer import move

    return move(invocation)


def _remove(invocation: Invocation) -> int:
    from .remove_models import run

    return run(invocation)


COMMANDS = (
    Command(
        "list",
        "list the stored models",
        _list,
        aliases=("ls",),
        operands=(Operand("PATTERN", "a shell pattern, or part of a URL", "optional", complete="url"),),
        options=(
            Option("--all-origins", "the models of every origin", short="-A"),
            Option("--sort", "size, saved or url; :desc for the reverse", "KEY[:desc]"),
            Option("--filter", "such as 'size>1MB', 'age<2d', 'medium=indexeddb'", "EXPRESSION", repeat=True),
            Option("--limit", "at most this many", "N"),
            Option("--no-trunc", "do not shorten long URLs on a narrow terminal"),
            Option("--quiet", "URLs only, one per line", short="-q"),
            Option("--format", "table, json, or a template such as '{url} {size}'", "FORMAT"),
        ),
        description="""\
Fields of --filter and of a template: url, medium, path, origin, type, size, topology, specs, weights, saved, age.
In a template {size} is "4.1 MB" and {size:d} the number of bytes. Several --filter must all hold.""",
        examples=(
            Example("tfjsd list"),
            Example("tfjsd list 'indexeddb://*' --sort size:desc --limit 10", "the ten largest in IndexedDB"),
            Example("tfjsd list --filter 'size>1MB' --filter 'age<2d'", "large and new"),
            Example("tfjsd list --json | jq -r keys[]", "for programs: what tf.io.listModels() returns"),
            Example(r"tfjsd list --format '{url}\t{weights:d}'", "one line per model, bytes as they are"),
            Example("tfjsd list -A -q", "URLs of every origin"),
        ),
    ),
    Command(
        "show",
        "show a model's layers, parameters, dtypes, sizes and metadata",
        _show,
        operands=(Operand("URL", "a model's URL, a path, or - for a tar on standard input", complete="url"),),
        examples=(
            Example("tfjsd show indexeddb://mnist"),
            Example("tfjsd show ./my-model", "a directory with a model.json"),
            Example("tfjsd show --json indexeddb://mnist | jq .parameters"),
        ),
    ),
    Command(
        "copy",
        "copy models within the store, into it and out of it",
        _copy,
        aliases=("cp",),
        operands=(
            Operand("SOURCE", "a model's URL, a path, or -", "some", complete="url"),
            Operand("DEST", "where to; not given with --into", "optional", complete="url"),
        ),
        options=(
            _INTO,
            _GLOB,
            _NO_CLOBBER,
            Option("--from-origin", "read from this origin's stores", "ORIGIN", complete="origin"),
            Option("--to-origin", "write to this origin's stores", "ORIGIN", complete="origin"),
            Option("--method", "HTTP method of a copy to http:// (default POST)", "METHOD"),
            Option("--header", "HTTP header of a copy from or to http://", "KEY:VALUE", repeat=True),
            Option("--weight-path-prefix", "where the weight files of an http:// model are", "PREFIX"),
            Option(
                "--weights-manifest", "SOURCE is a topology file, this its weights manifest", "FILE", complete="file"
            ),
            Option("--shard-size", "write weights in files of at most this size, e.g. 4MB", "SIZE"),
            Option("--drop-optimizer", "leave out the optimizer's weights and the training configuration"),
            Option("--downloads-dir", "where downloads:// writes (default: here)", "DIR", complete="directory"),
        ),
        description=_TRANSFER_DESCRIPTION,
        examples=(
            Example("tfjsd copy ./my-model indexeddb://mnist", "from disk into the store"),
            Example("tfjsd copy indexeddb://mnist localstorage://mnist"),
            Example(
                "tfjsd copy indexeddb://mnist ./out --shard-size 4MB", "to disk, as tfjs-node or the converter write it"
            ),
            Example("tfjsd copy 'indexeddb://*' --glob --into ./backup"),
            Example("tfjsd copy indexeddb://mnist - | ssh host tfjsd copy - indexeddb://mnist", "to another machine"),
            Example("tfjsd copy https://example.com/mnist/model.json indexeddb://mnist"),
            Example("tfjsd copy indexeddb://mnist https://example.com/upload --header 'Authorization: Bearer …'"),
            Example("tfjsd copy --to-origin https://app.example indexeddb://mnist indexeddb://mnist"),
        ),
    ),
    Command(
        "move",
        "move models: a model is never in neither place",
        _move,
        aliases=("mv",),
        operands=(
            Operand("SOURCE", "a stored model's URL", "some", complete="url"),
            Operand("DEST", "where to; not given with --into", "optional", complete="url"),
        ),
        options=(_INTO, _GLOB, _NO_CLOBBER),
        description="""\
Within an origin a move is one atomic step. Out of the store, the model is saved at DEST before it is removed.
Files and http:// cannot be moved from: use copy.""",
        examples=(
            Example("tfjsd move localstorage://mnist indexeddb://mnist"),
            Example(
                "tfjsd move 'localstorage://*' --glob --into indexeddb://", "everything from one medium to the other"
            ),
            Example("tfjsd move indexeddb://mnist ./mnist", "to disk"),
        ),
    ),
    Command(
        "remove",
        "remove models",
        _remove,
        aliases=("rm",),
        operands=(Operand("URL", "a stored model's URL", "some", complete="url"),),
        options=(
            _GLOB,
            Option("--yes", "do not ask", short="-y"),
            Option("--dry-run", "say what would be removed, remove nothing"),
            Option("--ignore-missing", "a model that is not there is no failure"),
        ),
        description="On a terminal it asks before it removes several models.",
        examples=(
            Example("tfjsd remove indexeddb://mnist"),
            Example("tfjsd remove --glob 'indexeddb://old-*' --dry-run", "look first"),
            Example("tfjsd remove --ignore-missing localstorage://a indexeddb://b"),
        ),
    ),
)
