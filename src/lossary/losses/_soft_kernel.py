"""Soft cross-entropy and its slope from one exponential: the quick way for small tensors."""

import torch
from torch import Tensor

from lossary.core.dtypes import wide_dtype

# Below this sum of exp(x - max x), 1 - p has lost more than three of float64's digits.
NEARLY_CERTAIN = 1 + 2**-10


def class_sum(p: Tensor) -> Tensor:
    """Sum over dimension 1; for short rows a matrix product is quicker than a reduction."""
    if p.dim() == 2 and p.shape[1] <= 64:
        return p @ p.new_ones(p.shape[1])
    return p.sum(1)


def soft_kernel(
    wanted: tuple[int, ...], x: Tensor, mass: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same from one exponential; rows that are nearly certain sum their tail apart."""
    fall, mass = _fall(x), mass.to(wide_dtype(x))
    total = class_sum(mass)
    spread = class_sum(fall * mass)
    odds = fall.exp_()
    odds_sum = class_sum(odds)
    losses = total * odds_sum.log() - spread
    slope = odds.mul_((total / odds_sum).unsqueeze(1)).sub_(mass) if wanted else None
    odd = _needs_care(odds_sum, losses)
    if odd is not None:
        at = odd.nonzero(as_tuple=True)
        rows, row_mass = x.movedim(1, -1)[at].to(mass.dtype), mass.movedim(1, -1)[at]
        _mend(at, losses, slope, *_certain_rows(rows, row_mass))
    return losses, () if slope is None else (slope,)


def _fall(x: Tensor) -> Tensor:
    """How far each score lies below its row's highest, in the wide dtype."""
    top = x.amax(1, keepdim=True)
    wide = x.to(wide_dtype(x))
    return wide.sub_(top) if wide is not x else wide - top


def _needs_care(odds_sum: Tensor, losses: Tensor) -> Tensor | None:
    """Rows where 1 - p cancels (near certainty) or 0 * inf (a masked class) has left NaN."""
    odd = (odds_sum < NEARLY_CERTAIN) | ~losses.isfinite()
    return odd if bool(odd.any()) else None


def _mend(
    at: tuple[Tensor, ...], losses: Tensor, slope: Tensor | None, right: Tensor, right_slope: Tensor
) -> None:
    losses[at] = right
    if slope is not None:
        slope.movedim(1, -1)[at] = right_slope


def _certain_rows(x: Tensor, mass: Tensor) -> tuple[Tensor, Tensor]:
    """Soft losses and slopes of rows (n, C), where a leader above 1/2 is kept out of the tail."""
    fall = x - x.amax(1, keepdim=True)
    odds = fall.exp()
    leads = odds > 0.5 * odds.sum(1, keepdim=True)
    rest = odds.masked_fill_(leads, 0).sum(1, keepdim=True)
    has_leader = rest < 1
    log_sum = torch.where(has_leader, rest.log1p(), rest.log())
    total = mass.sum(1, keepdim=True)
    spread = (mass * fall.masked_fill_(mass == 0, 0)).sum(1)
    slope = odds.mul_(total / (rest + has_leader)).sub_(mass)
    beside = mass.masked_fill(leads, 0).sum(1, keepdim=True)
    led = beside - total * (rest / (1 + rest))
    return (total * log_sum).squeeze(1) - spread, torch.where(leads, led, slope)
