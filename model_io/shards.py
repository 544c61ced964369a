"""Weight files: how the official converter names and cuts them."""

from __future__ import annotations

from .composite_buffer import CompositeBuffer

DEFAULT_SHARD_BYTES = 4 << 20
"""What the official converter cuts weights into; a multiple of browsers' cache entries of that time."""


def shard_path(group: int, shard: int, shards: int) -> str:
    """``group1-shard2of15.bin``; groups and shards count from 1."""
    return f"group{group}-shard{shard}of{shards}.bin"


def split(
    weights: CompositeBuffer, shard_bytes: int = DEFAULT_SHARD_BYTES, group: int = 1
) -> dict[str, CompositeBuffer]:
    """The files of one group, by name, each of ``shard_bytes`` bytes but the last; no bytes give no file.

    Boundaries of tensors are not minded, as in the converter. Nothing is copied.
    """
    if shard_bytes < 1:
        raise ValueError(f"a shard has at least 1 byte, not {shard_bytes}")
    starts = range(0, weights.byte_length or 0, shard_bytes)
    return {
        shard_path(group, number, len(starts)): CompositeBuffer(weights.views(start, start + shard_bytes))
        for number, start in enumerate(starts, 1)
    }
