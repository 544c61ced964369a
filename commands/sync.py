"""``sync``: directories that the daemon keeps equal with its stores."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from ..errors import AccessDeniedError, StoreFailedError, SyncError, SyncPairNotFoundError
from . import render
from .arguments import Command, Example, Operand, Option, UsageError
from .sync_report import done_lines, failed_report, pair_lines, pair_row, pair_table

if TYPE_CHECKING:
    from ..client.sync_pairs import SyncPairs
    from .invocation import Invocation

_DIRECTIONS = ("both", "in", "out")
_ON_CONFLICT = ("newest", "dir", "store", "keep-both", "fail")
_KEEP = ("dir", "store", "both")
_OF_ONE_PAIR = (SyncError, SyncPairNotFoundError, StoreFailedError, AccessDeniedError)


def _pairs(invocation: Invocation) -> SyncPairs:
    return invocation.store.sync_pairs()


def _name(invocation: Invocation) -> str:
    return invocation.arguments.operand("ID")


def _add(invocation: Invocation) -> int:
    arguments, output = invocation.arguments, invocation.output
    status = _pairs(invocation).add(
        os.path.abspath(arguments.operand("DIR")),
        arguments.operand("URL-PREFIX"),
        name=arguments.text("--name"),
        direction=cast(Any, arguments.text("--direction")),
        include=arguments.texts("--include") or None,
        exclude=arguments.texts("--exclude") or None,
        on_conflict=cast(Any, arguments.text("--on-conflict")),
    )
    output.result(f"'{status['directory']}' and '{status['prefix']}' are kept equal as '{status['name']}'", status)
    if status.get("created", False):  # an older daemon does not say
        undo = f"if that is a slip: tfjsd sync remove {status['name']}"
        output.note(f"'{status['directory']}' was not there and has been created; {undo}")
    if invocation.store.status()["autostarted"]:
        output.note("as long as the daemon runs; tfjsd service install starts it with your session")
    return 0


def _list(invocation: Invocation) -> int:
    pairs, output = _pairs(invocation).list(), invocation.output
    if output.json:
        output.document(pairs)
    elif invocation.arguments.flag("--quiet"):
        for name in pairs:
            output.line(name)
    else:
        output.table(pair_table([pair_row(name, status) for name, status in pairs.items()], output.columns()))
        if not pairs:
            output.note("there are no sync pairs; tfjsd sync add DIR URL-PREFIX makes one")
    return 0


def _show(invocation: Invocation) -> int:
    return _tell(invocation, {_name(invocation): _status_of(invocation, _name(invocation))}, alone=True)


def _status(invocation: Invocation) -> int:
    return _tell(invocation, _pairs(invocation).list(), alone=False)


def _status_of(invocation: Invocation, name: str) -> dict[str, Any]:
    pairs = _pairs(invocation).list()
    if name not in pairs:
        raise SyncPairNotFoundError(f"There is no sync pair '{name}'.", hint="tfjsd sync list shows them")
    return pairs[name]


def _tell(invocation: Invocation, pairs: dict[str, dict[str, Any]], *, alone: bool) -> int:
    output = invocation.output
    if output.json:
        output.document(next(iter(pairs.values())) if alone else pairs)
        return 0
    for name, status in pairs.items():
        for line in pair_lines(name, status, output):
            output.line(line)
    if not pairs:
        output.note("there are no sync pairs; tfjsd sync add DIR URL-PREFIX makes one")
    return 0


def _pause(invocation: Invocation) -> int:
    return _answered(invocation, _pairs(invocation).pause(_name(invocation)), "paused")


def _resume(invocation: Invocation) -> int:
    return _answered(invocation, _pairs(invocation).resume(_name(invocation)), "resumed")


def _remove(invocation: Invocation) -> int:
    return _answered(invocation, _pairs(invocation).remove(_name(invocation)), "forgot")


def _answered(invocation: Invocation, status: dict[str, Any], what: str) -> int:
    invocation.output.result(f"{what} '{status['name']}'", status)
    return 0


def _once(invocation: Invocation) -> int:
    pairs, output = _pairs(invocation), invocation.output
    given, dry_run = invocation.arguments.optional("ID"), invocation.arguments.flag("--dry-run")
    reports, failed = dict[str, dict[str, Any]](), False
    for name in [given] if given is not None else pairs.list():
        try:
            reports[name] = pairs.once(name, dry_run=dry_run)
        except _OF_ONE_PAIR as error:  # the others have their turn all the same
            if given is not None:
                raise
            failed = True
            reports[name] = failed_report(name, error)
            output.error(error, about=name)
            continue
        if not output.json:
            for line in done_lines(reports[name], dry_run=dry_run):
                output.line(line)
    if output.json:
        output.document(reports)
    return 1 if failed or not (dry_run or all(report["clean"] for report in reports.values())) else 0


def _approve(invocation: Invocation) -> int:
    if not invocation.arguments.flag("--deletions"):
        raise UsageError("say what is approved: --deletions")
    count = _pairs(invocation).approve_deletions(_name(invocation))
    text = f"approved {render.counted(count, 'deletion')} of '{_name(invocation)}'"
    invocation.output.result(text, {"approved": count})
    return 0


def _resolve(invocation: Invocation) -> int:
    keep = invocation.arguments.text("--keep")
    if keep is None:
        raise UsageError("say which version stays: --keep dir, store or both")
    model = invocation.arguments.operand("MODEL")
    status = _pairs(invocation).resolve(_name(invocation), model, cast(Any, keep))
    return _answered(invocation, status, f"resolved {model!r} of")


_ID = Operand("ID", "the pair's name")

COMMANDS = (
    Command(
        "sync",
        "keep directories and stores equal",
        description="A directory of models and the models below a URL prefix, both ways, live and after a restart.",
        examples=(Example("tfjsd sync add ./models indexeddb://"), Example("tfjsd sync status")),
        children=(
            Command(
                "add",
                "keep a directory equal with a part of the store, from now on",
                _add,
                operands=(
                    Operand("DIR", "the directory; created where it is missing", complete="directory"),
                    Operand("URL-PREFIX", "where its models are: indexeddb:// or localstorage://team/", complete="url"),
                ),
                options=(
                    Option("--name", "the pair's name; otherwise the directory's", "ID"),
                    Option("--direction", "both ways, or only into or out of the store", "WAY", choices=_DIRECTIONS),
                    Option("--include", "only models whose relative path fits", "GLOB", repeat=True),
                    Option("--exclude", "but none that fits this", "GLOB", repeat=True),
                    Option("--on-conflict", "who keeps the name where both changed", "RULE", choices=_ON_CONFLICT),
                ),
                description="Every directory below DIR with a model.json is a model; its relative path is its name.",
                examples=(
                    Example("tfjsd sync add ./models indexeddb://"),
                    Example("tfjsd sync add ./export localstorage://team/ --name team --direction in"),
                ),
            ),
            Command(
                "list",
                "list the pairs",
                _list,
                options=(Option("--quiet", "names only, one per line", short="-q"),),
                examples=(Example("tfjsd sync list"),),
            ),
            Command("show", "show one pair", _show, operands=(_ID,), examples=(Example("tfjsd sync show models"),)),
            Command(
                "status",
                "show what each pair is doing, and what waits for a hand",
                _status,
                examples=(Example("tfjsd sync status"), Example("tfjsd sync status --json | jq 'map_values(.state)'")),
            ),
            Command(
                "pause",
                "leave both sides alone",
                _pause,
                operands=(_ID,),
                examples=(Example("tfjsd sync pause models"),),
            ),
            Command("resume", "go on", _resume, operands=(_ID,), examples=(Example("tfjsd sync resume models"),)),
            Command(
                "remove",
                "forget a pair; both sides keep what they hold",
                _remove,
                operands=(_ID,),
                examples=(Example("tfjsd sync remove models"),),
            ),
            Command(
                "once",
                "make a pass now, or show what it would do",
                _once,
                operands=(Operand("ID", "one pair; all without it", "optional"),),
                options=(Option("--dry-run", "change nothing, show the plan"),),
                description="Exits 1 where something is left that waits for a hand.",
                examples=(Example("tfjsd sync once"), Example("tfjsd sync once models --dry-run")),
            ),
            Command(
                "approve",
                "let deletions pass that are held because they are many",
                _approve,
                operands=(_ID,),
                options=(Option("--deletions", "those that sync status shows now"),),
                examples=(Example("tfjsd sync approve models --deletions"),),
            ),
            Command(
                "resolve",
                "decide a conflict",
                _resolve,
                operands=(_ID, Operand("MODEL", "the model's relative path")),
                options=(
                    Option("--keep", "which version keeps the name; both: keep the copy too", "SIDE", choices=_KEEP),
                ),
                description="The other version is dropped. Also for a conflict that has left a copy behind.",
                examples=(Example("tfjsd sync resolve models mnist --keep store"),),
            ),
        ),
    ),
)
