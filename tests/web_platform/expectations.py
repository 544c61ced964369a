"""What is known of the web platform tests: ``results.json``, and how a run differs from it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from .run import FileResult

FILE: Final = Path(__file__).with_name("results.json")


@dataclass(frozen=True, slots=True)
class Expectations:
    """``files``: passed and total by file. ``failing``: why, by file and subtest; ``not_run``: why, and how many."""

    suite: str
    reasons: dict[str, str]
    files: dict[str, list[int]]
    failing: dict[str, dict[str, str]]
    not_run: dict[str, dict[str, Any]]

    @classmethod
    def load(cls) -> Expectations:
        return cls(**json.loads(FILE.read_text()))

    def save(self) -> None:
        """One line for each file, reason and so on."""
        sections = [f" {json.dumps(name)}: {_section(value)}" for name, value in asdict(self).items()]
        FILE.write_text("{\n" + ",\n".join(sections) + "\n}\n")

    @property
    def passed(self) -> int:
        return sum(passed for passed, _ in self.files.values())

    @property
    def total(self) -> int:
        """Of what is run."""
        return sum(total for _, total in self.files.values())

    @property
    def whole(self) -> int:
        """With what cannot be run."""
        return self.total + sum(entry["subtests"] for entry in self.not_run.values())

    def differences(self, result: FileResult) -> list[str]:
        """Subtests that fail and are not listed, and listed ones that pass: those are to be taken off the list."""
        listed = self.failing.get(result.address, {})
        return [
            *(f"fails: {name}: {said}" for name, said in result.subtests.items() if said and name not in listed),
            *(f"passes: {name}" for name in listed if result.subtests.get(name, "missing") is None),
        ]


def _section(value: Any) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    lines = [f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in value.items()]
    return "{\n" + ",\n".join(lines) + "\n }"
