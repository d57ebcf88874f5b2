"""How the process gets its memory from the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Mapping

# mallopt(3): names of glibc's malloc.h; the values are ints
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8
_MAPPED = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 2**28}
_ONE_HEAP = {**_MAPPED, _ARENA_MAX: 1}


def keep_memory_mapped() -> bool:
    """Let freed memory stay with the process, for work that needs it again at once.

    glibc maps every large block anew and unmaps it when it is freed, so that the kernel clears
    each page again for each tensor: half of a training step on a CPU. With this, blocks of all
    sizes come from the heap, which grows by 256 MiB and is given back from 2 GiB of free space at
    its end. The process keeps what it once needed.

    Returns:
        True where it is in force; False, and nothing is changed, without Linux and glibc.
    """
    return _set(_MAPPED)


def keep_memory_in_one_heap() -> bool:
    """As `keep_memory_mapped`, and let all threads share one heap.

    For avatars, alone or in a batch: sessions are opened, photos decoded and avatars written on
    several threads, and what one of them frees in a heap of its own is of no use to the next. To be
    called before they start.

    Returns:
        As `keep_memory_mapped`.
    """
    return _set(_ONE_HEAP)


def _set(settings: Mapping[int, int]) -> bool:
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        return False
    return all(libc.mallopt(name, value) for name, value in settings.items())
