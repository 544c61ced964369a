"""What a model consists of, read from its topology and weight specs; TensorFlow is not needed.

A topology is foreign data: what is missing or odd in it is left out of the summary, never an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .types import ModelArtifacts
from .weight_specs import DTYPE_VALUE_SIZE_MAP, WeightSpec, parse_weight_specs

_NOT_TRAINED = ("moving_mean", "moving_variance")


@dataclass(frozen=True, slots=True)
class TensorSummary:
    """An input or output; None in ``shape`` is a dimension of any size, None as ``shape`` means unknown."""

    name: str
    dtype: str | None = None
    shape: tuple[int | None, ...] | None = None


@dataclass(slots=True)
class LayerSummary:
    """A layer with the weights that belong to it; ``depth`` counts the models that it lies in."""

    name: str
    class_name: str
    depth: int = 0
    dtype: str | None = None
    trainable: bool = True
    weights: list[WeightSpec] = field(default_factory=list)

    @property
    def parameters(self) -> int:
        """Numbers in the layer's own weights; those of layers inside of it are counted there."""
        return sum(weight.elements for weight in self.weights)

    @property
    def trainable_parameters(self) -> int:
        """Those that training changes: not moving averages, nothing of a frozen layer."""
        trained = (weight for weight in self.weights if not weight.name.endswith(_NOT_TRAINED))
        return sum(weight.elements for weight in trained) if self.trainable else 0


@dataclass(frozen=True, slots=True)
class DtypeSummary:
    """All weights stored in one dtype; ``byte_length`` is None for strings, whose sizes only the bytes tell."""

    dtype: str
    weights: int
    parameters: int
    byte_length: int | None


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """Layers of a layers model or operations of a graph model, and the sums over all weights."""

    kind: Literal["layers-model", "graph-model", "unknown"]
    name: str | None
    layers: tuple[LayerSummary, ...]
    ops: Mapping[str, int]
    inputs: tuple[TensorSummary, ...]
    outputs: tuple[TensorSummary, ...]
    other_weights: tuple[WeightSpec, ...]
    """Weights that belong to no layer; all of a graph model's."""
    optimizer_weights: tuple[WeightSpec, ...]
    dtypes: tuple[DtypeSummary, ...]

    @property
    def nodes(self) -> int:
        """Operations in the graph and its functions; 0 for a layers model."""
        return sum(self.ops.values())

    @property
    def parameters(self) -> int:
        """Numbers in all weights but the optimizer's."""
        return sum(layer.parameters for layer in self.layers) + sum(weight.elements for weight in self.other_weights)

    @property
    def trainable_parameters(self) -> int:
        """Those of them that training changes; of weights outside of layers it is not known, and they count."""
        in_layers = sum(layer.trainable_parameters for layer in self.layers)
        return in_layers + sum(weight.elements for weight in self.other_weights)

    @property
    def optimizer_parameters(self) -> int:
        return sum(weight.elements for weight in self.optimizer_weights)


def summarize(artifacts: ModelArtifacts) -> ModelSummary:
    """The summary of a model; weights are not looked at. Raises InvalidArtifactsError for malformed weight specs."""
    specs = parse_weight_specs(artifacts.weight_specs)
    optimizer = tuple(spec for spec in specs if spec.group == "optimizer")
    weights = [spec for spec in specs if spec.group != "optimizer"]
    topology = _object(artifacts.model_topology)
    is_graph = isinstance(topology.get("node"), list)
    root = _object(topology.get("model_config")) or topology
    layers = [] if is_graph else list(_layers(root))
    other = _assign(layers, weights)
    return ModelSummary(
        kind="graph-model" if is_graph else "layers-model" if layers else "unknown",
        name=_text(_object(root.get("config")).get("name")),
        layers=tuple(layers),
        ops=_ops(topology) if is_graph else {},
        inputs=tuple(_signature_tensors(artifacts, "inputs") if is_graph else _layer_inputs(root)),
        outputs=tuple(_signature_tensors(artifacts, "outputs") if is_graph else _layer_outputs(root)),
        other_weights=tuple(other),
        optimizer_weights=optimizer,
        dtypes=_by_dtype(weights),
    )


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


# -- Layers models -----------------------------------------------------------------------------------------------------


