"""A model that was found, and is not read yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..storage_backends.abc import Blob
from .stored_model import StoredModel


class FoundModel(NamedTuple):
    """Found under the bucket's mutex. Once ``blob`` is pinned, ``read`` needs no lock, however long it takes.

    ``read`` raises what the medium's ``find`` says.
    """

    blob: Blob | None
    read: Callable[[], StoredModel]
