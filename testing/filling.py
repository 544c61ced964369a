"""Filling localStorage up, to the code unit."""

from __future__ import annotations

from typing import Literal

from ..storage_backends.browsers import WebStorageRules
from ..storage_backends.web_storage.quota import size_in
from ..storage_backends.web_storage.text import normalize
from .simulated_area import SimulatedArea

LATIN1 = "x"
WIDE = "\u4e2d"


def fill(area: SimulatedArea, rules: WebStorageRules, leave: int, key: str, text: Literal["latin1", "wide"]) -> int:
    """Sets ``key`` so that ``leave`` units are left; returns what is left. Raises ValueError where that cannot be."""
    if rules.limit is None:
        raise ValueError("this browser's localStorage has no limit")
    if text not in ("latin1", "wide"):
        raise ValueError(f"text is latin1 or wide, not {text!r}")
    character = WIDE if text == "wide" else LATIN1
    old = area.stored(key)
    _, encoded_key = normalize(key)
    key_size = size_in(rules, encoded_key.width, encoded_key.units)
    others = area.used() + area.leaked - (0 if old is None else key_size + size_in(rules, old.width, old.units))
    count = (rules.limit - others - leave - key_size) // size_in(rules, normalize(character)[1].width, 1)
    if leave < 0 or count < 0:
        raise ValueError(f"{others} of {rules.limit} units are taken: {leave} cannot be left beside the key {key!r}")
    area.refill([(key, character * count)])
    return rules.limit - area.used() - area.leaked
