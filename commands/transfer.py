"""``tfjsd copy`` and ``tfjsd move``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ModelExistsError, UnsupportedURLError
from . import endpoints, locations
from .arguments import UsageError
from .locations import Location
from .outcomes import Outcomes, info_document
from .progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..client import Client
    from ..model_io.types import ModelArtifacts, ModelArtifactsInfo
    from .invocation import Invocation

    Work = Callable[[Invocation, Location, Location], ModelArtifactsInfo]


def copy(invocation: Invocation) -> int:
    """Copies one model to DEST, or several ``--into`` a prefix."""
    return _transfer(invocation, "copied", _copy)


def move(invocation: Invocation) -> int:
    """Moves one model to DEST, or several ``--into`` a prefix."""
    return _transfer(invocation, "moved", _move)


def _transfer(invocation: Invocation, verb: str, work: Work) -> int:
    into = invocation.arguments.text("--into")
    words, dest = _operands(invocation, into)
    sources = _sources(invocation, words)
    if into is not None:
        return _several(invocation, verb, sources, _targets(sources, into), work)
    if len(sources) > 1:
        raise UsageError(f"{len(sources)} models match, for one DEST", hint="put them --into URL-PREFIX")
    return _single(invocation, verb, sources[0], locations.locate(dest), work)


def _several(invocation: Invocation, verb: str, sources: list[Location], targets: list[Location], work: Work) -> int:
    endpoints.check_options(invocation.arguments, sources, targets)
    outcomes = Outcomes(invocation.output)
    for source, target in zip(sources, targets, strict=True):

        def one(source: Location = source, target: Location = target) -> ModelArtifactsInfo:
            info = work(invocation, source, target)
            invocation.output.done(f"{verb} {source.text!r} to {target.text!r}")
            return info

        outcomes.attempt(source.text, one)
    return outcomes.finish()


def _single(invocation: Invocation, verb: str, source: Location, dest: Location, work: Work) -> int:
    output = invocation.output
    if dest.kind == "archive" and output.json:
        raise UsageError("--json and a tar on standard output exclude each other")
    endpoints.check_dest(dest)
    endpoints.check_options(invocation.arguments, [source], [dest])
    locations.check_bare_name(dest, invocation.in_origin(invocation.arguments.text("--to-origin")))
    info = work(invocation, source, dest)
    if dest.kind != "archive":
        output.result(f"{verb} {source.text!r} to {dest.text!r}", info_document(info))
    return 0


def _operands(invocation: Invocation, into: str | None) -> tuple[tuple[str, ...], str]:
    """SOURCE... and DEST: the last word, unless ``--into`` says where to."""
    words = (*invocation.arguments.operands("SOURCE"), *invocation.arguments.operands("DEST"))
    if into is not None:
        return words, ""
    if len(words) < 2:
        raise UsageError("DEST is missing", hint="SOURCE DEST, or SOURCE... --into URL-PREFIX")
    if len(words) > 2:
        raise UsageError(
            f"{len(words) - 1} sources and one DEST", hint="several sources go --into URL-PREFIX, each by its name"
        )
    return words[:-1], words[-1]


def _sources(invocation: Invocation, words: tuple[str, ...]) -> list[Location]:
    store = invocation.in_origin(invocation.arguments.text("--from-origin"))
    sources = locations.expand(words, store, glob=invocation.arguments.flag("--glob"))
    for source in sources:
        locations.check_bare_name(source, store)
    return sources


def _targets(sources: list[Location], into: str) -> list[Location]:
    targets = [locations.join(into, source) for source in sources]
    seen: dict[str, Location] = {}
    for source, target in zip(sources, targets, strict=True):
        if target.text in seen:
            raise UsageError(f"both {seen[target.text].text!r} and {source.text!r} would become {target.text!r}")
        seen[target.text] = source
    return targets


def _copy(invocation: Invocation, source: Location, dest: Location) -> ModelArtifactsInfo:
    endpoints.check_handlers(source, dest)
    arguments = invocation.arguments
    reading = invocation.in_origin(arguments.text("--from-origin"))
    writing = invocation.in_origin(arguments.text("--to-origin"))
    overwrite, drop = not arguments.flag("--no-clobber"), arguments.flag("--drop-optimizer")
    inside = source.kind == dest.kind == "stored" and reading.origin == writing.origin
    if inside and not drop:
        return reading.copy_model(source.text, dest.text, overwrite=overwrite)
    _check_free(dest, overwrite)
    with Progress(f"writing {dest.text}", invocation.output) as progress:
        target = endpoints.dest(dest, invocation, progress)
        artifacts = _load(invocation, reading, source)
        result = writing.save(target, artifacts, overwrite=overwrite, include_optimizer=not drop, on_progress=progress)
    return result.model_artifacts_info


def _load(invocation: Invocation, store: Client, source: Location) -> ModelArtifacts:
    with Progress(f"reading {source.text}", invocation.output) as progress:
        url = endpoints.source(source, invocation.arguments, progress)
        return store.load(url, verify=True, on_progress=progress)  # damage does not travel


def _move(invocation: Invocation, source: Location, dest: Location) -> ModelArtifactsInfo:
    endpoints.check_handlers(source, dest)
    store, overwrite = invocation.store, not invocation.arguments.flag("--no-clobber")
    if source.kind != "stored":
        raise UnsupportedURLError(
            f"Cannot find model manager for scheme '{source.scheme}'",
            hint="only stored models can be moved; use copy",
        )
    if dest.kind == "stored":
        return store.move_model(source.text, dest.text, overwrite=overwrite)
    _check_free(dest, overwrite)
    with Progress(f"writing {dest.text}", invocation.output) as progress:
        return store.move_model(source.text, endpoints.dest(dest, invocation, progress), overwrite=overwrite)


def _check_free(dest: Location, overwrite: bool) -> None:
    """``--no-clobber`` outside the store; inside, the store decides as it saves.

    Raises:
        ModelExistsError: the directory has a model.json.
    """
    if not overwrite and dest.kind == "path" and (dest.path / locations.MODEL_JSON).exists():
        raise ModelExistsError(f"{dest.text!r} holds a model already")
