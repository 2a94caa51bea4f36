"""Cross-entropy with soft or smoothed targets, in Triton: four numbers an item are kept.

Floor, for N rows of V scores and masses of b bytes: 2 N V b for the loss; 3 N V b for loss and
gradient, made together as :mod:`hard_cross_entropy` does, or for a gradient made later. Labels
carry no mass to read: N V b and 2 N V b.
"""

from typing import Any

import torch
from torch import Tensor

from lossary.kernels.triton import _soft_rows
from lossary.kernels.triton._launch import (
    is_wide,
    on_device,
    options_of,
    per_item,
    programs_of,
    slope_blocks,
    slope_like,
    streamed_blocks,
    why_no_rows,
)


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """Dtypes and layouts that the formula takes, of the scores and of a given mass."""
    x, target = tensors[:2]
    given = why_no_rows(target) if target.is_floating_point() else None
    return why_no_rows(x) or given


def losses(
    tensors: tuple[Tensor, ...], options: dict[str, Any], summed: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The losses in float32, or their sum, and what the gradient needs of each item."""
    items, notes = _run(tensors, options, None, None)
    return (items.sum(dtype=torch.float64) if summed else items), (notes,)


def losses_with_gradient(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    scale: Tensor,
    out: Tensor | None = None,
) -> tuple[Tensor, tuple[Tensor, ...], Tensor | None]:
    """The losses, the notes, and the gradient of ``scale`` times their sum; none in float16."""
    slope = slope_like(tensors[0]) if out is None else out
    items, notes = _run(tensors, options, scale, slope)
    return items, (notes,), slope


def _run(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    scale: Tensor | None,
    slope: Tensor | None,
) -> tuple[Tensor, Tensor]:
    x = tensors[0]
    rows, classes = x.shape
    items = torch.empty(rows, dtype=torch.float32, device=x.device)
    notes = torch.empty((rows, _soft_rows.NOTES), dtype=torch.float64, device=x.device)
    blocks = streamed_blocks(classes, is_wide(x))
    with on_device(x):
        _soft_rows.losses[(rows,)](
            *_given(tensors, options), items, notes, scale, slope,
            0 if slope is None else slope.stride(0), classes,
            SMOOTHING=float(options["smoothing"]), Z=float(options.get("z_loss", 0)),
            WIDE=is_wide(x), BLOCK=blocks.size, **options_of(blocks),
        )  # fmt: skip
    return items, notes


def gradient(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    notes: tuple[Tensor, ...],
    scale: Tensor,
    out: Tensor | None = None,
    upstream: Tensor | None = None,
) -> Tensor:
    """The slope of the scores times each item's scale; ``out`` may be the scores themselves.

    With ``upstream`` it holds the slope for an upstream gradient of 1, and stays if it is 1.
    """
    x = tensors[0]
    rows, classes = x.shape
    out = torch.empty(x.shape, dtype=x.dtype, device=x.device) if out is None else out
    by, by_stride = per_item(scale, rows)
    blocks = slope_blocks(classes, is_wide(x))
    with on_device(x):
        _soft_rows.gradient[programs_of(blocks, rows, classes, unlikely=upstream is not None)](
            *_given(tensors, options), by, by_stride, upstream, notes[0], out,
            out.stride(0), classes,
            SMOOTHING=float(options["smoothing"]), WIDE=is_wide(x),
            BLOCK=blocks.size, **options_of(blocks),
        )  # fmt: skip
    return out


def _given(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> tuple[Any, ...]:
    """Scores, mass or label, the weights of the classes, and what index is ignored."""
    x, target, *weights = tensors
    weight = options.get("weight")
    if weights:  # the same for every item: a view of one number a class
        weight = weights[0][0]
    weight = None if weight is None else weight.detach().contiguous()
    ignored = options.get("ignore_index", 0)
    if target.is_floating_point():
        return x, x.stride(0), target, target.stride(0), None, weight, ignored
    return x, x.stride(0), None, 0, target.contiguous(), weight, ignored
