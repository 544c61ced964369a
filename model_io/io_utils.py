"""Small facts that every handler of TensorFlow.js shares (``io_utils.ts``)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from .artifacts_info import ModelArtifactsInfo, to_milliseconds

# What String.prototype.trim removes; str.strip() differs by U+FEFF and some controls.
_WHITE_SPACE = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))


def string_byte_length(text: str) -> int:
    """Bytes of ``text`` in UTF-8; a lone surrogate counts 3 (inside JSON text it is escaped, and counts 6)."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def basename(path: str) -> str:
    """The last component of ``path`` without trailing slashes; a backslash is no separator."""
    return path.strip(_WHITE_SPACE).rstrip("/").rpartition("/")[2]


def get_model_artifacts_info_for_json(
    texts: Mapping[str, str], weight_data_bytes: int | None, now: datetime | None = None
) -> ModelArtifactsInfo:
    """What TensorFlow.js computes on saving, from canonical JSON texts by wire name and the weights' length.

    Absent and null topology or specs count 0. ``weight_data_bytes``: 0 without weights, None for an empty list.
    """
    return ModelArtifactsInfo(
        date_saved=to_milliseconds(now or datetime.now(UTC)),
        model_topology_type="JSON",
        model_topology_bytes=_text_bytes(texts.get("modelTopology")),
        weight_specs_bytes=_text_bytes(texts.get("weightSpecs")),
        weight_data_bytes=weight_data_bytes,
    )


def _text_bytes(text: str | None) -> int:
    return 0 if text is None or text == "null" else string_byte_length(text)
