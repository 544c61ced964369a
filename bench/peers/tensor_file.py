"""A safetensors file."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file


def save(path: Path, weights: bytes | bytearray) -> float:
    """On stable storage; seconds."""
    tensors = {"w": np.frombuffer(weights, np.uint8)}
    started = time.perf_counter()
    save_file(tensors, path)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return time.perf_counter() - started


def load(path: Path) -> np.ndarray:
    """The tensor, read into memory."""
    return load_file(path)["w"]
