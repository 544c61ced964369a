"""``origins``, ``quota``, ``estimate``: what each origin uses of what it may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import render
from .arguments import Command, Example, Option

if TYPE_CHECKING:
    from ..model_io.store import StorageEstimate
    from .invocation import Invocation
    from .output import Output

_BAR = 20
_COLUMNS = (
    render.Column("ORIGIN", flexible=True),
    render.Column("MODELS", right=True),
    render.Column("LOCALSTORAGE", right=True),
    render.Column("INDEXEDDB", right=True),
    render.Column("USED", right=True),
    render.Column("LIMIT", right=True),
)


def _origins(invocation: Invocation) -> int:
    output, estimates = invocation.output, invocation.store.origins()
    if output.json:
        output.document({origin: _origin_document(estimate) for origin, estimate in estimates.items()})
    elif invocation.arguments.flag("--quiet"):
        for origin in estimates:
            output.line(origin)
    else:
        bars = [render.Column("")] if output.on_terminal else []
        rows = [_row(origin, estimate, output) for origin, estimate in estimates.items()]
        output.table(render.table([*_COLUMNS, *bars], rows, fit=output.columns()))
        if not estimates:
            output.note("no origin holds anything yet")
    return 0


def _origin_document(estimate: StorageEstimate) -> dict[str, object]:
    return {"models": estimate.models, **estimate_document(estimate)}


def _row(origin: str, estimate: StorageEstimate, output: Output) -> list[str]:
    details = estimate.usage_details
    cells = [
        origin,
        "-" if estimate.models is None else f"{estimate.models:,}",
        render.size(details.get("localStorage", 0)),
        render.size(details.get("indexedDB", 0)),
        render.size(estimate.usage),
        render.size(estimate.quota),
    ]
    return [*cells, gauge(estimate.usage, estimate.quota)] if output.on_terminal else cells


def _quota(invocation: Invocation) -> int:
    output, store = invocation.output, invocation.store
    estimate = store.estimate()
    area = local_storage_usage(invocation)
    if output.json:
        output.document({"origin": store.origin, "localStorage": area, "bucket": estimate_document(estimate)})
        return 0
    output.line(output.paint(store.origin, "bold"))
    bucket = f"{render.size(estimate.usage)} of {render.size(estimate.quota)}"
    texts = [("localStorage", *_amounts(area)), ("all stores", bucket, estimate.usage, estimate.quota)]
    columns = max(len(text) for _, text, *_ in texts) if output.on_terminal else 0
    for name, text, used, limit in texts:
        output.line(f"  {name:14}{_with_gauge(text.ljust(columns), used, limit, output)}")
    return 0


def _estimate(invocation: Invocation) -> int:
    output, estimate = invocation.output, invocation.store.estimate()
    if output.json:
        output.document(estimate_document(estimate))
        return 0
    used = f"{render.size(estimate.usage)} of {render.size(estimate.quota)}"
    output.line(_with_gauge(used, estimate.usage, estimate.quota, output))
    details = estimate.usage_details
    # Chrome and Firefox give localStorage a limit of its own and leave it out here.
    apart = " (counted apart)" if sum(details.values()) > estimate.usage else ""
    for name, count in details.items():
        output.line(f"  {name:14}{render.size(count)}{apart if name == 'localStorage' else ''}")
    return 0


def storage_usage(invocation: Invocation) -> int:
    """``tfjsd storage usage``."""
    area = local_storage_usage(invocation)
    if invocation.output.json:
        invocation.output.document(area)
    else:
        text, used, limit = _amounts(area)
        invocation.output.line(_with_gauge(text, used, limit, invocation.output))
    return 0


def local_storage_usage(invocation: Invocation) -> dict[str, object]:
    """What the origin's localStorage uses, its limit (None where there is none) and their unit."""
    from ..storage_backends.browsers import browser_named

    store = invocation.store
    estimate, browser = store.estimate(), browser_named(store.status()["browser"])
    return {
        "used": estimate.local_storage_units,
        "limit": estimate.local_storage_quota,
        "unit": browser.web_storage.unit,
    }


def estimate_document(estimate: StorageEstimate) -> dict[str, object]:
    """As ``navigator.storage.estimate()`` has it."""
    return {"usage": estimate.usage, "quota": estimate.quota, "usageDetails": dict(estimate.usage_details)}


def _amounts(area: dict[str, object]) -> tuple[str, int, int | None]:
    used, limit, unit = area["used"], area["limit"], str(area["unit"])
    assert isinstance(used, int)
    if not isinstance(limit, int):
        return f"{render.amount(used, unit)}, no limit", used, None
    return f"{used:,} of {render.amount(limit, unit)}", used, limit


def _with_gauge(text: str, used: int, limit: int | None, output: Output) -> str:
    return text if limit is None or not output.on_terminal else f"{text}  {gauge(used, limit)}"


def gauge(used: int, limit: int) -> str:
    """A bar and its percentage."""
    fraction = used / limit if limit else 1.0
    return f"{render.bar(fraction, _BAR)} {render.percent(fraction)}"


COMMANDS = (
    Command(
        "origins",
        "list the origins that hold something, with what they use",
        _origins,
        options=(Option("--quiet", "names only, one per line", short="-q"),),
        description="On a terminal with a bar for what is used of each origin's limit.",
        examples=(Example("tfjsd origins"), Example("tfjsd origins --json | jq 'map_values(.usage)'")),
    ),
    Command(
        "quota",
        "show what the origin may store: localStorage's limit and that of all its stores",
        _quota,
        description="localStorage counts as the simulated browser does: UTF-16 code units, or bytes in Safari.",
        examples=(Example("tfjsd quota"), Example("tfjsd quota --origin https://app.example")),
    ),
    Command(
        "estimate",
        "what navigator.storage.estimate() says in the origin",
        _estimate,
        examples=(Example("tfjsd estimate"), Example("tfjsd estimate --json")),
    ),
)
