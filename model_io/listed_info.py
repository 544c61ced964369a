"""One line of the list of models, in the forms in which it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from json.encoder import encode_basestring_ascii
from typing import NamedTuple

from . import ecma_json
from .model_url import SCHEME_SEPARATOR


class ListedInfo(NamedTuple):
    """``member`` is the list's member as JSON: the URL and ``text``, which is the info's canonical JSON."""

    path: str
    url: str
    text: str
    member: str
    is_index: bool
    """Whether JavaScript has the path as an array index, which comes before other names of an object."""

    @classmethod
    def of(cls, scheme: str, path: str, text: str) -> ListedInfo:
        url = f"{scheme}{SCHEME_SEPARATOR}{path}"
        return cls(path, url, text, f"{encode_basestring_ascii(url)}:{text}", ecma_json.is_index(path))


def in_property_order(infos: Sequence[ListedInfo]) -> Sequence[ListedInfo]:
    """As they come out of a JavaScript object with their paths as its names."""
    if not any(info.is_index for info in infos):
        return infos
    return list(ecma_json.in_property_order({info.path: info for info in infos}).values())
