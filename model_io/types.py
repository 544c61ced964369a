"""The types that every handler passes on: ``ModelArtifacts``, ``ModelArtifactsInfo``, ``SaveResult``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..errors import InvalidArtifactsError
from ..storage_backends.abc import Buffer
from . import ecma_json
from .absent import ABSENT as ABSENT
from .absent import Absent as Absent
from .artifacts_info import ModelArtifactsInfo as ModelArtifactsInfo
from .composite_buffer import CompositeBuffer, flat_view
from .io_utils import get_model_artifacts_info_for_json
from .json_field import JsonField
from .model_json import NODE_ORDER, ModelJSON, model_json_text, parse_model_json
from .multipart import encode_multipart, model_parts
from .shards import split
from .weight_specs import check_weights

if TYPE_CHECKING:
    from .arrays import Weights

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

    ``weight_data`` is a buffer, or None; a list of buffers (shards) that was given as such stays one. Handlers and
    ``from_weights`` may hold several pieces: they are joined when ``weight_data`` is first read, and not for a save.
    Nothing else copies it but pickling.
    """

    __slots__ = ("_fields", "_weight_data")

    def __init__(
        self,
        model_topology: object = ABSENT,
        weight_specs: object = ABSENT,
        weight_data: Buffer | Sequence[Buffer] | CompositeBuffer | Absent | None = ABSENT,
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
        self._weight_data = None if isinstance(weight_data, Absent) else _as_weight_data(weight_data)

    @classmethod
    def from_texts(
        cls, texts: Mapping[str, str], weight_data: Buffer | Sequence[Buffer] | CompositeBuffer | None = None
    ) -> ModelArtifacts:
        """From canonical JSON text by wire name (``modelTopology``, …); other names are dropped, as tfjs drops them."""
        artifacts = cls(weight_data=weight_data)
        artifacts._fields = {wire: JsonField.of_text(texts[wire]) for wire in _ATTRIBUTES if wire in texts}
        return artifacts

    @classmethod
    def from_weights(
        cls, topology: object, weights: Mapping[str, Any] | Iterable[tuple[str, Any]], **fields: object
    ) -> ModelArtifacts:
        """A model of a topology and numpy arrays (float32, int32, bool, complex64, str or bytes), in their order.

        ``fields`` are the other fields by attribute name. The arrays' memory is referred to, not copied: leave it as it
        is until the model is saved. Raises InvalidArtifactsError with tfjs's text for another dtype.
        """
        from .arrays import encode_weights

        pieces, weight_specs = encode_weights(weights)
        return cls(topology, weight_specs, CompositeBuffer(pieces), **fields)

    @classmethod
    def from_model_json(
        cls,
        model_json: str | bytes | Mapping[str, Any],
        weights: Buffer | Sequence[Buffer] | Mapping[str, Buffer] | None = None,
    ) -> ModelArtifacts:
        """From a model.json (text or object) and its weights: all bytes, the shards in order, or shards by path.

        Raises InvalidArtifactsError for a model.json that is none, for a missing shard, and for weights that have
        other bytes than the manifest says.
        """
        parsed = parse_model_json(model_json)
        if parsed.manifest is not None and weights is None:
            raise InvalidArtifactsError("modelJSON has weightsManifest but weightData is null")
        data = _in_order(parsed.paths, weights) if isinstance(weights, Mapping) else weights
        return cls._from_parsed(parsed, data if parsed.manifest is not None else None)

    @classmethod
    def _from_parsed(cls, parsed: ModelJSON, weight_data: Buffer | Sequence[Buffer] | None) -> ModelArtifacts:
        pieces = None if weight_data is None else CompositeBuffer(weight_data)
        artifacts = cls.from_texts(parsed.artifact_texts(), pieces)
        artifacts.check()
        return artifacts

    @classmethod
    def from_multipart(cls, content_type: str | bytes, body: Buffer) -> ModelArtifacts:
        """From the body of a request that TensorFlow.js sent for ``model.save('http://…')``; ``body`` is not copied.
        ``content_type`` is the header's value, as text or as ASCII bytes.

        Raises InvalidArtifactsError for a truncated or malformed body, and as ``from_model_json`` does.
        """
        return cls._from_parsed(*model_parts(_header_text(content_type), body))

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
        if unknown := fields.keys() - WIRE_NAMES.keys() - {"weight_data"}:
            raise TypeError(f"no field of a model: {', '.join(sorted(unknown))}")
        copy = ModelArtifacts()
        copy._weight_data = _as_weight_data(fields.pop("weight_data", self._weight_data))
        changed = {WIRE_NAMES[attribute]: value for attribute, value in fields.items()}
        kept = {wire: field.copy() for wire, field in self._fields.items() if wire not in changed}
        copy._fields = kept | {wire: JsonField(value) for wire, value in changed.items() if value is not ABSENT}
        return copy

    def _read(self, wire_name: str) -> Any:
        field = self._fields.get(wire_name)
        return None if field is None else field.value()

    # -- Weights and sizes ---------------------------------------------------------------------------------------------

    @property
    def weight_data(self) -> memoryview | list[memoryview] | None:
        """The bytes of all weights, read-only: one buffer, or the shards that were given as a list; or None."""
        if isinstance(self._weight_data, CompositeBuffer):
            self._weight_data = self._weight_data.join()
        return self._weight_data

    @weight_data.setter
    def weight_data(self, data: Buffer | Sequence[Buffer] | CompositeBuffer | None) -> None:
        self._weight_data = _as_weight_data(data)

    @property
    def weight_pieces(self) -> CompositeBuffer | None:
        """The bytes of all weights wherever they lie, nothing copied; or None."""
        data = self._weight_data
        return data if data is None or isinstance(data, CompositeBuffer) else CompositeBuffer(data)

    @property
    def is_sharded(self) -> bool:
        """Whether the weights are held as shards (if only one) rather than as one buffer."""
        return isinstance(self._weight_data, list | CompositeBuffer)

    @property
    def weight_data_bytes(self) -> int | None:
        """Total bytes of the weights: 0 where there are none, None (JavaScript: undefined) for an empty list."""
        pieces = self.weight_pieces
        return 0 if pieces is None else pieces.byte_length

    def joined_weight_data(self) -> memoryview | None:
        """The weights as one read-only buffer (copied only where there are several shards), or None."""
        data = self.weight_data
        return CompositeBuffer(data).join() if isinstance(data, list) else data

    def weights(
        self, names: str | Iterable[str] | None = None, *, copy: bool = False, dequantize: bool = True
    ) -> Weights:
        """Name to numpy array, decoded when asked for: read-only views of the weight bytes where that is possible.

        ``names`` restricts to some weights, or to the one of that name; ``copy`` gives arrays of one's own; without
        ``dequantize`` quantized weights are the stored integers or half floats. Raises InvalidArtifactsError where
        specs and bytes disagree.
        """
        from .arrays import Weights

        chosen = (names,) if isinstance(names, str) else names
        return Weights(self.weight_specs, self.weight_pieces, chosen, copy=copy, dequantize=dequantize)

    def info(self, now: datetime | None = None) -> ModelArtifactsInfo:
        """The ``ModelArtifactsInfo`` that a save at ``now`` reports (``getModelArtifactsInfoForJSON``).

        Raises InvalidArtifactsError with tfjs's text for a binary topology.
        """
        return get_model_artifacts_info_for_json(self.texts(), self.weight_data_bytes, now)

    def check(self) -> None:
        """Raises InvalidArtifactsError where specs are malformed, name a weight twice, or contradict the bytes."""
        field = self._fields.get("weightSpecs")
        specs = None if field is None else ecma_json.parse(field.text())
        check_weights(specs, self.weight_pieces)

    # -- Other forms ---------------------------------------------------------------------------------------------------

    def to_model_json(
        self, *, weights_path: str = "weights.bin", shard_bytes: int | None = None
    ) -> tuple[str, dict[str, memoryview]]:
        """The text of a model.json and its weight files by path: one, or ``group1-shard1of9.bin``, … by size.

        The text has the keys in the order of tfjs-node. A file is a view of the weights where it lies in one buffer.
        Without weights and specs there is no manifest.
        """
        weights = self.weight_pieces
        if weights is None:
            files = {}
        else:
            files = {weights_path: weights} if shard_bytes is None else split(weights, shard_bytes)
        paths = list(files) if files or self.has("weightSpecs") else None
        text = model_json_text(self.texts(), paths, order=NODE_ORDER)
        return text, {path: file.join() for path, file in files.items()}

    def to_multipart(self) -> tuple[str, bytes]:
        """Content type and body of the request that TensorFlow.js sends for ``model.save('http://…')``."""
        content_type, pieces = encode_multipart(self.texts(), self.weight_pieces)
        return content_type, b"".join(pieces)

    # -- Value semantics -----------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        """Same fields by canonical text (binary topologies by bytes), same weight bytes however they are split."""
        if not isinstance(other, ModelArtifacts):
            return NotImplemented
        return self._identity() == other._identity()

    __hash__ = None  # type: ignore[assignment]  # fields may change

    def _identity(self) -> tuple[object, ...]:
        fields = {wire: field.value() if field.is_binary else field.text() for wire, field in self._fields.items()}
        return fields, self._weight_data is None, self.joined_weight_data()

    def __repr__(self) -> str:
        return f"<ModelArtifacts {', '.join(self._fields)}; {self.weight_data_bytes} weight bytes>"

    def __getstate__(self) -> dict[str, Any]:
        data = self.weight_data
        copied = data if data is None else [bytes(part) for part in data] if isinstance(data, list) else bytes(data)
        return {"fields": self._fields, "weight_data": copied}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._fields = state["fields"]
        self._weight_data = _as_weight_data(state["weight_data"])


def _header_text(value: object) -> str:
    """Raises InvalidArtifactsError for what is no header's value."""
    if isinstance(value, bytes) and value.isascii():
        return value.decode("ascii")
    if not isinstance(value, str):
        raise InvalidArtifactsError(f"the content type must be text, not {value!r}")
    return value


def _in_order(paths: Iterable[str], files: Mapping[str, Buffer]) -> list[Buffer]:
    try:
        return [files[path] for path in paths]
    except KeyError as missing:
        raise InvalidArtifactsError(f"Weight file '{missing.args[0]}' is not provided.") from None


def _as_weight_data(data: Any) -> memoryview | list[memoryview] | CompositeBuffer | None:
    if data is None:
        return None
    if isinstance(data, CompositeBuffer):
        return data.parts[0] if len(data.parts) == 1 else data
    if isinstance(data, list | tuple):
        return [flat_view(part) for part in data]
    return flat_view(data)
