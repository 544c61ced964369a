"""What tests of models and quotas assert."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, overload

from ..errors import QuotaExceededError
from ..model_io.types import ModelArtifacts
from .model_differences import differences

_SIGNS = (
    "QuotaExceededError",
    "size quota being exceeded is a possible cause of this failure",  # tfjs, localstorage://
    "exceeded the quota",  # Chrome, localStorage
    "The quota has been exceeded",  # Firefox and Safari, localStorage
    "exceeded its quota limitations",  # Firefox, IndexedDB
    "not enough space for domain",  # Safari, IndexedDB
)


class HasException(Protocol):
    """What ``pytest.raises`` gives."""

    @property
    def value(self) -> BaseException: ...


def assert_models_equal(actual: ModelArtifacts, expected: ModelArtifacts, rtol: float = 0) -> None:
    """Fails unless both have the same fields and weights; the message says which field and which weight differs.

    With ``rtol`` the values of float32, int32 and complex64 weights may be off by that much, relative to the expected
    ones; else bytes are compared, and numpy is not needed. How the weights are split into shards does not matter.
    """
    found = list(differences(actual, expected, rtol))
    if found:
        raise AssertionError("the models differ:\n" + "\n".join(f"  {line}" for line in found))


@overload
def assert_quota_exceeded(error: BaseException | HasException, /, *, unit: str | None = None) -> None: ...


@overload
def assert_quota_exceeded(*, unit: str | None = None) -> ExpectedQuotaError: ...


def assert_quota_exceeded(
    error: BaseException | HasException | None = None, /, *, unit: str | None = None
) -> ExpectedQuotaError | None:
    """Fails unless an exception says that a quota was exceeded: one of tfjsd, or Playwright's for what a page threw.

    With the exception (or pytest's ``ExceptionInfo``) as the argument it is checked at once. Without, it is a context
    manager whose block must raise such an exception; what it gives has it as ``error``. ``unit`` restricts tfjsd's to
    ``utf16``, ``byte`` or ``disk``.
    """
    if error is None:
        return ExpectedQuotaError(unit)
    _check(error if isinstance(error, BaseException) else error.value, unit)
    return None


@dataclass(slots=True)
class ExpectedQuotaError:
    """The context manager of ``assert_quota_exceeded``; ``error`` is what was raised in the block."""

    unit: str | None = None
    error: Exception | None = None

    def __enter__(self) -> ExpectedQuotaError:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[True]:
        if error is None:
            raise AssertionError("no quota was exceeded")
        if not isinstance(error, Exception):
            raise error
        _check(error, self.unit)
        self.error = error
        return True


def _check(error: BaseException, unit: str | None) -> None:
    if isinstance(error, QuotaExceededError):
        if unit is not None and error.unit != unit:
            raise AssertionError(f"the quota that was exceeded counts in {error.unit}, not in {unit}") from error
        return
    text = f"{getattr(error, 'name', '')} {getattr(error, 'message', '')} {error}"
    if not any(sign in text for sign in _SIGNS):
        raise AssertionError(f"this says nothing of a quota: {error!r}") from error
    if unit is not None:
        raise AssertionError(f"this does not say in what the quota counts: {error!r}") from error
