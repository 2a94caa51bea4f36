"""Kernels on torch's number of threads: plain Python threads, since a kernel frees the lock."""

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import torch

# Handing a part to another thread costs about as long as this many exponentials take.
ENTRIES_PER_THREAD = 2**15


def share(kernel: Callable[..., None], count: int, entries: int, *arguments: Any) -> None:
    """Call ``kernel(*arguments, start, stop)`` on parts of ``range(count)``, all at once.

    A pool of our own rather than the compiler's: it follows ``torch.set_num_threads``, may be
    entered from several threads, and is made anew in a forked process.
    """
    parts = max(1, min(torch.get_num_threads(), entries // ENTRIES_PER_THREAD, count))
    if parts == 1:
        kernel(*arguments, 0, count)
        return
    (first, last), *rest = itertools.pairwise(count * part // parts for part in range(parts + 1))
    others = [_pool(parts - 1).submit(kernel, *arguments, *edges) for edges in rest]
    kernel(*arguments, first, last)
    for other in others:
        other.result()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="lossary")


os.register_at_fork(after_in_child=_pool.cache_clear)
