"""What the user decided about a conflict: one that waits, or one whose other version was kept under another name."""

from __future__ import annotations

from ...errors import BadRequestError
from ...model_io.origin import Origin
from ...wire.sync_pair import Keep, SyncPair
from .memory import Memory
from .planning import Side


def resolve(pair: SyncPair, origin: Origin, memory: Memory, model: str, keep: Keep, waiting: bool) -> None:
    """Records the decision for a conflict that is ``waiting``; otherwise settles the model's conflict copies in the
    store, from where the next pass takes it. Raises BadRequestError where there is nothing to decide."""
    if waiting:
        memory.resolved[model] = keep
        return
    copies = memory.copies.get(model)
    if not copies:
        raise BadRequestError(f"'{model}' has no conflict", hint="tfjsd sync status names the conflicts")
    wanted: dict[Keep, Side] = {"dir": "directory", "store": "store"}
    stored = origin.models.list_models_text()
    present = [copy for copy in copies if f"{pair.prefix}{copy.name}" in stored]
    chosen = next((copy for copy in reversed(present) if keep != "both" and copy.side == wanted[keep]), None)
    for copy in present:
        url = f"{pair.prefix}{copy.name}"
        if copy is chosen:
            origin.models.move(url, f"{pair.prefix}{model}").result()
        elif keep != "both":
            origin.models.remove(url).result()
    del memory.copies[model]
