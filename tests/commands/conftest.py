"""A store in memory that counts as a client: enough to test what the commands make of it."""

import io
import json
import re
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tfjsd.errors import ModelExistsError, ModelNotFoundError, QuotaExceededError, UnsupportedURLError
from tfjsd.model_io.store import StorageEstimate
from tfjsd.model_io.types import ModelArtifacts, SaveResult


@pytest.fixture(autouse=True, scope="session")
def interruptible():
    """A shell has what it starts in the background ignore Ctrl-C, and the commands that are tested would inherit that."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


SAVED = datetime(2026, 11, 20, 12, 0, 0, 123000, tzinfo=UTC)


class FakeArea(dict):
    """localStorage as far as the commands use it."""

    def __init__(self, items):
        super().__init__(items)
        self._items = items

    def get_item(self, key):
        return self._items.get(key)

    def set_item(self, key, value):
        self._items[key] = value

    def remove_item(self, key):
        self._items.pop(key, None)

    def clear(self):
        self._items.clear()

    def update(self, items):  # type: ignore[override]  # all that the commands need
        self._items.update(items)


class FakeStore:
    """``worlds``: origin -> url -> ModelArtifacts."""

    def __init__(self, worlds, origin="http://localhost", areas=None):
        self.worlds = worlds
        self.areas = {} if areas is None else areas
        self.origin = origin
        self.closed = False
        self.full = False

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.closed = True

    @property
    def models(self):
        return self.worlds.setdefault(self.origin, {})

    def with_origin(self, origin):
        return FakeStore(self.worlds, origin, self.areas)

    def list_models(self):
        return {url: model.info(SAVED) for url, model in self.models.items()}

    def origins(self):
        return {
            origin: StorageEstimate(1000, 10_000, {"localStorage": 10, "indexedDB": 990}, 5, 5_242_880, len(models))
            for origin, models in self.worlds.items()
        }

    def estimate(self):
        return StorageEstimate(1000, 10_000, {"localStorage": 10, "indexedDB": 990}, 5, 5_242_880, len(self.models))

    def status(self):
        return {"browser": "chrome"}

    def local_storage(self):
        return FakeArea(self.areas.setdefault(self.origin, {}))

    def load(self, url, *, on_progress=None, **_):
        if not isinstance(url, str):
            return url.load()
        if url not in self.models:
            raise ModelNotFoundError(f"Cannot find model '{url}'")
        if on_progress is not None:
            on_progress(1, 1)
        return self.models[url]

    def save(self, url, artifacts, *, overwrite=True, include_optimizer=True, on_progress=None, **_):
        if not isinstance(url, str):
            return url.save(artifacts)
        if not overwrite and url in self.models:
            raise ModelExistsError(f"{url} exists")
        if self.full:
            raise QuotaExceededError("too much", hint="make room")
        self.models[url] = artifacts
        return SaveResult(artifacts.info(SAVED))

    def copy_model(self, source, dest, *, overwrite=True):
        return self.save(dest, self.load(source), overwrite=overwrite).model_artifacts_info

    def move_model(self, source, dest, *, overwrite=True):
        if "://" not in str(source):
            raise UnsupportedURLError("no manager")
        found = self.copy_model(source, dest, overwrite=overwrite)
        del self.models[source]
        return found

    def remove_model(self, url):
        if url not in self.models:
            raise ModelNotFoundError(f"Cannot find model '{url}'")
        return self.models.pop(url).info(SAVED)


def model(weights=4):
    """A model of ``weights`` float32."""
    specs = [{"name": "w", "shape": [weights], "dtype": "float32"}]
    return ModelArtifacts({"class_name": "Sequential"}, specs, bytes(4 * weights), format="layers-model")


class Run:
    """One command line against the fake: ``code``, ``out``, ``err``."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"<exit {self.code}>\n{self.out}\n--\n{self.err}"


