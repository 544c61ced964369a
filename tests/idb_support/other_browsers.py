"""Which programs are played in Firefox and WebKit, and what is compared of them."""

from __future__ import annotations

import json
from typing import Any, Final

from .random_programs import ProgramMaker, WideProgramMaker, without_all_records, without_binaries
from .refusal_programs import PROGRAMS as REFUSALS

NAMES: Final = {"firefox": "firefox", "webkit": "safari"}
"""The engines, and what the browsers are called here."""
MAKERS: Final = {"narrow": ProgramMaker, "wide": WideProgramMaker}

KNOWN: Final = {
    ("firefox", "narrow", 10_131): "a cursor that moves while its transaction fails ends with that transaction's error",
}
"""Live programs that differ, and why."""


def program_for(engine: str, maker: str, seed: int) -> Any:
    """The program of a seed, without what the engine has not or damages."""
    program: Any = REFUSALS[seed] if maker == "refusals" else MAKERS[maker](seed).make()
    return without_all_records(without_binaries(program)) if engine == "webkit" else program


def is_silent(results: Any) -> bool:
    """Whether a request had no answer, so that the program could not go on, or the transaction ended without it.

    Firefox does so with a Map, a Date or a binary that is put where a key is generated into it, WebKit where it reads
    an index on what it has damaged.
    """
    return results is None or '"pending"' in json.dumps(results)
