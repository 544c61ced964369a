"""``ModelArtifactsInfo``: when a model was saved and how large its parts are, as TensorFlow.js reports it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Literal, NamedTuple, cast

from ..errors import InvalidArtifactsError
from . import ecma_json

_TopologyType = Literal["JSON", "GraphDef"]
_PLAIN_JSON = json.JSONEncoder(separators=(",", ":")).encode  # what stringify makes of these members, sooner
_MEMBERS = itemgetter("dateSaved", "modelTopologyType", "modelTopologyBytes", "weightSpecsBytes", "weightDataBytes")
_NEW = tuple.__new__
_NOTHING_KNOWN = '{"dateSaved":null}'


class ModelArtifactsInfo(NamedTuple):
    """Sizes are bytes of the UTF-8 JSON text (topology, specs) and of the raw weights; no metadata is counted.

    ``None`` stands for what JavaScript has as undefined (``weight_data_bytes`` of an empty list of buffers), and for
    what a foreign writer left out or wrote in another form: everything, where a model was stored without an info.
    """

    date_saved: datetime | None
    model_topology_type: _TopologyType = "JSON"
    model_topology_bytes: int | None = None
    weight_specs_bytes: int | None = None
    weight_data_bytes: int | None = None

    def to_json(self) -> str:
        """The text that TensorFlow.js stores: its keys in its order, the date to the millisecond."""
        plain = self.model_topology_type in ("JSON", "GraphDef")
        return _PLAIN_JSON(self.to_object()) if plain else ecma_json.stringify(self.to_object())

    def to_object(self) -> dict[str, str | int | None]:
        """What ``to_json`` writes, as an object."""
        members: dict[str, str | int | None] = {
            "dateSaved": None if self.date_saved is None else ecma_json.date_to_iso(self.date_saved),
            "modelTopologyType": self.model_topology_type,
            "modelTopologyBytes": self.model_topology_bytes,
            "weightSpecsBytes": self.weight_specs_bytes,
            "weightDataBytes": self.weight_data_bytes,
        }
        return {key: value for key, value in members.items() if value is not None or key == "dateSaved"}

    @classmethod
    def from_json(cls, text: str | bytes) -> ModelArtifactsInfo:
        """Reads ``to_json``'s form. Raises InvalidArtifactsError for text that is no JSON object."""
        return cls.from_object(ecma_json.parse(text))

    @classmethod
    def from_object(cls, members: object) -> ModelArtifactsInfo:
        """Reads ``to_object``'s form. Raises InvalidArtifactsError for anything but a dict."""
        if not isinstance(members, dict):
            raise InvalidArtifactsError(f"a ModelArtifactsInfo is a JSON object, not {type(members).__name__}")
        return cls(
            _date(members.get("dateSaved")),
            cast(_TopologyType, members.get("modelTopologyType")),
            _size(members.get("modelTopologyBytes")),
            _size(members.get("weightSpecsBytes")),
            _size(members.get("weightDataBytes")),
        )


def listed_text(text: str) -> str:
    """The canonical text of a stored info as it is listed. What is no object tells nothing, but hides no model."""
    return text if text.startswith("{") else _NOTHING_KNOWN


def listed_value(value: object) -> str:
    """``listed_text`` of a value in IndexedDB, where there may also be what has no JSON."""
    try:
        return listed_text(ecma_json.stringify(value))
    except InvalidArtifactsError:
        return _NOTHING_KNOWN


def infos_of(texts: Mapping[str, str]) -> dict[str, ModelArtifactsInfo]:
    """The infos of canonical texts. They are parsed in one go: one by one, ten thousand take ten times as long."""
    return infos_of_objects(dict(zip(texts, json.loads(f"[{','.join(texts.values())}]"), strict=True)))


def infos_of_objects(listed: Mapping[str, object]) -> dict[str, ModelArtifactsInfo]:
    """``from_object`` of each, in two thirds of the time."""
    return {url: _usual(members) or ModelArtifactsInfo.from_object(members) for url, members in listed.items()}


def _usual(members: Any) -> ModelArtifactsInfo | None:
    """The info of an object that has all members in the form in which TensorFlow.js writes them."""
    try:
        date, topology_type, topology, specs, weights = _MEMBERS(members)
        are_numbers = topology.__class__ is specs.__class__ is weights.__class__ is int
        if are_numbers and topology >= 0 and specs >= 0 and weights >= 0 and date[-1:] == "Z":
            return _NEW(ModelArtifactsInfo, (datetime.fromisoformat(date), topology_type, topology, specs, weights))
    except (KeyError, TypeError, ValueError):
        return None
    return None


def to_milliseconds(moment: datetime) -> datetime:
    """The instant as a JavaScript Date holds it, in UTC."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def _date(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _size(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None
