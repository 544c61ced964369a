"""``tfjsd list``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from . import listing, render
from .outcomes import info_document

if TYPE_CHECKING:
    from .invocation import Invocation
    from .listing import Row


def run(invocation: Invocation) -> int:
    """Lists the models of the origin, or of all."""
    arguments, now = invocation.arguments, datetime.now(UTC)
    tests = [listing.parse_filter(text, now) for text in arguments.texts("--filter")]
    limit = arguments.number("--limit")
    listing.sort_rows([], arguments.text("--sort"))  # a wrong key is a usage error before any work
    _check_format(arguments.text("--format"), now)

    everywhere = arguments.flag("--all-origins")
    rows = _rows(invocation, everywhere=everywhere)
    chosen = [row for row in listing.matching(rows, arguments.optional("PATTERN")) if all(t(row) for t in tests)]
    chosen = listing.sort_rows(chosen, arguments.text("--sort"))
    _show(invocation, chosen if limit is None else chosen[:limit], len(rows), now)
    if not rows and not everywhere:
        _mention_other_origins(invocation)
    return 0


def _check_format(form: str | None, now: datetime) -> None:
    if form not in (None, "table", "json"):
        listing.template_lines(form, [], now)


def _rows(invocation: Invocation, *, everywhere: bool) -> list[Row]:
    store = invocation.store
    if not everywhere:
        return [listing.Row(store.origin, url, info) for url, info in store.list_models().items()]
    return [
        listing.Row(origin, url, info)
        for origin in sorted(store.origins())
        for url, info in store.with_origin(origin).list_models().items()
    ]


def _show(invocation: Invocation, rows: list[Row], of: int, now: datetime) -> None:
    arguments, output = invocation.arguments, invocation.output
    form = arguments.text("--format") or "table"
    everywhere = arguments.flag("--all-origins")
    if output.json or form == "json":
        output.document(_document(rows, everywhere=everywhere))
    elif arguments.flag("--quiet"):
        for row in rows:
            text = f"{row.origin}\t{row.url}" if everywhere else row.url
            output.line(render.printable(text) if output.on_terminal else text)
    elif form == "table":
        _show_table(invocation, rows, of, now)
    else:
        for line in listing.template_lines(form, rows, now):
            output.line(line)


def _show_table(invocation: Invocation, rows: list[Row], of: int, now: datetime) -> None:
    arguments, output = invocation.arguments, invocation.output
    lines = listing.table_lines(
        rows,
        now,
        origins=arguments.flag("--all-origins"),
        fit=output.columns(),
        short=not arguments.flag("--no-trunc"),
    )
    output.table(lines)
    output.line(output.paint(listing.total_line(rows, of), "dim"))


def _document(rows: list[Row], *, everywhere: bool) -> object:
    """``{url: ModelArtifactsInfo}``, exactly what ``tf.io.listModels()`` has; by origin for all of them."""
    if not everywhere:
        return {row.url: info_document(row.info) for row in rows}
    document: dict[str, dict[str, object]] = {}
    for row in rows:
        document.setdefault(row.origin, {})[row.url] = info_document(row.info)
    return document


def _mention_other_origins(invocation: Invocation) -> None:
    store = invocation.store
    elsewhere = sum(usage.models or 0 for origin, usage in store.origins().items() if origin != store.origin)
    if elsewhere:
        text = f"{render.counted(elsewhere, 'model')} in other origins; see tfjsd list -A"
        invocation.output.note(text, also_json=True)
    elif invocation.output.on_terminal:
        invocation.output.note("no models yet; tfjsd copy ./my-model indexeddb://my-model stores one")
