"""Tsallis entropy: expected surprise on a power scale instead of a logarithmic one."""

import math

from torch import Tensor

from lossary.core.distributions import Distribution
from lossary.entropies._checks import check_order
from lossary.entropies._numerics import power_gap
from lossary.information._read import read
from lossary.information.entropy import entropy_nats

WHERE = "tsallis_entropy"
FIX = "alpha=0.5 or alpha=2; renyi_entropy has a limit at math.inf"


def tsallis_entropy(p: Distribution, alpha: float = 2.0, *, dim: int = -1) -> Tensor:
    r"""Uncertainty on a power scale: at 2 the chance that two draws differ (Gini's index).

    .. math:: S_\alpha(p) = \frac{1 - \sum_i p_i^\alpha}{\alpha - 1}

    The 1 is counted as the sum of the probabilities, so that orders near 1 lose no digit.

    At 0 it is the number of possible outcomes less 1, at 1 Shannon's entropy in nats. The
    convex function behind entmax, ``lossary.entropies.Tsallis``, is ``-S / alpha``.

    Shape: (..., n, ...) with n outcomes along ``dim``, which is reduced.
    Dtype: floating, kept; computed wider and rounded once.
    Units: none (nats at order 1, so there is no base to choose).
    Raises: ShapeError, DtypeError, DomainError, OptionError (alpha below 0).
    Reference: Havrda & Charvat (1967); Tsallis (1988), Possible generalization of
    Boltzmann-Gibbs statistics.

    >>> import torch
    >>> tsallis_entropy(torch.tensor([0.5, 0.5]), alpha=2)
    tensor(0.5000)
    """
    order = check_order(WHERE, "alpha", alpha, low=0.0, fix=FIX)
    given, dtype = read(WHERE, "p", p, dim)
    if order == 1:
        return entropy_nats(given).to(dtype)
    if order == 0:
        return ((given.log_p > -math.inf).sum(-1) - 1).to(dtype)
    log_p = given.log_p - given.log_p.detach().clamp(min=0)
    return (0 - power_gap(given.p, log_p, order).sum(-1) / (order - 1)).to(dtype)
