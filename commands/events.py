"""``tfjsd events``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from . import render
from .output import json_text

if TYPE_CHECKING:
    from ..model_io.store import StoreEvent
    from .invocation import Invocation

_SHOWN = 40


def run(invocation: Invocation) -> int:
    """Prints events until interrupted."""
    output = invocation.output
    for event in invocation.store.events():
        if output.json:
            output.line(json_text({"type": event.type, "origin": event.origin, "data": dict(event.data)}))
        else:
            output.line(f"{output.paint(datetime.now().astimezone().strftime('%H:%M:%S'), 'dim')}  {described(event)}")
        output.stdout.flush()
    return 0


def described(event: StoreEvent) -> str:
    """An event in one line."""
    data = event.data
    if event.type == "model":
        return f"model    {data.get('action')} {render.printable(str(data.get('url')))}"
    if event.type != "storage":
        return f"{event.type}  {render.printable(json_text(dict(data)))}"
    if data.get("key") is None:
        return "storage  cleared"
    key = render.printable(str(data["key"]))
    if data.get("newValue") is None and "newValue" in data:
        return f"storage  removed {key}"
    return f"storage  set {key} = {_short(data.get('newValue'))}"


def _short(value: object) -> str:
    return "(large)" if value is None else render.shortened(render.printable(str(value)), _SHOWN)
