"""Binary cross-entropy of logits, in Triton: nothing is kept but what came.

Floor, for M entries of b bytes: 2 M b for a reduced loss, and 4 M more for single ones; 3 M b for
the gradient. A weight for every entry adds M b to each.
"""

from typing import Any

import torch
from torch import Tensor

from lossary.kernels.triton import _logistic
from lossary.kernels.triton._entries import BLOCK, WARPS, why_no_entries
from lossary.kernels.triton._launch import is_wide, on_device, per_item


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """Dtypes and layouts that the formula takes."""
    for extra in tensors[2:]:
        if not extra.is_contiguous() and not _is_by_class(extra):
            return "a weight is broadcast along the last dimension"
    return why_no_entries(tensors[:2])


def losses(
    tensors: tuple[Tensor, ...], options: dict[str, Any], summed: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The losses in float32, or their sum; no notes."""
    z = tensors[0]
    blocks = -(-z.numel() // BLOCK)
    items = sums = None
    if summed:
        sums = torch.empty(blocks, dtype=torch.float64, device=z.device)
    else:
        items = torch.empty(z.shape, dtype=torch.float32, device=z.device)
    with on_device(z):
        _logistic.losses[(blocks,)](
            *_given(tensors, options), items, sums, z.numel(), BLOCK=BLOCK, num_warps=WARPS
        )
    return (items if sums is None else sums.sum()), ()  # type: ignore[return-value]


def gradient(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    notes: tuple[Tensor, ...],
    scale: Tensor,
) -> Tensor:
    """The slope of the scores times each entry's scale, in the scores' dtype."""
    z = tensors[0]
    out = torch.empty(z.shape, dtype=z.dtype, device=z.device)
    by, by_stride = per_item(scale, z.numel())
    with on_device(z):
        _logistic.gradient[(-(-z.numel() // BLOCK),)](
            *_given(tensors, options), by, by_stride, out, z.numel(),
            WIDE=is_wide(z), BLOCK=BLOCK, num_warps=WARPS,
        )  # fmt: skip
    return out


def _given(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> tuple[Any, ...]:
    """Scores, targets, and both weights with the number of classes that they go round in."""
    z, y, *extras = tensors
    weight = extras.pop(0) if options["weighted"] else None
    positive = extras.pop(0) if extras else None
    return z, y, *_weight(weight), *_weight(positive)


def _weight(weight: Tensor | None) -> tuple[Tensor | None, int | None]:
    if weight is None or weight.is_contiguous():
        return weight, None
    return weight, weight.shape[-1]


def _is_by_class(weight: Tensor) -> bool:
    """One number a class, the same for every row."""
    return weight.dim() > 0 and weight.stride(-1) == 1 and not any(weight.stride()[:-1])
