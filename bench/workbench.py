"""What every row works with: a directory on the disk that counts, daemons, the number of rounds, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import tfjsd
from tfjsd.testing.daemon_process import DaemonProcess

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Workbench:
    """One run of the benchmark. ``missing`` gathers the peers that this machine lacks, each with the way to get it."""

    base: Path
    rounds: int
    missing: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def directory(self) -> Iterator[Path]:
        """A fresh one, removed at the end."""
        with TemporaryDirectory(dir=self.base, prefix="tfjsd-bench-") as name:
            yield Path(name)

    @contextmanager
    def daemon(self) -> Iterator[DaemonProcess]:
        """A daemon on a fresh home, stopped at the end."""
        with self.directory() as directory, DaemonProcess(directory / "home") as daemon:
            yield daemon


def model(weights: bytes | bytearray | memoryview) -> tfjsd.ModelArtifacts:
    """A model of one weight tensor of float32."""
    specs = [{"name": "w", "shape": [len(weights) // 4], "dtype": "float32"}]
    return tfjsd.ModelArtifacts({"class_name": "Sequential"}, specs, weights)


def numbered(weights: bytearray, number: int) -> bytearray:
    """The same weights with another head: no store holds these bytes already."""
    weights[:8] = number.to_bytes(8, "little", signed=True)
    return weights
