"""Saves, loads, copies and moves whose ends may lie in the calling process: a file, a web address, a handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model_io.model_url import MEDIA, scheme_of
from . import model_operations
from .effects import Call, Operation
from .session import Session

if TYPE_CHECKING:
    from ..model_io.router_registry import LoadHandler, SaveHandler
    from ..model_io.store import ModelURL
    from ..model_io.types import ModelArtifacts, ModelArtifactsInfo, SaveResult
    from ..storage_backends.abc import Durability
    from .messages import Progress


def save(
    session: Session,
    url: ModelURL,
    artifacts: ModelArtifacts,
    *,
    overwrite: bool,
    include_optimizer: bool,
    durability: Durability,
    on_progress: Progress | None,
    timeout: float | None,
) -> Operation[SaveResult]:
    from ..model_io.handler_results import checked_artifacts

    artifacts = checked_artifacts(artifacts)
    if not include_optimizer:
        from ..model_io.optimizer_weights import without_optimizer

        artifacts = without_optimizer(artifacts)
    end = _save_end(session, url, on_progress, timeout)
    if not isinstance(end, str):
        return (yield from _save_through(end, artifacts))
    from ..model_io.types import SaveResult
    from . import save_operation

    info = yield from save_operation.save(
        session,
        end,
        artifacts,
        overwrite=overwrite,
        durability=durability,
        on_progress=on_progress,
        timeout=timeout,
    )
    return SaveResult(info)


def load(
    session: Session, url: ModelURL, *, verify: bool, on_progress: Progress | None, timeout: float | None
) -> Operation[ModelArtifacts]:
    return (yield from _load_from(session, _load_end(session, url, on_progress, timeout), verify, on_progress, timeout))


def copy(session: Session, source: ModelURL, dest: ModelURL, *, overwrite: bool) -> Operation[ModelArtifactsInfo]:
    if _own(source) and _own(dest):
        return (yield from model_operations.copy(session, str(source), str(dest), overwrite=overwrite))
    from ..model_io.endpoints import copy_ends

    start, end = copy_ends(source, dest, session.routers)
    return (yield from _carry(session, start, end, overwrite))


def move(session: Session, source: ModelURL, dest: ModelURL, *, overwrite: bool) -> Operation[ModelArtifactsInfo]:
    """Out of the store: saved first, then removed, unless it was replaced meanwhile (ModelChangedError)."""
    if _own(source) and _own(dest):
        return (yield from model_operations.move(session, str(source), str(dest), overwrite=overwrite))
    from ..model_io.endpoints import move_ends

    start, end = move_ends(source, dest, session.routers)
    if isinstance(end, str):
        return (yield from model_operations.move(session, start, end, overwrite=overwrite))
    before = yield from model_operations.info(session, start)
    info = yield from _carry(session, start, end, overwrite)
    yield from model_operations.remove(session, start, expected=before)
    return info


def _carry(
    session: Session, start: str | LoadHandler, end: str | SaveHandler, overwrite: bool
) -> Operation[ModelArtifactsInfo]:
    artifacts = yield from _load_from(session, start, True, None, None)  # damage does not travel
    if not isinstance(end, str):
        return (yield from _save_through(end, artifacts)).model_artifacts_info
    from . import save_operation

    return (
        yield from save_operation.save(
            session, end, artifacts, overwrite=overwrite, durability="strict", on_progress=None, timeout=None
        )
    )


def _load_from(
    session: Session, start: str | LoadHandler, verify: bool, on_progress: Progress | None, timeout: float | None
) -> Operation[ModelArtifacts]:
    if isinstance(start, str):
        from . import load_operation

        return (yield from load_operation.load(session, start, verify=verify, on_progress=on_progress, timeout=timeout))
    loaded: ModelArtifacts = yield Call(start.load)
    return loaded


def _save_through(handler: SaveHandler, artifacts: ModelArtifacts) -> Operation[SaveResult]:
    from ..model_io.handler_results import save_result

    return save_result(handler, artifacts, (yield Call(handler.save, (artifacts,))))


def _own(url: ModelURL) -> bool:
    return isinstance(url, str) and scheme_of(url) in MEDIA


def _load_end(
    session: Session, url: ModelURL, on_progress: Progress | None, timeout: float | None
) -> str | LoadHandler:
    if isinstance(url, str) and _own(url):
        return url
    from ..model_io.endpoints import caller_options, load_end

    return load_end(url, session.routers, **caller_options(on_progress, timeout))


def _save_end(
    session: Session, url: ModelURL, on_progress: Progress | None, timeout: float | None
) -> str | SaveHandler:
    if isinstance(url, str) and _own(url):
        return url
    from ..model_io.endpoints import caller_options, save_end

    return save_end(url, session.routers, **caller_options(on_progress, timeout))
