"""Playwright's two APIs."""

from __future__ import annotations

from typing import Any


def is_asynchronous(target: Any) -> bool:
    """Whether an object (a page, a context) belongs to ``playwright.async_api``."""
    return type(target).__module__.startswith("playwright.async_api")
