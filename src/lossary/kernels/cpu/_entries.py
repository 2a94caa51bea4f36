"""Losses of entries that stand alone: blocks of them for the threads, weights in step."""

from types import ModuleType

import torch
from torch import Tensor

from lossary.kernels.cpu._arrays import array
from lossary.kernels.cpu._threads import share

# Entries that one block takes; a weight for each class is repeated until it fills one.
BLOCK = 4096


def reason_against(tensors: tuple[Tensor, ...]) -> str | None:
    """Weights that follow neither the entries nor the last dimension."""
    if not all(t.is_contiguous() for t in tensors[:2]):
        return "the tensors are not contiguous"
    for extra in tensors[2:]:
        if not extra.is_contiguous() and not _is_by_class(extra):
            return "a weight is broadcast along the last dimension"
    return None


def losses(
    loops: ModuleType,
    x: Tensor,
    y: Tensor,
    weights: tuple[Tensor | None, Tensor | None],
    summed: bool,
) -> Tensor:
    """The losses, or their sum, under a weight for each entry and one for its positive part."""
    period, repeated = _repeated(x, weights)
    flat, blocks = x.view(-1), -(-x.numel() // period)
    items = torch.empty(0 if summed else x.numel(), dtype=x.dtype, device="cpu")
    sums = torch.empty(blocks if summed else 0, dtype=torch.float64, device="cpu")
    given = [array(t) for t in (flat, y.view(-1), *repeated)]
    share(loops.losses, blocks, x.numel(), *given, period, array(items), array(sums))
    return sums.sum() if summed else items.view(x.shape)


def gradient(
    loops: ModuleType,
    x: Tensor,
    y: Tensor,
    weights: tuple[Tensor | None, Tensor | None],
    scale: Tensor,
) -> Tensor:
    """The slope of the first tensor times each entry's scale, in its dtype."""
    period, repeated = _repeated(x, weights)
    by = scale.contiguous().view(-1) if scale.dim() else scale.double().expand(period).contiguous()
    out = torch.empty(x.shape, dtype=x.dtype, device="cpu")
    given = [array(t) for t in (x.view(-1), y.view(-1), *repeated)]
    blocks = -(-x.numel() // period)
    share(loops.gradient, blocks, x.numel(), *given, period, array(by), array(out.view(-1)))
    return out


def _is_by_class(weight: Tensor) -> bool:
    """One number a class, the same for every row."""
    return weight.stride(-1) == 1 and not any(weight.stride()[:-1])


def _repeated(x: Tensor, weights: tuple[Tensor | None, Tensor | None]) -> tuple[int, list[Tensor]]:
    """The entries in a block, and both weights for each of them."""
    classes = x.shape[-1] if any(w is not None for w in weights) else 1
    repeats = max(1, BLOCK // max(1, classes))
    period = repeats * classes
    return period, [_weight(w, period, classes, repeats) for w in weights]


def _weight(weight: Tensor | None, period: int, classes: int, repeats: int) -> Tensor:
    if weight is None:
        return torch.ones(period, dtype=torch.float64, device="cpu")
    if _is_by_class(weight):
        return weight.reshape(-1, classes)[0].double().repeat(repeats)
    return weight.reshape(-1)
