"""How many items a Storage has: a number that may also be called."""

from __future__ import annotations


class Length(int):
    """``storage.length`` is the attribute that JavaScript has; ``storage.length()`` reads like AsyncStorage's."""

    __slots__ = ()

    def __call__(self) -> int:
        return int(self)
