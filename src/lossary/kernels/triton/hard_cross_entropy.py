"""Cross-entropy with class targets, in Triton: three numbers an item are kept.

Floor, for N rows of V scores of b bytes: N V b for the loss; 2 N V b for loss and gradient, where
a row stays on the chip or in the level-2 cache and the gradient is made with the loss; 3 N V b
where it is made later (``reduction="none"``, float16). A gradient made with the loss supposes an
upstream gradient of 1; under another one it is made again from the scores, with one rounding.
"""

from typing import Any

import torch
from torch import Tensor

from lossary.kernels.triton import _hard_rows
from lossary.kernels.triton._launch import (
    is_wide,
    on_device,
    options_of,
    per_item,
    programs_of,
    reading,
    row_blocks,
    slope_blocks,
    slope_like,
    why_no_rows,
)


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """Dtypes and layouts that the formula takes."""
    return why_no_rows(tensors[0])


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
    x, target = tensors[0], tensors[1].contiguous()
    rows, classes = x.shape
    items = torch.empty(rows, dtype=torch.float32, device=x.device)
    notes = torch.empty((rows, _hard_rows.NOTES), dtype=torch.float32, device=x.device)
    blocks = row_blocks(x, twice=slope is not None)
    with on_device(x):
        _hard_rows.losses[(rows,)](
            x, x.stride(0), target, _class_weights(options), scale, options["ignore_index"],
            items, notes, slope, 0 if slope is None else slope.stride(0), classes,
            Z=float(options.get("z_loss", 0)), WHOLE=blocks.whole, HALF=not is_wide(x),
            BLOCK=blocks.size, **reading(x), **options_of(blocks),
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
    x, target = tensors[0], tensors[1].contiguous()
    out = torch.empty(x.shape, dtype=x.dtype, device=x.device) if out is None else out
    by, by_stride = per_item(scale, len(x))
    blocks = slope_blocks(x.shape[1])
    with on_device(x):
        _hard_rows.gradient[programs_of(blocks, len(x), x.shape[1], unlikely=upstream is not None)](
            x, x.stride(0), target, _class_weights(options), by, by_stride, upstream,
            options["ignore_index"], notes[0], out, out.stride(0), x.shape[1],
            HALF=not is_wide(x), BLOCK=blocks.size, **reading(x), **options_of(blocks),
        )  # fmt: skip
    return out


def _class_weights(options: dict[str, Any]) -> Tensor | None:
    weight: Tensor | None = options["weight"]
    return None if weight is None else weight.detach().contiguous()