class Terminal(io.TextIOWrapper):
    """A stream that may say that it is a terminal."""

    terminal = False

    def __init__(self, content=b""):
        self.raw_bytes = io.BytesIO(content)
        super().__init__(self.raw_bytes, encoding="utf-8")

    def isatty(self):
        return self.terminal

    def content(self):
        self.flush()
        return self.raw_bytes.getvalue().decode("utf-8", "surrogatepass")


@pytest.fixture
def store():
    """The fake, with two models here and one elsewhere."""
    return FakeStore(
        {
            "http://localhost": {"localstorage://small": model(4), "indexeddb://mnist": model(1_000_000)},
            "https://app.example": {"indexeddb://theirs": model(10)},
        }
    )


@pytest.fixture
def run(store, monkeypatch):
    """``run("list", …, stdin=b"", terminal=False)``."""
    from tfjsd.cli import main

    def connect(target, *, home, origin, autostart):
        return store if origin is None else store.with_origin(origin)

    def run(*argv, stdin=b"", terminal=False):
        streams = {"stdin": Terminal(stdin), "stdout": Terminal(), "stderr": Terminal()}
        for name, stream in streams.items():
            stream.terminal = terminal
            monkeypatch.setattr(sys, name, stream)
        code = main(argv, connect=connect)
        return Run(code, streams["stdout"].content(), streams["stderr"].content())

    return run


@pytest.fixture
def make_model():
    return model


# -- The schemas of docs/cli.md ----------------------------------------------------------------------------------------

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}
KEYWORDS = {"type", "required", "properties", "additionalProperties", "items", "enum", "anyOf", "pattern", "$ref"}


def _is_a(kind, value):
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


class Schemas:
    """JSON Schema, as far as docs/cli.md uses it: an unknown keyword is an error, not a pass."""

    def __init__(self, text):
        blocks = re.findall(r"^```json schema=([a-z-]+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        self._schemas = {name: json.loads(block) for name, block in blocks}
        assert len(self._schemas) == len(blocks)

    def names(self):
        return list(self._schemas)

    def check_schema(self, name):
        self._check(self._schemas[name])

    def _check(self, schema):
        assert schema.keys() <= KEYWORDS
        if "$ref" in schema:
            assert schema["$ref"][1:] in self._schemas
        children = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
        for child in [*children, schema.get("items"), schema.get("additionalProperties")]:
            if child:
                self._check(child)

    def validate(self, name, document):
        """Raises AssertionError that names the place."""
        self._validate(self._schemas[name], document, name)

    def _validate(self, schema, value, where):
        if "$ref" in schema:
            self.validate(schema["$ref"][1:], value)
        if "anyOf" in schema:
            assert any(self._fits(choice, value, where) for choice in schema["anyOf"]), f"{where}: {value!r}"
        if "enum" in schema:
            assert value in schema["enum"], f"{where}: {value!r}"
        if "type" in schema:
            kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            assert any(_is_a(kind, value) for kind in kinds), f"{where}: {value!r} is not {kinds}"
        if "pattern" in schema and isinstance(value, str):
            assert re.search(schema["pattern"], value), f"{where}: {value!r}"
        if isinstance(value, dict):
            self._validate_object(schema, value, where)
        for item in value if isinstance(value, list) else []:
            self._validate(schema.get("items", {}), item, f"{where}[]")

    def _validate_object(self, schema, value, where):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        for name in schema.get("required", []):
            assert name in value, f"{where} lacks {name}"
        for name, member in value.items():
            assert name in known or others is not False, f"{where}.{name} is not described"
            self._validate(known.get(name, others), member, f"{where}.{name}")

    def _fits(self, schema, value, where):
        try:
            self._validate(schema, value, where)
        except AssertionError:
            return False
        return True


@pytest.fixture(scope="session")
def schemas():
    return Schemas((Path(__file__).parents[2] / "docs" / "cli.md").read_text())
