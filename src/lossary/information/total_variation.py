"""Total variation distance: the largest difference of probability of any event."""

import torch
from torch import Tensor

from lossary.core.distributions import Distribution
from lossary.entropies._numerics import NEAR, leads, picked
from lossary.information._pairs import pair
from lossary.information._read import Mass

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
    with torch.no_grad():
        near = both.d.abs() < NEAR
        # The difference of nearly equal softmaxes keeps its digits only as a multiple of p.
        close = both.p.p * torch.expm1(torch.where(near, both.d, 0))
        difference = torch.where(near, close, both.q.p - both.p.p)
        value = difference.abs().sum(-1) / 2
    slope = difference.sign().detach() / 2
    linear = _moved(both.q, slope) - _moved(both.p, slope)
    # Piecewise linear: the value with the slope of its piece is exact to every order.
    return (value.detach() + (linear - linear.detach())).to(dtype)


def _moved(mass: Mass, slope: Tensor) -> Tensor:
    """``sum slope p``, for scores less the leader's slope, which ``sum p = 1`` makes constant.

    Classes on the leader's side would otherwise be left with 1 - p of a leader near certainty.
    """
    if mass.scores is not None:
        slope = slope - picked(slope, leads(mass.scores))
    return (slope * mass.p).sum(-1)
