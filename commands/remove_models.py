"""``tfjsd remove``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..errors import ModelNotFoundError
from . import locations, render
from .listing import Row
from .outcomes import Outcomes

if TYPE_CHECKING:
    from ..model_io.types import ModelArtifactsInfo
    from .invocation import Invocation


def run(invocation: Invocation) -> int:
    """Removes the models, each on its own."""
    arguments, output = invocation.arguments, invocation.output
    found = _named(invocation)
    dry = arguments.flag("--dry-run")
    if not dry and len(found) > 1 and not _confirmed(invocation, found):
        output.note("nothing was removed")
        return 1
    listed = invocation.store.list_models() if dry else {}
    outcomes = Outcomes(output)
    for location in found:
        outcomes.attempt(location.text, partial(_remove, invocation, location.text, listed if dry else None))
    return outcomes.finish()


def _named(invocation: Invocation) -> list[locations.Location]:
    """The models that the arguments name, or that match them. No file is ever one of them.

    Raises:
        UsageError: a pattern without a scheme, which might be meant for files.
        ModelNotFoundError: a pattern matches nothing.
    """
    arguments, store = invocation.arguments, invocation.store
    words = arguments.operands("URL")
    if arguments.flag("--glob"):
        words = locations.matching_urls(words, store, ignore_missing=arguments.flag("--ignore-missing"))
    found = locations.expand(words, store, glob=False)
    for location in found:
        locations.check_bare_name(location, store)
    return found


def _remove(
    invocation: Invocation, url: str, listed: dict[str, ModelArtifactsInfo] | None
) -> ModelArtifactsInfo | None:
    """Removes one, or with what is ``listed`` says that it would be."""
    from ..model_io.missing_model import missing_for_removal
    from ..model_io.model_url import parse

    try:
        if listed is None:
            info = invocation.store.remove_model(url)
        elif url in listed:
            info = listed[url]
        else:
            raise missing_for_removal(parse(url))
    except ModelNotFoundError:
        if invocation.arguments.flag("--ignore-missing"):
            return None
        raise
    invocation.output.done(f"{'removed' if listed is None else 'would remove'} {url!r}")
    return info


def _confirmed(invocation: Invocation, found: list[locations.Location]) -> bool:
    if invocation.arguments.flag("--yes") or not invocation.output.asks:
        return True
    listed = invocation.store.list_models()
    total = sum(Row("", url, info).size for url, info in listed.items() if url in {place.text for place in found})
    return invocation.confirm(f"remove {render.counted(len(found), 'model')} ({render.size(total)})?")
