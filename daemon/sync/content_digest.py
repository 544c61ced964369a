"""One name for a model's content, the same wherever it lies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from blake3 import blake3

from ...model_io.stored_model import StoredModel
from ...storage_backends.abc import Blob, Buffer

_NOTHING = {"weightSpecs": ("null", "[]")}


def weights_digest(pieces: Iterable[Buffer]) -> str:
    """BLAKE3 over the pieces, one after the other: the name that a blob of these bytes has."""
    hasher = blake3(max_threads=blake3.AUTO)
    for piece in pieces:
        hasher.update(piece)
    return hasher.hexdigest()


def content_digest(texts: Mapping[str, str], weights: str) -> str:
    """BLAKE3 over the canonical texts and the weights' digest. An absent field, null, and no weight specs are one: not
    every form that a model is stored in can tell them apart."""
    hasher = blake3()
    for name in sorted(texts):
        text = texts[name]
        if text not in _NOTHING.get(name, ("null",)):
            encoded = text.encode("utf-8", "surrogatepass")
            hasher.update(f"{name}:{len(encoded)}:".encode() + encoded)
    return hasher.update(weights.encode()).hexdigest()


def stored_digest(model: StoredModel) -> str:
    """The digest of a model as a store holds it; weights that are a blob are not read."""
    if isinstance(model.weights, Blob):
        return content_digest(model.texts, model.weights.digest)
    return content_digest(model.texts, weights_digest(() if model.weights is None else [model.weights]))
