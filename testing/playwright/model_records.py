"""The records of TensorFlow.js's database, for stores whose IndexedDB is out of reach: through their models.

A daemon's clients have models before they have IndexedDB; this is all that a page with TensorFlow.js keeps there.
"""

from __future__ import annotations

from typing import Any

from ...errors import NotInThisVersionError
from ...model_io import ecma_json
from ...model_io.artifacts_info import ModelArtifactsInfo
from ...model_io.indexed_db import DATABASE_NAME, DATABASE_VERSION, INFO_STORE_NAME, KEY_PATH, MODEL_STORE_NAME
from ...model_io.store import AsyncStore
from ...model_io.types import ModelArtifacts
from .script_values import member, read_member

_SCHEME = "indexeddb://"


async def collect_models(store: AsyncStore) -> list[dict[str, Any]]:
    """The database ``tensorflowjs`` as an entry of a storage state, in a list that is empty without models."""
    infos = {url: info for url, info in (await store.list_models()).items() if url.startswith(_SCHEME)}
    if not infos:
        return []
    models = [_model_record(url, info, await store.load(url)) for url, info in infos.items()]
    shown = [{KEY_PATH: url.removeprefix(_SCHEME), "modelArtifactsInfo": _info(info)} for url, info in infos.items()]
    stores = [_store(INFO_STORE_NAME, shown), _store(MODEL_STORE_NAME, models)]
    return [{"name": DATABASE_NAME, "version": DATABASE_VERSION, "stores": stores}]


async def restore_models(store: AsyncStore, databases: list[dict[str, Any]]) -> None:
    """Saves the models of such an entry; they are dated anew.

    Raises NotInThisVersionError, before anything is saved, where there are databases of others.
    """
    if others := [database["name"] for database in databases if database["name"] != DATABASE_NAME]:
        raise NotInThisVersionError(f"This store takes no databases but TensorFlow.js's: {', '.join(others)}")
    for database in databases:
        (records,) = [each["records"] for each in database["stores"] if each["name"] == MODEL_STORE_NAME]
        for record in records:
            value = read_member("value", record)
            await store.save(_SCHEME + value[KEY_PATH], _artifacts(value["modelArtifacts"]))


def _store(name: str, values: list[dict[str, Any]]) -> dict[str, Any]:
    records = [member("value", value) for value in values]
    return {"name": name, "autoIncrement": False, "keyPath": KEY_PATH, "records": records, "indexes": []}


def _model_record(url: str, info: ModelArtifactsInfo, artifacts: ModelArtifacts) -> dict[str, Any]:
    fields = {wire: ecma_json.parse(text) for wire, text in artifacts.texts().items()}
    fields["weightData"] = artifacts.joined_weight_data() or b""
    return {KEY_PATH: url.removeprefix(_SCHEME), "modelArtifacts": fields, "modelArtifactsInfo": _info(info)}


def _info(info: ModelArtifactsInfo) -> dict[str, Any]:
    return {**ecma_json.parse(info.to_json()), "dateSaved": info.date_saved}


def _artifacts(fields: dict[str, Any]) -> ModelArtifacts:
    data = fields.pop("weightData", None)
    return ModelArtifacts.from_texts({wire: ecma_json.stringify(value) for wire, value in fields.items()}, data)
