"""The types that every handler passes on: ``ModelArtifacts``, ``ModelArtifactsInfo``, ``SaveResult``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..errors import InvalidArtifactsError
from ..storage_backends.abc import Buffer
from .absent import ABSENT as ABSENT
from .absent import Absent as Absent
from .artifacts_info import ModelArtifactsInfo as ModelArtifactsInfo
from .composite_buffer import CompositeBuffer, flat_view
from .io_utils import get_model_artifacts_info_for_json
from .json_field import JsonField

WIRE_NAMES = {
    "model_topology": "modelTopology",
    "format": "format",
    "generated_by": "generatedBy",
    "converted_by": "convertedBy",
    "training_config": "trainingConfig",
    "weight_specs": "weightSpecs",
    "signature": "signature",
    "user_defined_metadata": "userDefinedMetadata",
    "model_initializer": "modelInitializer",
    "initializer_signature": "initializerSignature",
}
"""Attribute to wire name, in the order of TensorFlow.js's ``getModelArtifactsForJSON``."""

_ATTRIBUTES = {wire: attribute for attribute, wire in WIRE_NAMES.items()}


@dataclass(frozen=True, slots=True)
class SaveResult:
    """What a save returns; ``responses`` are the server's, of an ``http(s)://`` save only."""

    model_artifacts_info: ModelArtifactsInfo
    responses: tuple[Any, ...] = ()