def _entries(model: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The layers of a model as its configuration has them; old Sequential models have just the list."""
    config = model.get("config")
    layers = config if isinstance(config, list) else _list(_object(config).get("layers"))
    return [layer for layer in layers if isinstance(layer, dict)]


def _layers(model: Mapping[str, Any], depth: int = 0, trainable: bool = True) -> Iterator[LayerSummary]:
    for entry in _entries(model):
        config = _object(entry.get("config"))
        name = _text(config.get("name")) or _text(entry.get("name")) or "?"
        dtype = config.get("dtype")
        if isinstance(dtype, dict):  # Keras 3 has a policy object
            dtype = _object(dtype.get("config")).get("name")
        class_name = _text(entry.get("class_name")) or "?"
        is_trainable = trainable and config.get("trainable") is not False
        yield LayerSummary(name, class_name, depth, _text(dtype), is_trainable)
        yield from _layers(entry, depth + 1, is_trainable)


def _assign(layers: list[LayerSummary], weights: list[WeightSpec]) -> list[WeightSpec]:
    """Gives each weight to the layer whose name its own begins with; returns those that belong to none."""
    by_name: dict[str, LayerSummary] = {}
    for layer in layers:
        by_name.setdefault(layer.name, layer)
    other: list[WeightSpec] = []
    for weight in weights:
        owner = _owner(by_name, weight.name.split("/")[:-1])
        (owner.weights if owner else other).append(weight)
        if owner and owner.dtype is None:
            owner.dtype = weight.dtype
    return other


def _owner(by_name: Mapping[str, LayerSummary], components: list[str]) -> LayerSummary | None:
    """The layer of the longest prefix; if that is a model, the layer inside of it that the rest names."""
    for length in range(len(components), 0, -1):
        layer = by_name.get("/".join(components[:length]))
        if layer is not None:
            inner = _owner(by_name, components[length:])
            return inner if inner is not None and inner.depth > layer.depth else layer
    return None


def _layer_inputs(model: Mapping[str, Any]) -> Iterator[TensorSummary]:
    entries = _entries(model)
    inputs = [entry for entry in entries if entry.get("class_name") == "InputLayer"] or entries[:1]
    for entry in inputs:
        config = _object(entry.get("config"))
        shape = config.get("batch_input_shape", config.get("batch_shape"))
        yield TensorSummary(_text(config.get("name")) or "?", _text(config.get("dtype")), _shape(shape))


def _layer_outputs(model: Mapping[str, Any]) -> Iterator[TensorSummary]:
    outputs = _list(_object(model.get("config")).get("output_layers"))
    if outputs and isinstance(outputs[0], str):  # Keras 3 has one output without the outer list
        outputs = [outputs]
    for output in outputs:
        if isinstance(output, list) and output and isinstance(output[0], str):
            yield TensorSummary(output[0])
    if not outputs and (entries := _entries(model)):
        yield TensorSummary(_text(_object(entries[-1].get("config")).get("name")) or "?")


def _shape(value: object) -> tuple[int | None, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(size if isinstance(size, int) and size >= 0 else None for size in value)


# -- Graph models ------------------------------------------------------------------------------------------------------


def _ops(topology: Mapping[str, Any]) -> dict[str, int]:
    """How often each operation occurs, the most frequent first."""
    nodes = list(_list(topology.get("node")))
    for function in _list(_object(topology.get("library")).get("function")):
        nodes += _list(_object(function).get("nodeDef"))
    counted = Counter(_text(_object(node).get("op")) or "?" for node in nodes)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _signature_tensors(artifacts: ModelArtifacts, side: Literal["inputs", "outputs"]) -> Iterator[TensorSummary]:
    signature = artifacts.signature or _object(artifacts.user_defined_metadata).get("signature")
    for key, tensor in _object(_object(signature).get(side)).items():
        info = _object(tensor)
        dtype = (_text(info.get("dtype")) or "").removeprefix("DT_").lower() or None
        dtype = {"float": "float32", "double": "float64"}.get(dtype or "", dtype)
        dims = _object(info.get("tensorShape")).get("dim")
        sizes = None if dims is None else _shape([_size(dim) for dim in _list(dims)])
        yield TensorSummary(_text(info.get("name")) or key, dtype, sizes)


def _size(dim: object) -> int | None:
    """A dimension of a TensorShapeProto; int64 is a string in JSON, -1 is any."""
    size = _object(dim).get("size")
    return int(size) if isinstance(size, int | str) and str(size).isdecimal() else None


# -- Weights -----------------------------------------------------------------------------------------------------------


def _by_dtype(weights: list[WeightSpec]) -> tuple[DtypeSummary, ...]:
    """Sums per stored dtype (a quantized weight under what it is quantized to), the most parameters first."""
    found: dict[str, list[WeightSpec]] = {}
    for weight in weights:
        found.setdefault(weight.stored_dtype, []).append(weight)
    summaries = []
    for dtype, members in found.items():
        parameters, size = sum(weight.elements for weight in members), DTYPE_VALUE_SIZE_MAP.get(dtype)
        summaries.append(DtypeSummary(dtype, len(members), parameters, None if size is None else parameters * size))
    return tuple(sorted(summaries, key=lambda summary: -summary.parameters))
