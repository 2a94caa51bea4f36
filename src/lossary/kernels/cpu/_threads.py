"""Kernels on torch's threads: a kernel frees Python's lock, so plain calls run side by side.

After each parallel operation of torch its threads spin for a while, in wait of the next one. Other
threads would share the processors with these, so that two halves take as long as the whole; the
work is therefore handed to the very same threads, through the OpenMP library that torch loaded.
Where there is none (not Linux, or after a fork, which OpenMP does not survive), Python threads do.
"""

import ctypes
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

# Handing a part to another thread costs about as long as this many exponentials take.
ENTRIES_PER_THREAD = 2**15

# What OpenMP hands over, a pointer, is not looked at.
_Body = ctypes.CFUNCTYPE(None)
_after_fork = False


def share(kernel: Callable[..., None], count: int, entries: int, *arguments: Any) -> None:
    """Call ``kernel(*arguments, start, stop)`` on parts of ``range(count)``, all at once."""
    parts = max(1, min(torch.get_num_threads(), entries // ENTRIES_PER_THREAD, count))
    edges = list(itertools.pairwise(count * part // parts for part in range(parts + 1)))
    team = None if parts == 1 or _after_fork else _openmp()
    if parts == 1:
        kernel(*arguments, *edges[0])
    elif team is not None:
        kernel(*arguments, 0, 0)  # it is compiled here, where an error can be raised
        _share_among(team, partial(kernel, *arguments), edges)
    else:
        others = [_pool(parts - 1).submit(kernel, *arguments, *part) for part in edges[1:]]
        kernel(*arguments, *edges[0])
        for other in others:
            other.result()


def _share_among(
    team: Callable[..., None], do: Callable[[int, int], None], parts: list[tuple[int, int]]
) -> None:
    """Let as many threads as there are parts take one after the other, until none is left.

    What runs inside the team must not be Python's own code: Ctrl-C is raised between two of its
    steps, and in a call that comes from C it would be lost. These iterators are C, as kernels are.
    """
    done: list[None] = []
    left = filter(done.append, itertools.starmap(do, parts))
    team(_Body(partial(next, left, None)), None, len(parts), 0)
    next(left, None)
    if len(done) < len(parts):
        raise RuntimeError(f"{len(parts) - len(done)} of {len(parts)} parts of a kernel failed")


@cache
def _openmp() -> Callable[..., None] | None:
    """``GOMP_parallel`` of the library that torch runs on, if that is what it runs on."""
    for library in sorted((Path(torch.__file__).parent / "lib").glob("libgomp*.so*")):
        if str(library) not in _loaded():
            continue
        found: Any = getattr(ctypes.CDLL(str(library)), "GOMP_parallel", None)
        if found is not None:
            found.argtypes = [_Body, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
            found.restype = None
            team: Callable[..., None] = found
            return team
    return None


def _loaded() -> str:
    """What this process has mapped: loading a second OpenMP would be worse than none."""
    maps = Path("/proc/self/maps")
    return maps.read_text(encoding="utf-8", errors="replace") if maps.exists() else ""


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="lossary")


def _forked() -> None:
    global _after_fork
    _after_fork = True
    _pool.cache_clear()


os.register_at_fork(after_in_child=_forked)
