"""What the user decided about a conflict: one that waits, or one whose other version was kept under another name."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import BadRequestError
from ...model_io.origin import Origin
from ...wire.sync_pair import Keep, SyncPair
from .conflict_copies import Copies, FiledCopies, StoredCopies
from .discards import Discards
from .memory import ConflictCopy, Memory
from .planning import Decision, Dispute, Side

_SIDES: dict[Keep, Side] = {"dir": "directory", "store": "store"}


def decide(memory: Memory, model: str, keep: Keep, dispute: Dispute) -> None:
    """Records the decision about a conflict that waits, for the next pass to carry out."""
    memory.resolved[model] = Decision(keep, dispute)


def settle_copies(pair: SyncPair, origin: Origin, memory: Memory, discards: Discards, model: str, keep: Keep) -> None:
    """Gives the model's name to the version of the side ``keep`` and drops its conflict copies, or takes them off the
    list (``both``). It is done where the pair writes, the other side follows in the next pass.

    Raises BadRequestError where there is nothing to decide, and any other of the tree.
    """
    sides = _written(pair, origin, memory, discards)
    present = [
        (copy, side)
        for copy in memory.copies.get(model, ())
        if (side := next((side for side in sides if side.holds(copy.name)), None)) is not None
    ]
    if not present:
        raise BadRequestError(f"'{model}' has no conflict", hint="tfjsd sync status names the conflicts")
    chosen = _chosen([copy for copy, _ in present], keep)
    for copy, side in present if keep != "both" else ():
        # The other side's deletion has been asked for, however many there are.
        if (digest := memory.base.get(copy.name)) is not None:
            memory.approved.add((copy.name, digest))
        if copy is chosen:
            side.promote(copy.name, model)
        else:
            side.drop(copy.name)
    del memory.copies[model]


def _written(pair: SyncPair, origin: Origin, memory: Memory, discards: Discards) -> list[Copies]:
    """The sides that the pair may write to. A copy that both hold goes from the store, where that is one commit."""
    sides = list[Copies]()
    if pair.direction != "out":
        sides.append(StoredCopies(pair, origin))
    if pair.direction != "in":
        sides.append(FiledCopies(pair, memory, discards))
    return sides


def _chosen(copies: Sequence[ConflictCopy], keep: Keep) -> ConflictCopy | None:
    """The copy that gets the name. The last one is that of the last conflict's loser; where the other side is wanted,
    the name is its already."""
    return copies[-1] if keep != "both" and copies[-1].side == _SIDES[keep] else None
