"""The one reduction: every loss ends here."""

import math

import torch
from torch import Tensor

from lossary.core.errors import OptionError, teach

REDUCTIONS = ("none", "mean", "sum")
_ONE = torch.ones((), dtype=torch.float64, device="cpu")


def legacy_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction meant by torch's deprecated ``size_average`` and ``reduce`` arguments.

    >>> legacy_reduction(None, None, "sum")
    'sum'
    """
    if size_average is None and reduce is None:
        return reduction
    return torch.nn._reduction.legacy_get_string(size_average, reduce)


def check_reduction(where: str, reduction: str, allowed: tuple[str, ...] = REDUCTIONS) -> None:
    """Refuse a reduction that is not offered.

    >>> check_reduction("mse_loss", "mean")
    """
    if reduction not in allowed:
        raise OptionError(
            teach(
                where,
                f"{reduction} is not valid: {reduction} is not a valid value for reduction",
                "one of " + ", ".join(repr(name) for name in allowed),
                "a misspelling, or another library's name for it",
                "reduction='mean' is the default",
            )
        )


def divide(total: Tensor, divisor: Tensor | float) -> Tensor:
    """``total / divisor``, where a mean over nothing is 0 with a zero gradient.

    >>> divide(torch.tensor(0.0), torch.tensor(0.0))
    tensor(0.)
    """
    if isinstance(divisor, Tensor):
        nothing = divisor == 0
        # Both sides are made safe, since where() sends 0 * nan through the branch not taken.
        share = total.masked_fill(nothing, 0) / divisor.masked_fill(nothing, 1)
        return share
    return total / divisor if divisor else total.masked_fill(torch.ones_like(total).bool(), 0)


def share_of(divisor: Tensor | float, device: torch.device | None = None) -> Tensor:
    """``1 / divisor`` in float64, and 0 of nothing, in few operations, where each is dear.

    >>> share_of(torch.tensor(4)), share_of(0)
    (tensor(0.2500, dtype=torch.float64), tensor(0., dtype=torch.float64))
    """
    if isinstance(divisor, Tensor):
        # A tensor of no dimensions mixes with any device, and makes whole numbers float64.
        return torch.div(_ONE, divisor).nan_to_num_(nan=math.nan, posinf=0.0, neginf=0.0)
    share = 1 / divisor if divisor else 0.0
    return torch.full((), share, dtype=torch.float64, device=device)


def reduce(losses: Tensor, reduction: str, divisor: Tensor | float | None = None) -> Tensor:
    """Reduce per-item losses; ``divisor`` replaces the count of items in a mean.

    >>> reduce(torch.tensor([1.0, 2.0, 6.0]), "mean")
    tensor(3.)
    """
    if reduction == "none":
        return losses
    total = losses.sum()
    if reduction == "sum":
        return total
    return divide(total, losses.numel() if divisor is None else divisor)
