"""What TensorFlow.js says of a model that is to be removed and is not there."""

from __future__ import annotations

from ..errors import ModelNotFoundError, TfjsdError, UnsupportedURLError
from .model_url import ModelURL


def missing_for_removal(url: ModelURL) -> TfjsdError:
    """The error of the scheme's model manager (tfjs-core/src/io/local_storage.ts, indexed_db.ts), or that there is none
    (model_management.ts)."""
    match url.scheme:
        case "localstorage":
            return ModelNotFoundError(f"Cannot find model at path '{url.path}'")
        case "indexeddb":
            return ModelNotFoundError(f"Cannot find model with path '{url.path}' in IndexedDB.")
    return UnsupportedURLError(f"Cannot find model manager for scheme '{url.scheme}'")
