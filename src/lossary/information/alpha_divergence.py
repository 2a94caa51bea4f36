"""The alpha family: KL, Hellinger and chi-squared are points on one line."""

import math

import torch
from torch import Tensor

from lossary.core.distributions import Distribution
from lossary.entropies._checks import check_order
from lossary.information._pairs import alpha_terms, pair


def alpha_divergence(
    p: Distribution, q: Distribution, alpha: float = 0.5, *, dim: int = -1
) -> Tensor:
    r"""A dial between D(q || p) at 0, Hellinger at 1/2, D(p || q) at 1 and chi-squared at 2.

    .. math:: D_\alpha(p \,\|\, q) = \frac{1}{\alpha(\alpha - 1)}
       \sum_i \bigl(p_i^\alpha q_i^{1-\alpha} - \alpha p_i - (1 - \alpha) q_i\bigr)

    ``p`` is the truth. Orders from 1 on are infinite if ``q`` rules out what can happen;
    orders up to 0 are if ``p`` does; those between never are. Exchanging the arguments is the
    same as ``1 - alpha``. The slope by a probability of 0 is taken to be 0, and so is that of an
    infinite term.

    Shape: ``p`` and ``q`` (..., n, ...), equal once their outcomes are put last; the
    outcomes are reduced.
    Dtype: floating, promoted; computed wider and rounded once.
    Units: nats at orders 0 and 1; elsewhere none.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Amari (1985), Differential-geometrical methods in statistics; in this
    parametrisation Cichocki & Amari (2010), Families of alpha- beta- and gamma-divergences.

    >>> alpha_divergence(torch.tensor([0.5, 0.5]), torch.tensor([0.4, 0.6]), alpha=1)
    tensor(0.0204)
    """
    order = check_order("alpha_divergence", "alpha", alpha, low=-math.inf)
    both, dtype = pair("alpha_divergence", p, q, dim)
    return alpha_terms(both, order).sum(-1).to(dtype)


def chi_squared_divergence(p: Distribution, q: Distribution, *, dim: int = -1) -> Tensor:
    r"""The mean squared error, under ``q``, of the ratio p / q as an estimate of 1 (Pearson's).

    .. math:: \chi^2(p \,\|\, q) = \sum_i \frac{(p_i - q_i)^2}{q_i}

    ``p`` is the truth, ``q`` the belief that divides. Infinite if ``q`` rules out what can
    happen. Neyman's version is ``chi_squared_divergence(q, p)``.

    Shape: ``p`` and ``q`` (..., n, ...), equal once their outcomes are put last; the
    outcomes are reduced.
    Dtype: floating, promoted; computed wider and rounded once.
    Units: none.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Pearson (1900), On the criterion that a given system of deviations...

    >>> chi_squared_divergence(torch.tensor([0.5, 0.5]), torch.tensor([0.4, 0.6]))
    tensor(0.0417)
    """
    both, dtype = pair("chi_squared_divergence", p, q, dim)
    return (2 * alpha_terms(both, 2.0).sum(-1)).to(dtype)


def hellinger_distance(p: Distribution, q: Distribution, *, dim: int = -1) -> Tensor:
    r"""The straight-line distance of two distributions seen as points sqrt(p) on a sphere.

    .. math:: H(p, q) = \sqrt{\tfrac12 \sum_i \bigl(\sqrt{p_i} - \sqrt{q_i}\bigr)^2} \le 1

    A true distance: symmetric, and it obeys the triangle inequality. 0 for equal
    distributions, 1 for disjoint ones. Its slope at equal distributions, a kink, is taken to
    be 0.

    Shape: ``p`` and ``q`` (..., n, ...), equal once their outcomes are put last; the
    outcomes are reduced.
    Dtype: floating, promoted; computed wider and rounded once.
    Units: none.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Hellinger (1909), Neue Begruendung der Theorie quadratischer Formen.

    >>> hellinger_distance(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))
    tensor(1.)
    """
    both, dtype = pair("hellinger_distance", p, q, dim)
    square = alpha_terms(both, 0.5).sum(-1) / 4
    apart = square > 0
    return torch.where(apart, torch.where(apart, square, 1).sqrt(), 0).to(dtype)
