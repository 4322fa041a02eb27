"""Memory that a server shares with one of its workers, for what is too large to be written through a socket."""

import mmap
import os
import tempfile
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from stepwell.deploy.calls import Numbers

_ALIGNED = 64
SIZE = 2**28
"""Bytes of an arena. Pages that were never written take no memory."""


def new_memory(size: int = SIZE) -> int:
    """A file descriptor of memory that only those who inherit it can see; it goes when the last of them closes it."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("stepwell")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


class Arena:
    """The memory behind a descriptor, filled from its beginning. One side writes, the other reads; they take turns."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, 0)
        self._end = 0

    def clear(self) -> None:
        """Begin anew; what was written is not kept."""
        self._end = 0

    def reserve(self, size: int) -> int:
        """The place of `size` bytes that are to be written. Raises `MemoryError` where they do not fit."""
        place = -(-self._end // _ALIGNED) * _ALIGNED
        if place + size > len(self._memory):
            raise MemoryError(f"{size:,} bytes do not fit into what is left of {len(self._memory):,}")
        self._end = place + size
        return place

    def write(self, data: bytes | memoryview) -> tuple[int, int]:
        """Copy bytes into it; returns their place and their number."""
        view = memoryview(data).cast("B")
        place = self.reserve(view.nbytes)
        self._memory[place : place + view.nbytes] = view
        return place, view.nbytes

    def read(self, place: int, size: int) -> bytes:
        """A copy of bytes that were written."""
        return self._memory[place : place + size]

    def array(self, dtype: str, shape: Sequence[int], place: int) -> Numbers:
        """An array on the memory itself, which later batches overwrite."""
        return np.frombuffer(self._memory, np.dtype(dtype), prod(shape), place).reshape(shape)

    def stack(self, arrays: Sequence[Numbers]) -> list[Any]:
        """Copy arrays into it one behind another, as the rows of one; returns `[dtype, shape, place]` for `array`."""
        shape = (sum(map(len, arrays)), *arrays[0].shape[1:])
        dtype = arrays[0].dtype
        place = self.reserve(dtype.itemsize * prod(shape))
        np.concatenate(arrays, out=self.array(dtype.str, shape, place))
        return [dtype.str, list(shape), place]

    def close(self) -> None:
        """Give the memory back, once no array on it is in use."""
        self._memory.close()
