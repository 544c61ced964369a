"""What a database should do, in dicts: stores, indexes, key generators, transactions."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tfjsd.storage_backends.indexed_db.key_coding import encode_key

Outcome = tuple[str, Any]
"""("ok", result) or ("error", name)."""


class Operation(NamedTuple):
    """A request. ``prevented``: its failure does not abort the transaction."""

    kind: str
    store: str
    one: Any = None
    other: Any = None
    prevented: bool = False


@dataclass
class IndexModel:
    path: str
    multi: bool
    unique: bool

    def keys(self, value: Any) -> set[bytes]:
        item = value.get(self.path)
        items = item if self.multi and isinstance(item, list) else [item]
        return {encode_key(part) for part in items if part is not None}


@dataclass
class StoreModel:
    """Records by encoded key; keys are the generator's or the caller's."""

    records: dict[bytes, tuple[Any, Any]] = field(default_factory=dict)
    indexes: dict[str, IndexModel] = field(default_factory=dict)
    next: int = 1

    def entries(self, index: str) -> list[tuple[bytes, bytes]]:
        found = self.indexes[index]
        return sorted((key, primary) for primary, (_, value) in self.records.items() for key in found.keys(value))

    def conflicts(self, index: IndexModel, primary: bytes, value: Any) -> bool:
        mine = index.keys(value)
        return any(other != primary and mine & index.keys(theirs) for other, (_, theirs) in self.records.items())

    def can_index(self, index: IndexModel) -> bool:
        return not index.unique or not any(
            self.conflicts(index, key, value) for key, (_, value) in self.records.items()
        )

    def carry_out(self, operation: Operation) -> Outcome:
        """Nothing is changed where it fails."""
        result: Outcome = getattr(self, f"_{operation.kind}")(operation.one, operation.other)
        return result

    def _put(self, key: Any, value: Any) -> Outcome:
        return self._store(key, value)

    def _add(self, key: Any, value: Any) -> Outcome:
        if encode_key(key) in self.records:
            return "error", "ConstraintError"
        return self._store(key, value)

    def _generate(self, _key: Any, value: Any) -> Outcome:
        return self._add(self.next, value)

    def _store(self, key: Any, value: Any) -> Outcome:
        encoded = encode_key(key)
        if any(index.unique and self.conflicts(index, encoded, value) for index in self.indexes.values()):
            return "error", "ConstraintError"
        self.records[encoded] = (key, value)
        if isinstance(key, int | float):
            self.next = max(self.next, int(key // 1) + 1)
        return "ok", key

    def _delete(self, key: Any, _other: Any) -> Outcome:
        self.records.pop(encode_key(key), None)
        return "ok", None

    def _delete_range(self, one: Any, other: Any) -> Outcome:
        low, high = sorted((encode_key(one), encode_key(other)))
        self.records = {key: record for key, record in self.records.items() if not low <= key <= high}
        return "ok", None

    def _clear(self, _one: Any, _other: Any) -> Outcome:
        self.records = {}
        return "ok", None

    def _get(self, key: Any, _other: Any) -> Outcome:
        return "ok", self.records.get(encode_key(key), (None, None))[1]

    def _get_all(self, direction: str, count: int) -> Outcome:
        values = [value for _, (_, value) in sorted(self.records.items(), reverse=direction == "prev")]
        return "ok", values[: count or None]

    def _index_keys(self, index: str, direction: str) -> Outcome:
        entries = self.entries(index)
        if direction.endswith("unique"):
            entries = [
                min(entry for entry in entries if entry[0] == key) for key in sorted({key for key, _ in entries})
            ]
        if direction.startswith("prev"):
            entries.reverse()
        return "ok", [self.records[primary][0] for _, primary in entries]


@dataclass
class DatabaseModel:
    version: int = 1
    stores: dict[str, StoreModel] = field(default_factory=dict)

    def copy(self) -> DatabaseModel:
        return copy.deepcopy(self)

    def run(self, operations: list[Operation]) -> tuple[list[Outcome], bool]:
        """Carries a transaction out in place: what each request ends with, and whether the transaction can commit."""
        outcomes: list[Outcome] = []
        for operation in operations:
            outcome = self.stores[operation.store].carry_out(operation)
            outcomes.append(outcome)
            if outcome[0] == "error" and not operation.prevented:
                aborted = [("error", "AbortError")] * (len(operations) - len(outcomes))
                return [*outcomes, *aborted], False
        return outcomes, True

    def next_numbers(self) -> dict[str, int]:
        return {name: store.next for name, store in self.stores.items()}

    def shown(self) -> dict[str, Any]:
        """As ``machine.shown_database`` shows the real one."""
        return {
            name: [
                [[key, value] for _, (key, value) in sorted(store.records.items())],
                {index: store.entries(index) for index in sorted(store.indexes)},
            ]
            for name, store in sorted(self.stores.items())
        }
