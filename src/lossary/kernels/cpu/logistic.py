"""Binary cross-entropy of logits: nothing is kept but what came.

Floor: scores and targets are read once forward; backward reads them again and writes the slope.
"""

from typing import Any

import torch
from torch import Tensor

from lossary.kernels.cpu import _logistic
from lossary.kernels.cpu._arrays import array
from lossary.kernels.cpu._threads import share

# Entries that one block takes; a weight for each class is repeated until it fills one.
BLOCK = 4096


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """Weights that follow neither the entries nor the last dimension."""
    if not all(t.is_contiguous() for t in tensors[:2]):
        return "the tensors are not contiguous"
    for extra in tensors[2:]:
        if not extra.is_contiguous() and not _is_by_class(extra):
            return "a weight is broadcast along the last dimension"
    return None


def losses(
    tensors: tuple[Tensor, ...], options: dict[str, Any], summed: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The losses, or their sum; no notes."""
    z, y = (t.view(-1) for t in tensors[:2])
    period, weights = _weights(tensors, options)
    blocks = -(-z.numel() // period)
    items = torch.empty(0 if summed else z.numel(), dtype=z.dtype)
    sums = torch.empty(blocks if summed else 0, dtype=torch.float64)
    given = [array(t) for t in (z, y, *weights)]
    share(_logistic.losses, blocks, z.numel(), *given, period, array(items), array(sums))
    return (sums.sum() if summed else items.view(tensors[0].shape)), ()


def gradient(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    notes: tuple[Tensor, ...],
    scale: Tensor,
) -> Tensor:
    """The slope of the scores times each entry's scale, in the scores' dtype."""
    z, y = (t.view(-1) for t in tensors[:2])
    period, weights = _weights(tensors, options)
    by = scale.contiguous().view(-1) if scale.dim() else scale.double().expand(period).contiguous()
    out = torch.empty(tensors[0].shape, dtype=z.dtype)
    given = [array(t) for t in (z, y, *weights)]
    blocks = -(-z.numel() // period)
    share(_logistic.gradient, blocks, z.numel(), *given, period, array(by), array(out.view(-1)))
    return out


def _is_by_class(weight: Tensor) -> bool:
    """One number a class, the same for every row."""
    return weight.stride(-1) == 1 and not any(weight.stride()[:-1])


def _weights(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> tuple[int, list[Tensor]]:
    """The entries in a block, and the loss's and the positive part's weight for each."""
    extras = list(tensors[2:])
    given = [extras.pop(0) if options["weighted"] else None, extras.pop(0) if extras else None]
    classes = tensors[0].shape[-1] if any(w is not None for w in given) else 1
    repeats = max(1, BLOCK // max(1, classes))
    period = repeats * classes
    return period, [_weight(w, period, classes, repeats) for w in given]


def _weight(weight: Tensor | None, period: int, classes: int, repeats: int) -> Tensor:
    if weight is None:
        return torch.ones(period, dtype=torch.float64)
    if _is_by_class(weight):
        return weight.reshape(-1, classes)[0].double().repeat(repeats)
    return weight.reshape(-1)