class ModelArtifacts:
    """A model as TensorFlow.js hands it from handler to handler: JSON fields and weight bytes.

    A field that is absent and one that is null both read as None; which of them it is, is kept and saved. A field given
    as JSON text is parsed when it is first read, and a save writes that text; once the object of an array or object
    field was handed out, a save writes the object, with whatever was changed in it.

    ``weight_data`` is a buffer, a list of buffers (shards), or None; it is never copied here. Pickling copies it.
    """

    __slots__ = ("_fields", "weight_data")

    def __init__(
        self,
        model_topology: object = ABSENT,
        weight_specs: object = ABSENT,
        weight_data: Buffer | Sequence[Buffer] | Absent | None = ABSENT,
        *,
        format: object = ABSENT,  # noqa: A002 (the field's name)
        generated_by: object = ABSENT,
        converted_by: object = ABSENT,
        training_config: object = ABSENT,
        signature: object = ABSENT,
        user_defined_metadata: object = ABSENT,
        model_initializer: object = ABSENT,
        initializer_signature: object = ABSENT,
    ) -> None:
        given = {
            "modelTopology": model_topology,
            "format": format,
            "generatedBy": generated_by,
            "convertedBy": converted_by,
            "trainingConfig": training_config,
            "weightSpecs": weight_specs,
            "signature": signature,
            "userDefinedMetadata": user_defined_metadata,
            "modelInitializer": model_initializer,
            "initializerSignature": initializer_signature,
        }
        self._fields = {wire: JsonField(value) for wire, value in given.items() if value is not ABSENT}
        self.weight_data = None if isinstance(weight_data, Absent) else _as_weight_data(weight_data)

    @classmethod
    def from_texts(
        cls, texts: Mapping[str, str], weight_data: Buffer | Sequence[Buffer] | None = None
    ) -> ModelArtifacts:
        """From canonical JSON text by wire name (``modelTopology``, …); other names are dropped, as tfjs drops them."""
        artifacts = cls(weight_data=weight_data)
        artifacts._fields = {wire: JsonField.of_text(texts[wire]) for wire in _ATTRIBUTES if wire in texts}
        return artifacts

    # -- Fields --------------------------------------------------------------------------------------------------------

    @property
    def model_topology(self) -> Any:
        """The architecture: an object, or bytes (a binary GraphDef, which no store takes)."""
        return self._read("modelTopology")

    @property
    def weight_specs(self) -> list[dict[str, Any]] | None:
        """Name, shape, dtype of each weight, in the order of the bytes."""
        return self._read("weightSpecs")  # type: ignore[no-any-return]

    @property
    def format(self) -> Any:
        """``layers-model`` or ``graph-model``."""
        return self._read("format")

    @property
    def generated_by(self) -> Any:
        return self._read("generatedBy")

    @property
    def converted_by(self) -> Any:
        return self._read("convertedBy")

    @property
    def training_config(self) -> Any:
        return self._read("trainingConfig")

    @property
    def signature(self) -> Any:
        return self._read("signature")

    @property
    def user_defined_metadata(self) -> Any:
        return self._read("userDefinedMetadata")

    @property
    def model_initializer(self) -> Any:
        return self._read("modelInitializer")

    @property
    def initializer_signature(self) -> Any:
        return self._read("initializerSignature")

    def has(self, wire_name: str) -> bool:
        """Whether the field is there, null included."""
        return wire_name in self._fields

    def text(self, wire_name: str) -> str | None:
        """Canonical JSON text of a field, ``"null"`` where it is null, None where it is absent."""
        field = self._fields.get(wire_name)
        return None if field is None else field.text()

    def texts(self) -> dict[str, str]:
        """Canonical JSON text of each present field, by wire name in the order of TensorFlow.js.

        Raises InvalidArtifactsError where a field cannot be JSON, a binary topology among them.
        """
        if self.has_binary_topology:
            raise InvalidArtifactsError("Expected JSON model topology, received ArrayBuffer.")
        return {wire: self._fields[wire].text() for wire in _ATTRIBUTES if wire in self._fields}

    @property
    def has_binary_topology(self) -> bool:
        field = self._fields.get("modelTopology")
        return field is not None and field.is_binary

    def replace(self, **fields: object) -> ModelArtifacts:
        """A copy with other values for some fields, by attribute name; ``ABSENT`` removes one. Weights are shared."""
        copy = ModelArtifacts()
        copy.weight_data = _as_weight_data(fields.pop("weight_data", self.weight_data))
        changed = {WIRE_NAMES[attribute]: value for attribute, value in fields.items()}
        kept = {wire: field.copy() for wire, field in self._fields.items() if wire not in changed}
        copy._fields = kept | {wire: JsonField(value) for wire, value in changed.items() if value is not ABSENT}
        return copy

    def _read(self, wire_name: str) -> Any:
        field = self._fields.get(wire_name)
        return None if field is None else field.value()

    # -- Weights and sizes ---------------------------------------------------------------------------------------------

    @property
    def weight_data_bytes(self) -> int | None:
        """Total bytes of the weights: 0 where there are none, None (JavaScript: undefined) for an empty list."""
        return 0 if self.weight_data is None else CompositeBuffer(self.weight_data).byte_length

    def joined_weight_data(self) -> memoryview | None:
        """The weights as one read-only buffer (copied only where there are several shards), or None."""
        return None if self.weight_data is None else CompositeBuffer(self.weight_data).join()

    def info(self, now: datetime | None = None) -> ModelArtifactsInfo:
        """The ``ModelArtifactsInfo`` that a save at ``now`` reports (``getModelArtifactsInfoForJSON``).

        Raises InvalidArtifactsError with tfjs's text for a binary topology.
        """
        return get_model_artifacts_info_for_json(self.texts(), self.weight_data_bytes, now)

    # -- Value semantics -----------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        """Same fields by canonical text (binary topologies by bytes), same weight bytes however they are split."""
        if not isinstance(other, ModelArtifacts):
            return NotImplemented
        return self._identity() == other._identity()

    __hash__ = None  # type: ignore[assignment]  # fields may change

    def _identity(self) -> tuple[object, ...]:
        fields = {wire: field.value() if field.is_binary else field.text() for wire, field in self._fields.items()}
        return fields, self.weight_data is None, self.joined_weight_data()

    def __repr__(self) -> str:
        return f"<ModelArtifacts {', '.join(self._fields)}; {self.weight_data_bytes} weight bytes>"

    def __getstate__(self) -> dict[str, Any]:
        data = self.weight_data
        copied = data if data is None else [bytes(part) for part in data] if isinstance(data, list) else bytes(data)
        return {"fields": self._fields, "weight_data": copied}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._fields = state["fields"]
        self.weight_data = _as_weight_data(state["weight_data"])


def _as_weight_data(data: Any) -> memoryview | list[memoryview] | None:
    if data is None:
        return None
    if isinstance(data, list | tuple):
        return [flat_view(part) for part in data]
    return flat_view(data)
