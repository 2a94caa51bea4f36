"""Kullback-Leibler divergence of two softmaxes, from their scores: eight numbers a row are kept.

Floor: both scores are read once forward; backward reads them once more for each gradient that it
writes.
"""

from typing import Any

import torch
from torch import Tensor

from lossary.kernels.cpu import _logit_divergence_rows as rows
from lossary.kernels.cpu._arrays import array
from lossary.kernels.cpu._threads import share


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """Float64, for which float64's arithmetic is not wide enough; rows in pieces."""
    x, y = tensors
    if x.dtype != y.dtype or x.dtype == torch.float64:
        return f"logits of {x.dtype} and {y.dtype}"
    if x.shape[1] == 0 or not all(t.shape[1] == 1 or t.stride(1) == 1 for t in tensors):
        return "the rows are not contiguous"
    return None


def losses(
    tensors: tuple[Tensor, ...], options: dict[str, Any], summed: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """D(p || q) of each row, or their sum, and the notes of the gradients."""
    x, y = tensors
    items = torch.empty(len(x), dtype=torch.float64, device="cpu")
    notes = torch.empty((rows.NOTES, len(x)), dtype=torch.float64, device="cpu")
    share(rows.losses, len(x), x.numel(), array(x), array(y), array(items), array(notes))
    items /= options["nats"]
    return items.sum() if summed else items, (notes,)


def gradients(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    notes: tuple[Tensor, ...],
    scale: Tensor,
    wanted: list[int],
) -> list[Tensor]:
    """The slopes of the wanted tensors times each row's scale."""
    x, y = (array(t) for t in tensors)
    by = (scale.double() / options["nats"]).expand(len(x)).contiguous()
    made = []
    for i in wanted:
        out = torch.empty(tensors[i].shape, dtype=tensors[i].dtype, device="cpu")
        loop = rows.belief_slope if i else rows.truth_slope
        share(loop, len(x), x.size, x, y, array(notes[0]), array(by), array(out))
        made.append(out)
    return made


def gradient(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    notes: tuple[Tensor, ...],
    scale: Tensor,
) -> Tensor:
    """The first tensor's slope times each row's scale."""
    return gradients(tensors, options, notes, scale, [0])[0]
