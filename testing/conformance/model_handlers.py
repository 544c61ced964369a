"""What every store must do with handlers, which run in the calling process."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from ...errors import (
    ModelChangedError,
    TfjsdError,
    UnsupportedURLError,
)
from ...model_io.store import Store
from ...model_io.types import ModelArtifacts, SaveResult
from .models import BLOB, Handler, example, other


class ModelHandlers:
    """Needs a fixture ``store``."""

    def test_files(self, store: Store, tmp_path: Path) -> None:
        store.save("indexeddb://a", example(BLOB))
        store.copy_model("indexeddb://a", f"file://{tmp_path}/model")
        assert {path.name for path in (tmp_path / "model").iterdir()} == {"model.json", "weights.bin"}
        store.copy_model(tmp_path / "model" / "model.json", "localstorage://b")
        assert store.load("localstorage://b") == example(BLOB)
        assert store.load(f"file://{tmp_path}/model/model.json") == example(BLOB)
        store.save(tmp_path / "again", example())
        assert store.load(tmp_path / "again" / "model.json") == example()

    def test_a_move_out_of_the_store(self, store: Store, tmp_path: Path) -> None:
        store.save("indexeddb://a", example())
        store.move_model("indexeddb://a", tmp_path / "model")
        assert store.list_models() == {}
        assert store.load(tmp_path / "model" / "model.json") == example()

    def test_a_model_that_is_replaced_while_it_moves_out_is_kept(self, store: Store) -> None:
        class Slow(Handler):
            def save(self, artifacts: ModelArtifacts) -> SaveResult:
                elsewhere.append(threading.Thread(target=replace))
                elsewhere[0].start()
                elsewhere[0].join()
                return super().save(artifacts)

        def replace() -> None:
            store.save("indexeddb://a", other(BLOB))

        elsewhere: list[threading.Thread] = []
        store.save("indexeddb://a", example())
        handler = Slow()
        with pytest.raises(ModelChangedError):
            store.move_model("indexeddb://a", handler)
        assert handler.artifacts == example()
        assert store.load("indexeddb://a") == other(BLOB)

    def test_a_move_that_cannot_be_saved_keeps_the_model(self, store: Store, tmp_path: Path) -> None:
        store.save("indexeddb://a", example())
        (tmp_path / "taken").write_text("a file")
        with pytest.raises((TfjsdError, OSError)):
            store.move_model("indexeddb://a", tmp_path / "taken")
        assert store.load("indexeddb://a") == example()

    def test_what_is_no_part_of_the_store_cannot_be_moved_from(self, store: Store, tmp_path: Path) -> None:
        store.save(tmp_path / "model", example())
        for source in (f"file://{tmp_path}/model/model.json", tmp_path / "model" / "model.json"):
            with pytest.raises(UnsupportedURLError) as caught:
                store.move_model(source, "indexeddb://a")
            assert caught.value.message == "Cannot find model manager for scheme 'file'"
            assert caught.value.hint is not None
            assert "copy" in caught.value.hint
        assert store.list_models() == {}

    def test_handlers(self, store: Store) -> None:
        handler = Handler()
        store.save("indexeddb://a", example(BLOB))
        info = store.copy_model("indexeddb://a", handler)
        assert info.weight_data_bytes == BLOB
        assert handler.artifacts == example(BLOB)
        store.copy_model(Handler(other()), "localstorage://b")
        assert store.load("localstorage://b") == other()
        assert store.load(Handler(other())) == other()
        assert store.save(handler, other()).model_artifacts_info.weight_data_bytes == 8

    @pytest.mark.parametrize("form", ["nothing", "a mapping of objects", "a mapping of JSON"])
    def test_what_a_handler_returns_becomes_a_result(self, store: Store, form: str) -> None:
        class Own:
            def save(self, artifacts: ModelArtifacts) -> Any:
                info = artifacts.info()
                kept = json.loads(info.to_json()) if form == "a mapping of JSON" else info
                return None if form == "nothing" else {"modelArtifactsInfo": kept, "responses": [1]}

        result = store.save(Own(), example())
        assert isinstance(result, SaveResult)
        assert result.model_artifacts_info.weight_data_bytes == example().weight_data_bytes
        assert result.responses == (() if form == "nothing" else (1,))
        store.save("indexeddb://a", example())
        assert store.copy_model("indexeddb://a", Own()).weight_data_bytes == example().weight_data_bytes

    def test_a_handler_that_returns_something_else(self, store: Store) -> None:
        class Own:
            def save(self, artifacts: ModelArtifacts) -> Any:
                return {"ok": True}

        with pytest.raises(TypeError, match="must return a SaveResult, None, or a mapping with modelArtifactsInfo"):
            store.save(Own(), example())

    def test_what_is_no_model_is_not_saved(self, store: Store) -> None:
        wrong: Any = {"modelTopology": {}}
        for url in ("indexeddb://a", "localstorage://a"):
            with pytest.raises(TypeError, match=r"must be tfjsd\.ModelArtifacts, not dict"):
                store.save(url, wrong)

    def test_the_legacy_form_of_two_files(self, store: Store, tmp_path: Path) -> None:
        topology, manifest = tmp_path / "a.pb", tmp_path / "b.json"
        topology.write_bytes(b"graph")
        manifest.write_text(json.dumps([{"paths": ["w"], "weights": example().weight_specs}]))
        (tmp_path / "w").write_bytes(bytes(example().joined_weight_data() or b""))
        urls = [f"file://{topology}", f"file://{manifest}"]
        for pair in (urls, tuple(urls)):
            assert store.load(pair).weight_data_bytes == example().weight_data_bytes
        with pytest.raises(UnsupportedURLError, match="Cannot find any load handlers for URL 'a,b'"):
            store.load(["a", "b"])

    def test_an_unknown_durability(self, store: Store) -> None:
        wrong: Any = "x"
        for medium in ("indexeddb", "localstorage"):
            with pytest.raises(ValueError, match="durability"):
                store.save(f"{medium}://a", example(), durability=wrong)
        assert store.list_models() == {}

    def test_a_handler_that_cannot_do_it(self, store: Store) -> None:
        class Neither:
            pass

        nothing: Any = Neither()
        with pytest.raises(UnsupportedURLError, match="does not have the `save` attribute defined"):
            store.save(nothing, example())
        with pytest.raises(UnsupportedURLError, match="does not have the `load` method implemented"):
            store.load(nothing)
