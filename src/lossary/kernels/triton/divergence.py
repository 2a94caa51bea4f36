"""Kullback-Leibler terms of log-predictions, in Triton: nothing is kept but what came.

Floor, for M entries of b bytes: 2 M b for a reduced loss, and 4 M more for single ones; 2 M b for
the gradient, which is minus the mass and needs the targets alone.
"""

from typing import Any

import torch
from torch import Tensor

from lossary.kernels.triton import _divergence
from lossary.kernels.triton._entries import BLOCK, WARPS, why_no_entries
from lossary.kernels.triton._launch import is_wide, on_device, per_item


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """Dtypes and layouts that the formula takes."""
    return why_no_entries(tensors)


def losses(
    tensors: tuple[Tensor, ...], options: dict[str, Any], summed: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The terms in float32, or their sum; no notes."""
    x, y = tensors
    blocks = -(-x.numel() // BLOCK)
    items = sums = None
    if summed:
        sums = torch.empty(blocks, dtype=torch.float64, device=x.device)
    else:
        items = torch.empty(x.shape, dtype=torch.float32, device=x.device)
    with on_device(x):
        _divergence.losses[(blocks,)](
            x, y, items, sums, x.numel(),
            LOGS=options["logs"], WIDE=is_wide(x), BLOCK=BLOCK, num_warps=WARPS,
        )  # fmt: skip
    return (items if sums is None else sums.sum()), ()  # type: ignore[return-value]


def gradient(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    notes: tuple[Tensor, ...],
    scale: Tensor,
) -> Tensor:
    """Minus the mass, times each entry's scale."""
    x, y = tensors
    out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    by, by_stride = per_item(scale, x.numel())
    with on_device(x):
        _divergence.gradient[(-(-x.numel() // BLOCK),)](
            y, by, by_stride, out, x.numel(),
            LOGS=options["logs"], WIDE=is_wide(x), BLOCK=BLOCK, num_warps=WARPS,
        )  # fmt: skip
    return out
