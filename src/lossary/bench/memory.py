"""Memory: what a step takes at its highest, and what the machine has left."""

import ctypes
import gc
import os
from collections.abc import Callable
from pathlib import Path

import torch

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
# Of what is free, the part that a measurement may take: other programs breathe too.
SHARE = 0.85

# A process with these gives every large tensor back to the system as soon as it is freed. What
# the allocator kept of an earlier step would else hide how much the next one takes.
GIVING_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def can_measure(device: str = "cpu") -> bool:
    """Whether the peak of a step can be seen: on Linux, or on a GPU."""
    return device == "cuda" or (RESET.exists() and os.access(RESET, os.W_OK))


def peak_bytes(step: Callable[[], None], device: str = "cpu") -> int | None:
    """By how much one step raises the memory in use at its highest; None where nobody can say.

    On the CPU this is the process's resident size, so gradients of an earlier step must be gone.
    """
    if device == "cuda":
        return _peak_on_the_gpu(step)
    if not can_measure():
        return None
    gc.collect()
    _trim()
    RESET.write_text("5", encoding="ascii")  # the high-water mark starts anew
    before = _kilobytes("VmRSS")
    step()
    return 1024 * max(0, _kilobytes("VmHWM") - before)


def _peak_on_the_gpu(step: Callable[[], None]) -> int:
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    torch.cuda.synchronize()
    return max(0, torch.cuda.max_memory_allocated() - before)


def _trim() -> None:
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, others need not
    if trim is not None:
        trim(0)


def _kilobytes(key: str) -> int:
    for line in STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(key):
            return int(line.split()[1])
    raise ValueError(f"{STATUS} lacks {key}")


def available_bytes(device: str = "cpu") -> int | None:
    """What may be taken now without harm; None where the system does not say."""
    if device == "cuda":
        return int(SHARE * torch.cuda.mem_get_info()[0])
    limits = [found for found in (_free(), _left_in_group()) if found is not None]
    return int(SHARE * min(limits)) if limits else None


def _free() -> int | None:
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable"):
                return 1024 * int(line.split()[1])
    try:  # macOS tells how much there is, not how much is free: half of it is a fair guess
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return None


def _left_in_group(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What a container's limit leaves, under either version of control groups."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            allowed, taken = ((root / name).read_text(encoding="ascii") for name in (limit, used))
        except OSError:
            continue
        if allowed.strip().isdigit():
            return max(0, int(allowed) - int(taken))
    return None
