"""How the kernels of two rows of logits are started: the same for every divergence."""

from typing import Any

import torch
from torch import Tensor

from lossary.kernels.triton._launch import (
    is_wide,
    on_device,
    options_of,
    per_item,
    slope_blocks,
    streamed_blocks,
    why_no_rows,
)

Pair = tuple[Tensor, ...]


def why_no_pair(pair: Pair) -> str | None:
    """Why two tensors cannot be read row by row; None if they can."""
    x, y = pair
    if x.dtype != y.dtype:
        return f"{x.dtype} beside {y.dtype}"
    return why_no_rows(x) or why_no_rows(y)


def run_losses(kernel: Any, pair: Pair, notes: int, **settings: Any) -> tuple[Tensor, Tensor]:
    """One number a row, in float64, and the row's notes."""
    x, y = pair
    rows, classes = x.shape
    items = torch.empty(rows, dtype=torch.float64, device=x.device)
    kept = torch.float64 if is_wide(x) else torch.float32
    found = torch.empty((rows, notes), dtype=kept, device=x.device)
    blocks = streamed_blocks(classes, is_wide(x))
    with on_device(x):
        kernel[(rows,)](
            x, x.stride(0), y, y.stride(0), items, found, classes,
            WIDE=is_wide(x), BLOCK=blocks.size, **settings, **options_of(blocks),
        )  # fmt: skip
    return items, found


def run_gradients(
    kernel: Any, pair: Pair, notes: Tensor, scale: Tensor, wanted: list[int], **settings: Any
) -> list[Tensor]:
    """The slopes of the wanted ones of the pair, times each row's scale."""
    x, y = pair
    rows, classes = x.shape
    made = {i: torch.empty((rows, classes), dtype=x.dtype, device=x.device) for i in wanted}
    by, by_stride = per_item(scale, rows)
    blocks = slope_blocks(classes, is_wide(x))
    with on_device(x):
        kernel[(rows, -(-classes // blocks.size))](
            x, x.stride(0), y, y.stride(0), by, by_stride, notes, made.get(0), made.get(1),
            classes, classes, WIDE=is_wide(x), BLOCK=blocks.size, **settings,
            **options_of(blocks),
        )  # fmt: skip
    return [made[i] for i in wanted]
