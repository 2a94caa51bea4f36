"""Total variation distance: the largest difference of probability of any event."""

import torch
from torch import Tensor

from lossary.core.distributions import Distribution
from lossary.entropies._numerics import NEAR
from lossary.information._pairs import pair

WHERE = "total_variation_distance"


def total_variation_distance(p: Distribution, q: Distribution, *, dim: int = -1) -> Tensor:
    r"""The most by which two distributions can disagree about the probability of an event.

    .. math:: \mathrm{TV}(p, q) = \tfrac12 \sum_i |p_i - q_i|

    A true distance, between 0 and 1. Its slope at a tie, a kink, is taken to be 0.

    Shape: ``p`` and ``q`` (..., n, ...), equal once their outcomes are put last; the
    outcomes are reduced.
    Dtype: floating, promoted; computed wider and rounded once.
    Units: probability.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Levin, Peres & Wilmer (2009), Markov chains and mixing times, chapter 4.

    >>> total_variation_distance(torch.tensor([0.5, 0.5]), torch.tensor([0.4, 0.6]))
    tensor(0.1000)
    """
    both, dtype = pair(WHERE, p, q, dim)
    near = both.d.abs() < NEAR
    # The difference of nearly equal softmaxes keeps its digits only as a multiple of p.
    close = both.p.p * torch.expm1(torch.where(near, both.d, 0))
    difference = torch.where(near, close, both.q.p - both.p.p)
    return (difference.abs().sum(-1) / 2).to(dtype)
