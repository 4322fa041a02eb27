"""The processor's memory for big tensors: kept between steps, not handed to the system and asked for again."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Of <malloc.h>, and in bytes. Blocks of the threshold and more are never kept: their leftovers would be too big.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST = 2**25  # what glibc's own rule grows the threshold to
_ALWAYS, _USUALLY = 2**31 - 1, 2 * _LARGEST


@contextmanager
def memory_kept() -> Iterator[None]:
    """Keep the memory that a step frees for the next, and give it back at the end.

    glibc hands the end of its heap back to the system as soon as it is free, and the system clears every page of it when the
    next step asks again: up to a fifth of a step of a small convolutional network. Here what tensors below 32 MB leave stays
    with the process. Nothing happens with another C library, or where the user has set malloc by environment variables.
    """
    glibc = _glibc()
    if glibc is None:
        yield
        return
    glibc.mallopt(_MMAP_THRESHOLD, _LARGEST)
    glibc.mallopt(_TRIM_THRESHOLD, _ALWAYS)
    try:
        yield
    finally:
        glibc.mallopt(_TRIM_THRESHOLD, _USUALLY)
        glibc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library, where it is glibc and the user has not told it what to do."""
    told = [name for name in os.environ if name.startswith("MALLOC_")] or "malloc" in os.environ.get(
        "GLIBC_TUNABLES", ""
    )
    library = ctypes.CDLL(None) if sys.platform == "linux" and not told else None
    return library if hasattr(library, "gnu_get_libc_version") else None
