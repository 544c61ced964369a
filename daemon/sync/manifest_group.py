"""One group of a weights manifest, and what it holds of a version that comes from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...model_io import ecma_json
from ...model_io.composite_buffer import CompositeBuffer
from ...model_io.confined_directory import components
from ...model_io.model_json import join_members
from ...model_io.shards import DEFAULT_SHARD_BYTES
from ...model_io.weight_specs import byte_ranges, parse_weight_specs

_PASSING = re.compile(r"\.[0-9a-f]{16}(?=\.bin$)")
_SHARD = re.compile(r"(?P<stem>(?:.*/)?group\d+-shard)(?P<number>\d+)of(?P<shards>\d+)\.bin", re.DOTALL)
_OF_TFJS = frozenset({"paths", "weights"})


@dataclass(frozen=True, slots=True)
class GroupLayout:
    """The files of a group, below the model's directory, with their sizes; the names of its weights; the texts of the
    members that TensorFlow.js does not have."""

    paths: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    weights: frozenset[str] = frozenset()
    others: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, group: Mapping[str, Any], sizes: Sequence[int]) -> GroupLayout:
        """That of a group that was read; a replacement that was killed may have left its files passing names."""
        return cls(
            tuple(_PASSING.sub("", "/".join(components(path))) for path in group["paths"]),
            tuple(sizes),
            frozenset(entry["name"] for entry in group.get("weights") or ()),
            tuple((name, ecma_json.stringify(value)) for name, value in group.items() if name not in _OF_TFJS),
        )

    @classmethod
    def joined(cls, groups: Sequence[GroupLayout]) -> GroupLayout:
        """One group of the files of all."""
        return cls(
            tuple(path for group in groups for path in group.paths),
            tuple(size for group in groups for size in group.sizes),
            others=groups[0].others if groups else (),
        )

    def files(self, size: int, default: str) -> Iterator[tuple[str, int]]:
        """The files for ``size`` bytes: shards as large as they were, or the same files with the rest in the last one,
        or ``default`` where there were none."""
        stem = self._shard_stem()
        if not size:
            return
        if stem is None:
            yield from _filled(self.paths or (default,), self.sizes or (size,), size)
            return
        least = DEFAULT_SHARD_BYTES if len(self.sizes) == 1 else 1
        starts = range(0, size, max(self.sizes[0], least))
        for number, start in enumerate(starts, 1):
            yield f"{stem}{number}of{len(starts)}.bin", min(starts.step, size - start)

    def _shard_stem(self) -> str | None:
        """What the names of all files begin with, where they are all shards of one group."""
        found = [match for path in self.paths if (match := _SHARD.fullmatch(path))]
        stems = {match["stem"] for match in found}
        numbers = [(int(match["number"]), int(match["shards"])) for match in found]
        are_all = numbers == [(number, len(self.paths)) for number in range(1, len(self.paths) + 1)]
        return stems.pop() if are_all and len(stems) == 1 else None


def _filled(paths: Sequence[str], sizes: Sequence[int], total: int) -> Iterator[tuple[str, int]]:
    left = total
    for number, (path, size) in enumerate(zip(paths, sizes, strict=True), 1):
        part = left if number == len(paths) else min(size, left)
        yield path, part
        left -= part


@dataclass(frozen=True, slots=True)
class GroupContent:
    """The specs and the number of bytes that a group holds from now on."""

    layout: GroupLayout
    specs: Sequence[Any]
    size: int

    def text(self, paths: Iterable[str]) -> str:
        """The group in the manifest's JSON."""
        members = {"paths": ecma_json.stringify(list(paths)), "weights": ecma_json.stringify(list(self.specs))}
        return join_members(members | dict(self.layout.others))


def divided(groups: Sequence[GroupLayout], specs: Sequence[Any], weights: CompositeBuffer) -> list[GroupContent]:
    """The weights among the groups that had them; a new one goes to the group of the one before it. Where they are
    in another order now, one group has all."""
    parts = _in_groups(groups, specs) if len(groups) > 1 else None
    if parts is None:
        return [GroupContent(GroupLayout.joined(groups), specs, weights.byte_length or 0)]
    sizes = iter([end - start for _, start, end in byte_ranges(parse_weight_specs(specs), weights)])
    return [
        GroupContent(group, part, sum(next(sizes) for _ in part)) for group, part in zip(groups, parts, strict=True)
    ]


def _in_groups(groups: Sequence[GroupLayout], specs: Sequence[Any]) -> list[list[Any]] | None:
    homes = {name: number for number, group in enumerate(groups) for name in group.weights}
    parts: list[list[Any]] = [[] for _ in groups]
    latest = 0
    for spec in specs:
        home = homes.get(spec["name"], latest)
        if home < latest:
            return None
        parts[home].append(spec)
        latest = home
    return parts
