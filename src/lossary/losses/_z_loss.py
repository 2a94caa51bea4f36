"""The z-loss: a penalty on the log-sum of exponentials, added to any cross-entropy."""

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lossary.kernels.formula import Formula
from lossary.losses.cross_entropy import (
    HARD,
    SMOOTHED,
    Problem,
    probability_mass,
    smoothed_mass,
)


def penalised(asked: Problem, z_loss: float) -> Problem:
    """The same problem with ``z lse^2`` for each example's whole mass added to its loss."""
    formula = replace(asked.formula, losses=partial(penalised_losses, asked.formula), kernel=None)
    return replace(asked, formula=formula, options={**asked.options, "z_loss": z_loss})


def penalised_losses(
    formula: Formula, x: Tensor, *rest: Tensor, z_loss: float, **options: Any
) -> Tensor:
    """A cross-entropy's losses, and the square of the scores' log-sum of exponentials."""
    losses = formula.losses(x, *rest, **options)
    if formula in (HARD, SMOOTHED):
        # Ignored rows are cleared, so that a NaN in them reaches neither value nor gradient.
        kept = {"smoothing": 0.0, **options}
        x, spread = smoothed_mass(x, rest[0], **kept)
    else:
        weight = rest[1] if len(rest) > 1 else None
        spread = probability_mass(rest[0], weight, options["smoothing"])
    penalty: Tensor = torch.logsumexp(x, 1).square()
    return losses + z_loss * spread.sum(1) * penalty
