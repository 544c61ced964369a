"""The largest model that fits."""

from __future__ import annotations

from ..model_io.types import ModelArtifacts
from ..storage_backends.browsers import Browser
from .artifacts import make_artifacts
from .launching import simulate_browser
from .simulated_browser import SimulatedBrowser

MOST_BYTES = 1 << 30


def largest_fitting(browser: SimulatedBrowser | str | Browser, url: str, *, seed: int = 0) -> ModelArtifacts:
    """The largest ``make_artifacts(units=…)`` that a save to ``url`` has room for now; one unit more is refused.

    For the name of a browser, or its rules, that is in an empty one. Raises ValueError where not even one unit fits, or
    so much does that it would not do to make the model (more than 1 GiB, or no limit): give the browser a smaller
    ``quota`` then.
    """
    if not isinstance(browser, SimulatedBrowser):
        with simulate_browser(browser) as empty:
            return largest_fitting(empty, url, seed=seed)

    def fits(units: int) -> bool:
        return browser.fits(make_artifacts(units=units, seed=seed), url).ok

    smallest = browser.fits(make_artifacts(units=1), url)
    if not smallest.ok:
        raise ValueError(f"no model fits {url}: {smallest.missing} ({smallest.unit}) are missing for one unit")
    if smallest.left is None or smallest.left > MOST_BYTES * 2:
        raise ValueError(f"models of any reasonable size fit {url}: set a smaller quota")
    low, high = 1, smallest.left // 4 + 2
    guess = max(high - 64, 1) if smallest.unit == "disk" else max(3 * (high // 4) - 64, 1)
    if fits(guess):
        low = guess
        if not fits(guess + 128):
            high = guess + 128
    else:
        high = guess
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return make_artifacts(units=low, seed=seed)
