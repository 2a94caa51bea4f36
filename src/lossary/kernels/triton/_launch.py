"""How a kernel is started: the block that a row is read in, the threads, the device."""

import contextlib
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

# Measured on an H100, each the best of what was tried: rows of so few bytes stay in the registers,
# with 32 entries a thread; up to 64 KB they are read twice in blocks of 256 threads, of which a
# multiprocessor runs several; longer ones with more threads, and the longest one at a time on each
# multiprocessor, so that the level-2 cache (50 MB) holds them all for the second reading.
ON_CHIP_BYTES, SEVERAL_BYTES, FEW_BYTES = 2**14, 2**16, 2**17 + 2**15
TWICE, LONGEST_BYTES = 2**13, 2**16
ENTRIES_PER_THREAD = 32
# Rows that are read once, in blocks of 16 warps with four times 16 bytes in flight a thread.
READ_ONCE = 2**14
# What a thread reads at once.
BYTES_AT_ONCE = 16
# Where a lane keeps much of its part of a row, a block is 256 threads, of 8 entries each or, of
# float64, of 4: beyond that registers spill.
STREAMED, STREAMED_WIDE = 2**11, 2**10
# Lanes that keep less of each have twice 16 bytes in flight.
TOKENS = 2**12
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


def row_blocks(x: Tensor, twice: bool) -> Blocks:
    """Blocks for rows whose gradient is made from what stays on the chip, or near it.

    >>> row_blocks(torch.empty(8, 1000), twice=True)
    Blocks(size=1024, whole=True, warps=1)
    >>> row_blocks(torch.empty(8, 128_256, dtype=torch.bfloat16), twice=True)
    Blocks(size=32768, whole=False, warps=32)
    """
    classes, width = x.shape[1], x.element_size()
    size = max(SHORTEST, power_of_two(classes))
    if classes * width <= ON_CHIP_BYTES:
        return Blocks(size, True, max(1, size // (32 * ENTRIES_PER_THREAD)))
    if not twice:
        return Blocks(min(size, READ_ONCE), size <= READ_ONCE, 16)
    if classes * width > FEW_BYTES:
        return Blocks(LONGEST_BYTES // width, False, 32)
    return Blocks(TWICE, False, 8 if classes * width <= SEVERAL_BYTES else 16)


def streamed_blocks(classes: int, wide: bool) -> Blocks:
    """Blocks for rows that are read block by block, with much to keep of each."""
    return _of_256_threads(classes, STREAMED_WIDE if wide else STREAMED)


def token_blocks(classes: int, wide: bool) -> Blocks:
    """Blocks for rows that are read once, with two sums and the falls of each lane to keep."""
    return _of_256_threads(classes, STREAMED_WIDE if wide else TOKENS)


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


def programs_of(blocks: Blocks, rows: int, classes: int, unlikely: bool) -> tuple[int, int]:
    """Programs for a gradient: one a block, or one a row where most likely none has work to do."""
    return rows, 1 if unlikely else -(-classes // blocks.size)


def reading(x: Tensor) -> dict[str, Any]:
    """How threads read rows: how many scores each at once, and whether those lie side by side."""
    side = BYTES_AT_ONCE // x.element_size()
    begins = x.data_ptr() % BYTES_AT_ONCE == 0 and x.stride(0) % side == 0
    return {"SIDE": side, "ALIGNED": begins and x.shape[1] % side == 0}


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
