"""How a kernel is started: the block that a row is read in, the threads, the device."""

import contextlib
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

# Entries of a row that stay on the chip: with 32 float32 a thread of 1024, half the registers of
# a multiprocessor.
ON_CHIP = 2**15
# Longer rows are read in blocks of this many: twice 16 bytes of half precision a thread. One such
# row at a time on each of 132 multiprocessors is 34 MB at 128K classes of half precision, so that
# the level-2 cache (50 MB) still holds most of what a second reading asks for.
LONG_BLOCK = 2**14
# Each thread has this many entries of a short row.
ENTRIES_PER_THREAD = 16
# What a thread reads at once.
BYTES_AT_ONCE = 16
# Where a lane keeps much of its part of a row, a block is 256 threads, of 8 entries each or, of
# float64, of 4: beyond that registers spill.
STREAMED, STREAMED_WIDE = 2**11, 2**10
# Separate gradients are made in blocks of 256 threads, each a program of its own.
SLOPES, SLOPES_WIDE = 2**12, 2**10
SHORTEST = 64
FLOATS = (torch.float32, torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Blocks:
    """How many entries a program takes at once, whether that is all, and with how many warps."""

    size: int
    whole: bool
    warps: int


def held_blocks(classes: int) -> Blocks:
    """Blocks for rows that stay on the chip if they fit.

    >>> held_blocks(1000), held_blocks(128_256)
    (Blocks(size=1024, whole=True, warps=2), Blocks(size=16384, whole=False, warps=32))
    """
    if classes > ON_CHIP:
        return Blocks(LONG_BLOCK, False, 32)
    size = max(SHORTEST, power_of_two(classes))
    return Blocks(size, True, max(1, min(32, size // (32 * ENTRIES_PER_THREAD))))


def streamed_blocks(classes: int, wide: bool) -> Blocks:
    """Blocks for rows that are read block by block, with much to keep of each."""
    return _of_256_threads(classes, STREAMED_WIDE if wide else STREAMED)


def slope_blocks(classes: int, wide: bool = False) -> Blocks:
    """Blocks of a gradient whose entries need nothing of each other."""
    return _of_256_threads(classes, SLOPES_WIDE if wide else SLOPES)


def _of_256_threads(classes: int, most: int) -> Blocks:
    size = min(most, max(SHORTEST, power_of_two(classes)))
    return Blocks(size, size >= classes, max(1, 8 * size // most))


def power_of_two(count: int) -> int:
    """The smallest power of two that is not below ``count``.

    >>> power_of_two(129)
    256
    """
    return 1 << max(0, count - 1).bit_length()


def on_device(t: Tensor) -> "contextlib.AbstractContextManager[Any]":
    """Triton starts kernels on the current device, which need not be the tensor's."""
    return torch.cuda.device(t.device) if t.is_cuda else contextlib.nullcontext()


def why_no_rows(x: Tensor) -> str | None:
    """Why scores cannot be read row by row; None if they can."""
    if x.dtype not in FLOATS:
        return f"{x.dtype} takes the formula"
    if not x.numel():
        return "there are no entries"
    if x.dim() != 2:
        return "the classes are not the last of two dimensions"
    if x.shape[1] > 1 and x.stride(1) != 1:
        return "the classes of a row do not lie side by side"
    return None


def is_wide(x: Tensor) -> bool:
    """Whether slopes that cancel are made in float64, as float32's must be."""
    return x.dtype == torch.float32


def side_of(x: Tensor) -> int:
    """Scores side by side that a thread reads at once."""
    return BYTES_AT_ONCE // x.element_size()


def slope_like(x: Tensor) -> Tensor | None:
    """Room for a gradient that is made with the loss.

    None in float16: what a mean divides small there, a later loss scale could not bring back.
    """
    made = x.dtype != torch.float16
    return torch.empty(x.shape, dtype=x.dtype, device=x.device) if made else None


def per_item(scale: Tensor, items: int) -> tuple[Tensor, int]:
    """One scale for all or one an item, and the stride from one to the next."""
    if not scale.dim():
        return scale, 0
    return scale.reshape(items).contiguous(), 1


def options_of(blocks: Blocks) -> dict[str, Any]:
    """The launch options of a block's kernel."""
    return {"num_warps": blocks.warps}
