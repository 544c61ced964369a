"""Both blob stores pass the shared suite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tfjsd.storage_backends.abc import BlobStore
from tfjsd.storage_backends.blobs import FileBlobStore
from tfjsd.storage_backends.memory_blobs import MemoryBlobStore
from tfjsd.testing.conformance.blob_store import BlobStoreConformance


class TestMemoryBlobStore(BlobStoreConformance):
    @pytest.fixture
    def blobs(self) -> BlobStore:
        return MemoryBlobStore()

    def raw_get(self, blobs: Any, digest: str) -> bytes | None:
        return blobs._data.get(digest)

    def raw_set(self, blobs: Any, digest: str, data: bytes | None) -> None:
        blobs._data.pop(digest) if data is None else blobs._data.update({digest: data})


class TestFileBlobStore(BlobStoreConformance):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> BlobStore:
        return FileBlobStore(tmp_path / "blobs")

    def raw_get(self, blobs: Any, digest: str) -> bytes | None:
        path = blobs._directory / digest
        return path.read_bytes() if path.exists() else None

    def raw_set(self, blobs: Any, digest: str, data: bytes | None) -> None:
        path = blobs._directory / digest
        path.unlink()
        if data is not None:
            path.write_bytes(data)
