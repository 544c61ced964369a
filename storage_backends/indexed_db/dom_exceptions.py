"""Raises what the specification throws, in the words of one browser."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final

from ...errors import (
    AbortError,
    AccessDeniedError,
    ConstraintError,
    DaemonUnavailableError,
    DataCloneError,
    DataError,
    DOMError,
    HomeInUseError,
    InvalidAccessError,
    InvalidStateError,
    NotFoundError,
    QuotaExceededError,
    ReadOnlyError,
    SyntaxError_,
    TransactionInactiveError,
    UnknownError,
    VersionError,
)
from ..browsers import Browser
from .constraint_violation import ConstraintViolation
from .error_texts import ErrorTexts

_CLASSES: Final[dict[str, type[DOMError]]] = {
    "invalid-key": DataError,
    "invalid-primary-key": DataError,
    "no-key": DataError,
    "key-given": DataError,
    "key-missing": DataError,
    "path-invalid-key": DataError,
    "path-no-value": DataError,
    "cannot-inject": DataError,
    "cannot-clone": DataCloneError,
    "lower-greater": DataError,
    "empty-range": DataError,
    "inactive": TransactionInactiveError,
    "finished": TransactionInactiveError,
    "read-only": ReadOnlyError,
    "closing": InvalidStateError,
    "upgrading": InvalidStateError,
    "empty-scope": InvalidAccessError,
    "unknown-store": NotFoundError,
    "store-not-found": NotFoundError,
    "index-not-found": NotFoundError,
    "not-upgrading": InvalidStateError,
    "store-exists": ConstraintError,
    "index-exists": ConstraintError,
    "bad-key-path": SyntaxError_,
    "generator-path": InvalidAccessError,
    "multi-entry-array": InvalidAccessError,
    "store-deleted": InvalidStateError,
    "index-deleted": InvalidStateError,
    "cursor-busy": InvalidStateError,
    "cursor-deleted": InvalidStateError,
    "key-cursor": InvalidStateError,
    "not-an-index": InvalidAccessError,
    "unique-direction": InvalidAccessError,
    "not-after": DataError,
    "not-before": DataError,
    "key-before": DataError,
    "key-after": DataError,
    "other-key": DataError,
    "cursor-not-opened": UnknownError,
    "key-exists": ConstraintError,
    "index-not-unique": ConstraintError,
    "generator-exhausted": ConstraintError,
    "aborted": AbortError,
    "upgrade-aborted": AbortError,
    "connection-closed": AbortError,
    "uncaught": AbortError,
    "version-too-low": VersionError,
}
_VIOLATIONS: Final = {"key": "key-exists", "index": "index-not-unique", "generator": "generator-exhausted"}


_NOBODY_TO_ASK: Final = (AccessDeniedError, DaemonUnavailableError, HomeInUseError)


class DOMExceptions:
    """Makes the exceptions of one browser, which it asks for when it needs it first."""

    def __init__(self, browser: Callable[[], Browser]) -> None:
        self._browser = browser

    @cached_property
    def browser(self) -> Browser:
        return self._browser()

    @cached_property
    def texts(self) -> ErrorTexts:
        return ErrorTexts(self.browser)

    def error(
        self,
        reason: str,
        method: str = "",
        interface: str = "",
        *,
        kind: type[DOMError] | None = None,
        hint: str | None = None,
        **fields: object,
    ) -> DOMError:
        """The exception for a reason; ``kind`` where the specification throws another class there."""
        text = self.texts.of(reason, method, interface, **fields)
        return (kind or _CLASSES[reason])(text, hint=hint)

    def type_error(self, reason: str, method: str, interface: str, **fields: object) -> TypeError:
        return TypeError(self.texts.of(reason, method, interface, **fields))

    def not_cloneable(self, problem: DataCloneError, method: str, interface: str) -> DOMError:
        what = problem.message
        named = what.removeprefix("#<").replace("> could", " object could")
        if what.startswith("function"):
            named = "Function object could not be cloned."
        return self.error("cannot-clone", method, interface, hint=problem.hint, what=what, firefox_what=named)

    def of_request(self, problem: BaseException) -> BaseException:
        """What a request ends with, for what the backing store says."""
        if isinstance(problem, ConstraintViolation):
            return self.error(_VIOLATIONS[problem.reason], name=problem.index)
        if isinstance(problem, DOMError):
            return problem
        error = UnknownError(str(problem))
        error.__cause__ = problem
        return error

    def of_factory(self, problem: BaseException) -> BaseException:
        """What a factory's request ends with. That there is nobody to ask is no failure of a database."""
        return problem if isinstance(problem, _NOBODY_TO_ASK) else self.of_request(problem)

    def of_change(self, problem: BaseException) -> BaseException:
        """What a transaction is aborted with when a change of the schema failed."""
        if isinstance(problem, ConstraintViolation):
            return self.error("index-not-unique", "createIndex", name=problem.index)
        return self.of_request(problem)

    def of_commit(self, problem: BaseException) -> BaseException:
        """What a transaction ends with when its commit failed."""
        if isinstance(problem, QuotaExceededError) and problem.unit == "disk" and not problem.limit:
            return problem
        return self.of_request(problem)
