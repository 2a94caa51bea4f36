"""Divergences straight from two tensors of logits, where a kernel is asked for."""

from typing import Any

from torch import Tensor

from lossary.core.distributions import Distribution, Logits
from lossary.information._read import checked_pair
from lossary.kernels.formula import Formula
from lossary.kernels.select import SMALL_ENTRIES, items_by_kernel, level_is


def from_logits(
    where: str,
    formula: Formula,
    p: Distribution,
    q: Distribution,
    dim: int,
    options: dict[str, Any],
) -> Tensor | None:
    """The divergence of each pair of rows; None where no kernel runs, which is the usual case."""
    if not isinstance(p, Logits) or not isinstance(q, Logits):
        return None
    if p.tensor.dim() == 0 or not (level_is("triton") or p.tensor.numel() > SMALL_ENTRIES):
        return None
    _, (x, y), _ = checked_pair(where, p, q, dim)
    rows = tuple(t.reshape(-1, t.shape[-1]) for t in (x, y))
    items = items_by_kernel(formula, rows, options)
    return None if items is None else items.view(x.shape[:-1])
