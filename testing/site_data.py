"""Erasing all that an origin holds."""

from __future__ import annotations

from ..model_io.origin import Origin
from ..storage_backends.catalogue import LOCAL_STORAGE, REFERENCES, following, referred_digest

_DIGEST = slice(1, 33)


def erase(origin: Origin) -> None:
    """Leaves the bucket empty, in one mutation. Open the origin anew afterwards: it knows of what was there."""
    with origin.bucket.mutate() as mutation:
        for key, _ in list(mutation.scan(LOCAL_STORAGE, None)):
            mutation.delete(key)
        for key, _ in list(mutation.scan(REFERENCES, following(REFERENCES))):
            mutation.release(referred_digest(key), key[_DIGEST.stop :])
    mutation.future.result()
