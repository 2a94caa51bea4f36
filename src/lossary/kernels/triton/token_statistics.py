"""Log-probability of the target's token and entropy of the prediction, in Triton.

Floor, for N rows of V scores of b bytes: N V b forward, both numbers from one reading; 2 N V b
for the gradient towards both. Four numbers an item are kept.
"""

from typing import Any

import torch
from torch import Tensor

from lossary.kernels.triton import _token_rows
from lossary.kernels.triton._launch import (
    is_wide,
    on_device,
    options_of,
    per_item,
    reading,
    slope_blocks,
    token_blocks,
    why_no_rows,
)


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """Dtypes and layouts that the formula takes."""
    return why_no_rows(tensors[0])


def forward(
    x: Tensor, target: Tensor, ignore_index: int
) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """``log p_y`` and ``-sum p log p`` of every row in float32, and the gradient's notes.

    Both are 0 where the target is ignored, the entropy also where the whole row is masked.
    """
    rows, classes = x.shape
    # Slopes by the entropy cancel where a score lies as low as the mean does.
    kept = torch.float64 if is_wide(x) else torch.float32
    log_probability = torch.empty(rows, dtype=torch.float32, device=x.device)
    entropy = torch.empty(rows, dtype=torch.float32, device=x.device)
    notes = torch.empty((rows, _token_rows.NOTES), dtype=kept, device=x.device)
    blocks = token_blocks(classes, is_wide(x))
    with on_device(x):
        _token_rows.forward[(rows,)](
            x, x.stride(0), target.contiguous(), ignore_index, log_probability, entropy, notes,
            classes, WIDE=is_wide(x), BLOCK=blocks.size, **reading(x), **options_of(blocks),
        )  # fmt: skip
    return log_probability, entropy, (notes,)


def gradient(
    x: Tensor,
    target: Tensor,
    ignore_index: int,
    notes: tuple[Tensor, ...],
    by_log_probability: Tensor,
    by_entropy: Tensor,
    out: Tensor | None = None,
) -> Tensor:
    """The slope of the scores for an upstream gradient an item towards each; may overwrite them."""
    rows, classes = x.shape
    slope = torch.empty(x.shape, dtype=x.dtype, device=x.device) if out is None else out
    by_log, log_stride = per_item(by_log_probability, rows)
    to_entropy, entropy_stride = per_item(by_entropy, rows)
    blocks = slope_blocks(classes, is_wide(x))
    with on_device(x):
        _token_rows.gradient[(rows, -(-classes // blocks.size))](
            x, x.stride(0), target.contiguous(), ignore_index, notes[0], by_log, log_stride,
            to_entropy, entropy_stride, slope, slope.stride(0), classes,
            BLOCK=blocks.size, **options_of(blocks),
        )  # fmt: skip
    return slope
