"""What ``/v1/verify`` answers: ``{"checked": {noun: count}, "problems": [{"object", "name", "message"}]}``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypedDict

from ..errors import CorruptionError, StoreFailedError, TfjsdError
from ..model_io.origin import Origin, Origins
from ..storage_backends.abc import Blob
from ..storage_backends.home import Home
from ..storage_backends.verification import verify_home

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Problem(TypedDict):
    object: str
    name: str
    message: str


class Report(TypedDict):
    checked: dict[str, int]
    problems: list[Problem]


def verify_all(home: Home, origins: Origins) -> Report:
    """Every record and blob of the home. A blob is named with the models whose weights it holds."""
    report = verify_home(home)
    problems: list[Problem] = []
    users: dict[str, dict[str, list[str]]] = {}
    for finding in report.findings:
        if finding.origin not in users:
            users[finding.origin] = _models_by_blob(origins.get(finding.origin))
        names = users[finding.origin].get(finding.name, [finding.name])
        what = f"{finding.origin} {', '.join(names)}"
        problems.append({"object": what, "name": CorruptionError.name, "message": finding.message})
    return {"checked": {"record": report.records, "blob": report.blobs}, "problems": problems}


def verify_models(origin: Origin, urls: Sequence[str]) -> Report:
    """These models of one origin: their records, and every byte of their weights."""
    problems: list[Problem] = []
    for url in urls:
        try:
            model = origin.models.open(url)
            if isinstance(model.weights, Blob):
                origin.bucket.blobs.verify(model.weights)
        except TfjsdError as error:
            problems.append({"object": f"{origin.name} {url}", "name": error.name, "message": error.message})
    return {"checked": {"model": len(urls)}, "problems": problems}


def _models_by_blob(origin: Origin) -> dict[str, list[str]]:
    """URLs of the models by the digest of their weights, as far as they can be read."""
    found: dict[str, list[str]] = {}
    try:
        urls = list(origin.models.list_models_text())
    except StoreFailedError:
        return found  # the finding that led here says so
    for url in urls:
        try:
            weights = origin.models.open(url).weights
            digest = weights.digest if isinstance(weights, Blob) else None
        except CorruptionError as error:
            digest = next(iter(_DIGEST.findall(error.message)), None)
        except TfjsdError:
            continue  # likewise
        if digest is not None:
            found.setdefault(digest, []).append(url)
    return found
