"""One JSON field of a model: text that becomes an object when somebody wants to see it."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidArtifactsError
from . import ecma_json
from .absent import ABSENT


class JsonField:
    """A JSON value held as canonical text, as the object, or (once the object was read) both.

    Text stays valid until a mutable object was handed out: nobody can tell then whether it was changed.
    """

    __slots__ = ("_text", "_value")

    def __init__(self, value: object) -> None:
        self._value = value
        self._text: str | None = None

    @classmethod
    def of_text(cls, text: str) -> JsonField:
        """A field of canonical JSON text, which is trusted until it is read."""
        field = cls(ABSENT)
        field._text = text
        return field

    @property
    def is_binary(self) -> bool:
        """Whether the value is binary data, which is no JSON."""
        return isinstance(self._value, bytes | bytearray | memoryview)

    def value(self) -> Any:
        """The object; a change made in it is seen by ``text``."""
        if self._value is ABSENT:
            assert self._text is not None
            self._value = ecma_json.parse(self._text)
        if isinstance(self._value, dict | list):
            self._text = None
        return self._value

    def text(self) -> str:
        """Canonical JSON text. Raises InvalidArtifactsError where the value has none."""
        text = self._text
        if text is not None:
            return text
        if self.is_binary:
            raise InvalidArtifactsError("binary data is no JSON")
        text = ecma_json.stringify(self._value)
        if not isinstance(self._value, dict | list):
            self._text = text
        return text

    def copy(self) -> JsonField:
        """An independent field of the same value."""
        if self.is_binary:
            return JsonField(self._value)
        return JsonField.of_text(self.text())

    def __getstate__(self) -> tuple[str | None, object]:
        if self.is_binary:
            return None, bytes(self._value)  # type: ignore[call-overload]
        return self.text(), ABSENT

    def __setstate__(self, state: tuple[str | None, object]) -> None:
        self._text, self._value = state
