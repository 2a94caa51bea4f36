"""Kullback-Leibler terms of log-predictions: nothing is kept but what came.

Floor: predictions and targets are read once forward; backward reads the targets again and writes
the slope, which is minus the mass.
"""

from typing import Any

import torch
from torch import Tensor

from lossary.kernels.cpu import _divergence
from lossary.kernels.cpu._arrays import array, computing
from lossary.kernels.cpu._threads import share


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """Layouts that differ, and log-masses of no distribution."""
    if not all(t.is_contiguous() for t in tensors):
        return "the tensors are not contiguous"
    if options["logs"] and float(tensors[1].detach().amax()) > _divergence.LARGEST_LOG:
        return "a target's logarithm is beyond that of any probability"
    return None


def losses(
    tensors: tuple[Tensor, ...], options: dict[str, Any], summed: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The terms, or their sum; no notes."""
    x, y = (t.view(-1) for t in tensors)
    blocks = -(-x.numel() // _divergence.BLOCK)
    items = torch.empty(0 if summed else x.numel(), dtype=x.dtype, device="cpu")
    sums = torch.empty(blocks if summed else 0, dtype=torch.float64, device="cpu")
    given = [array(x), array(y), options["logs"], array(items), array(sums)]
    share(_divergence.losses, blocks, x.numel(), *given)
    return (sums.sum() if summed else items.view(tensors[0].shape)), ()


def gradient(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    notes: tuple[Tensor, ...],
    scale: Tensor,
) -> Tensor:
    """Minus the mass, times each entry's scale."""
    x, y = tensors
    # Half precision is multiplied in float32 and rounded once.
    mass = y.to(computing(x.dtype))
    mass = mass.exp() if options["logs"] else mass
    return (mass * -scale.to(mass.dtype)).to(x.dtype)
