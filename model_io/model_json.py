"""``model.json``: the topology, the metadata, and the manifest that says where the weights are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidArtifactsError
from . import ecma_json

_ALWAYS = ("modelTopology", "format", "generatedBy", "convertedBy")
_UNLESS_NULL = ("signature", "userDefinedMetadata", "modelInitializer", "initializerSignature", "trainingConfig")
CORE_ORDER = ("modelTopology", "format", "generatedBy", "convertedBy", "weightsManifest", *_UNLESS_NULL)
"""Keys as ``getModelJSONForModelArtifacts`` writes them: http and downloads."""

NODE_ORDER = (
    "modelTopology", "weightsManifest", "format", "generatedBy", "convertedBy", "trainingConfig", "signature",
    "userDefinedMetadata", "modelInitializer", "initializerSignature",
)  # fmt: skip
"""Keys as tfjs-node's ``file://`` writes them; it drops the last two, which is a loss, so they follow its own."""


@dataclass(frozen=True, slots=True)
class WeightsGroup:
    """A group of a manifest: files, whose bytes one after the other are the weights' bytes."""

    paths: tuple[str, ...]
    weights: list[Any]


@dataclass(frozen=True, slots=True)
class ModelJSON:
    """A model.json that was read: canonical text of each field but the manifest, and the manifest's groups or None."""

    texts: Mapping[str, str]
    manifest: tuple[WeightsGroup, ...] | None

    @property
    def paths(self) -> list[str]:
        """All weight files, in the order of the bytes."""
        return [path for group in self.manifest or () for path in group.paths]

    @property
    def weight_specs(self) -> list[Any]:
        """The entries of all groups (``getWeightSpecs``)."""
        return get_weight_specs(self.manifest or ())

    def artifact_texts(self) -> dict[str, str]:
        """The texts that ``ModelArtifacts.from_texts`` takes: with ``weightSpecs`` where there is a manifest.

        As in ``getModelArtifactsForJSON``, null stays null only in the first four fields; elsewhere it is left out.
        """
        texts = {
            name: text
            for name, text in self.texts.items()
            if name in _ALWAYS or (name in _UNLESS_NULL and text != "null")
        }
        if self.manifest is not None:
            texts["weightSpecs"] = ecma_json.stringify(self.weight_specs)
        return texts


def get_weight_specs(manifest: Iterable[WeightsGroup]) -> list[Any]:
    """The weight entries of all groups, in order."""
    return [entry for group in manifest for entry in group.weights]


def parse_model_json(model_json: str | bytes | Mapping[str, Any]) -> ModelJSON:
    """Reads a model.json: its text, or the object that it parses to.

    Raises InvalidArtifactsError for what is no JSON object and for a malformed manifest.
    """
    text = ecma_json.stringify(model_json) if isinstance(model_json, Mapping) else model_json
    texts = ecma_json.canonical_members(text)
    manifest = ecma_json.parse(texts.pop("weightsManifest", "null"))
    return ModelJSON(texts, None if manifest is None else parse_manifest(manifest))


def parse_manifest(manifest: object) -> tuple[WeightsGroup, ...]:
    """The groups of a parsed ``weightsManifest``. Raises InvalidArtifactsError where it is malformed."""
    if not isinstance(manifest, list):
        raise InvalidArtifactsError(f"weightsManifest must be a list, not {type(manifest).__name__}")
    return tuple(_parse_group(group) for group in manifest)


def _parse_group(group: object) -> WeightsGroup:
    if not isinstance(group, dict):
        raise InvalidArtifactsError(f"a group of weightsManifest must be an object, not {type(group).__name__}")
    paths, weights = group.get("paths"), group.get("weights")
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise InvalidArtifactsError("paths of a weightsManifest group must be a list of strings")
    if weights is not None and not isinstance(weights, list):
        raise InvalidArtifactsError("weights of a weightsManifest group must be a list")
    return WeightsGroup(tuple(paths), weights or [])


def model_json_text(
    texts: Mapping[str, str], weight_paths: Sequence[str] | None, *, order: Sequence[str] = CORE_ORDER
) -> str:
    """A model.json of one group (None: without manifest), as TensorFlow.js writes it: canonical, nothing parsed.

    ``texts`` is what ``ModelArtifacts.texts`` gives. Format and origin of the model keep an explicit null; the metadata
    does not.
    """
    members = dict(texts)
    if weight_paths is not None:
        manifest = {"paths": ecma_json.stringify(list(weight_paths))}
        if "weightSpecs" in texts:
            manifest["weights"] = texts["weightSpecs"]
        members["weightsManifest"] = f"[{join_members(manifest)}]"
    present = {
        name: members[name]
        for name in order
        if name in members and not (name in _UNLESS_NULL and members[name] == "null")
    }
    return join_members(present)


def join_members(texts: Mapping[str, str]) -> str:
    """A JSON object of members whose values are JSON texts; names must not be integer-like."""
    return "{" + ",".join(f"{ecma_json.stringify(name)}:{text}" for name, text in texts.items()) + "}"
