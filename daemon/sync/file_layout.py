"""How the files of one model are laid out: what a version that comes from elsewhere is written as.

A model that is replaced keeps its manifest's groups, the files of each group with their names and sub-directories, the
size of its shards, and what its JSON has beyond the members that TensorFlow.js knows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ...model_io import ecma_json
from ...model_io.composite_buffer import CompositeBuffer
from ...model_io.model_directory import MODEL_JSON, WeightFile
from ...model_io.model_json import CORE_ORDER, NODE_ORDER, model_json_text
from .manifest_group import GroupContent, GroupLayout, divided

_NO_MEMBERS = frozenset({"weightSpecs", "weightData"})  # of a model.json; names of what is written otherwise


@dataclass(frozen=True, slots=True)
class Arrangement:
    """``model_json`` gives the JSON whose manifest names the ``files``, in their order, as it is told to."""

    files: list[WeightFile]
    model_json: Callable[[Sequence[str]], bytes]


@dataclass(frozen=True, slots=True)
class FileLayout:
    """``members``: the texts of the JSON file's members as they stood there, ``lead``: what the manifest's paths begin
    with besides (``./``)."""

    json_name: str
    members: Mapping[str, str]
    groups: tuple[GroupLayout, ...]
    lead: str

    @classmethod
    def new(cls, json_name: str) -> FileLayout:
        """That of a model that was not there yet."""
        return cls(json_name, {}, (), "" if json_name == MODEL_JSON else "./")

    @classmethod
    def of(cls, json_name: str, document: bytes, sizes: Sequence[int]) -> FileLayout:
        """That of a model that was read, whose weight files have these ``sizes``."""
        members, left = ecma_json.canonical_members(document), list(sizes)
        groups, paths = list[GroupLayout](), list[str]()
        for group in ecma_json.parse(members.get("weightsManifest", "null")) or ():
            count = len(group["paths"])
            groups.append(GroupLayout.of(group, left[:count]))
            paths += group["paths"]
            del left[:count]
        layout = cls.new(json_name)
        lead = ("./" if paths[0].startswith("./") else "") if paths else layout.lead
        kept = {name: text for name, text in members.items() if name not in _NO_MEMBERS}
        return replace(layout, members=kept, groups=tuple(groups), lead=lead)

    def renamed(self, json_name: str) -> FileLayout:
        """The same for another JSON file; the weights of a download bear its name, and so get new ones."""
        return self if json_name == self.json_name else replace(FileLayout.new(json_name), members=self.members)

    def with_own_files(self) -> FileLayout:
        """The same with weights in one file of the usual name."""
        return replace(self, groups=())

    def arrange(self, texts: Mapping[str, str], weights: memoryview) -> Arrangement:
        """``texts`` and ``weights`` of a model, whose specs and bytes agree, as files."""
        whole = CompositeBuffer(weights)
        groups = divided(self.groups, ecma_json.parse(texts.get("weightSpecs", "null")) or [], whole)
        files, counts, start = list[WeightFile](), list[int](), 0
        for number, group in enumerate(groups, 1):
            named = list(group.layout.files(group.size, self._default_file(number)))
            counts.append(len(named))
            for name, size in named:
                files.append(WeightFile(name, whole.views(start, start + size)))
                start += size
        if self.groups and len({self.json_name, *(file.name for file in files)}) <= len(files):
            return self.with_own_files().arrange(texts, weights)
        return Arrangement(files, self._model_json(texts, groups, counts))

    def _default_file(self, group: int) -> str:
        if group > 1:
            return f"group{group}-shard1of1.bin"
        return "weights.bin" if self.json_name == MODEL_JSON else f"{self.json_name.removesuffix('.json')}.weights.bin"

    def _model_json(
        self, texts: Mapping[str, str], groups: Sequence[GroupContent], counts: Collection[int]
    ) -> Callable[[Sequence[str]], bytes]:
        usual = NODE_ORDER if self.json_name == MODEL_JSON else CORE_ORDER
        others = {name: text for name, text in self.members.items() if name not in usual}
        order = [*self.members, *(name for name in usual if name not in self.members)]

        def text(names: Sequence[str]) -> bytes:
            paths = iter([f"{self.lead}{name}" for name in names])
            manifest = [
                group.text(next(paths) for _ in range(count)) for group, count in zip(groups, counts, strict=True)
            ]
            given = {**others, **texts}
            if "weightSpecs" in texts:
                given["weightsManifest"] = f"[{','.join(manifest)}]"
            return model_json_text(given, None, order=order).encode()

        return text
