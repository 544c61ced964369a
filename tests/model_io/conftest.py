"""What the tests of the formats share: Node.js as a reference, and the models that TensorFlow.js wrote."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

_CANONICAL_TEXTS = """
const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const canonical = text => { try { return JSON.stringify(JSON.parse(text)); } catch (error) { return null; } };
process.stdout.write(JSON.stringify(texts.map(canonical)));
"""


@pytest.fixture
def node() -> Callable[[list[str]], list[str | None]]:
    """``JSON.stringify(JSON.parse(text))`` by Node.js for each text, None where it is refused; one process for all."""

    def canonical_texts(texts: list[str]) -> list[str | None]:
        command = ["node", "-e", _CANONICAL_TEXTS]
        run = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)
        answers: list[str | None] = json.loads(run.stdout)
        return answers

    return canonical_texts


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """``tests/fixtures``: what TensorFlow.js itself wrote."""
    return Path(__file__).parent.parent / "fixtures"
