"""Tsallis' entropies of a distribution: their links are the entmax family, sparsemax at 2."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.entropies._checks import check_order
from lossary.entropies._numerics import (
    NEAR,
    exp_gap,
    leads,
    log_or_masked,
    near_log_ratio,
    picked,
    power_gap,
)
from lossary.entropies.entmax import entmax_last
from lossary.entropies.entropy import OnSimplex

FIX = "alpha=1.5 or alpha=2; the limit alpha=1 is Shannon()"


@dataclass(frozen=True)
class Tsallis(OnSimplex):
    r"""Negative Tsallis entropy of order ``alpha`` > 1, scaled so that its link is entmax.

    .. math:: \Omega_\alpha(p) = \frac{\sum_i p_i^\alpha - 1}{\alpha(\alpha - 1)}, \qquad
       \hat y = \alpha\text{-entmax}(\theta)

    At 2 it is Gini's index and the link is sparsemax; towards 1 it becomes
    :class:`~lossary.entropies.Shannon`. It is ``-tsallis_entropy(p, alpha) / alpha`` of
    :mod:`lossary.information`, which uses Tsallis' own scale.

    Shape: (..., n, ...) with n outcomes along ``dim``; one value per distribution.
    Dtype: floating; computed wider and rounded once.
    Units: none (nats in the limit alpha = 1).
    Raises: ShapeError, DtypeError, DomainError (a target that does not sum to 1),
    OptionError (alpha not above 1).
    Reference: Tsallis (1988), Possible generalization of Boltzmann-Gibbs statistics; Blondel,
    Martins & Niculae (2019), arXiv 1805.09717.

    >>> Tsallis(2.0).value(torch.tensor([0.5, 0.5])), Tsallis(2.0).predict(torch.tensor([2.0, 0]))
    (tensor(-0.2500), tensor([1., 0.]))
    """

    alpha: float = 2.0

    def __post_init__(self) -> None:
        """Refuse orders at which the formula is not defined."""
        check_order("Tsallis", "alpha", self.alpha, low=1.0, above=True, fix=FIX)

    def _value(self, y: Tensor) -> Tensor:
        # sum p**alpha - 1 without a difference of nearly equal numbers.
        gaps = power_gap(y, log_or_masked(y), self.alpha).sum(-1)
        return gaps / (self.alpha * (self.alpha - 1))

    def _conjugate(self, theta: Tensor) -> Tensor:
        p = self._predict(theta)
        top = theta.amax(-1, keepdim=True)
        falls = torch.where(p > 0, theta - top, 0)
        return top.squeeze(-1) + (p * falls).sum(-1) - self._value(p)

    def _predict(self, theta: Tensor) -> Tensor:
        return entmax_last(theta, self.alpha)

    def _link(self, y: Tensor) -> Tensor:
        return _power(y, self.alpha - 1) / (self.alpha - 1)

    def _shifted(self, theta: Tensor) -> Tensor:
        p = self._predict(theta)
        top = leads(theta)
        # At the top class, always in the support, link and score differ by the threshold alone.
        return (theta - picked(theta, top)) + self._link(picked(p, top))

    def _residual(self, theta: Tensor, y: Tensor) -> Tensor:
        return self._predict(theta) - y

    def _gap(self, theta: Tensor, y: Tensor) -> Tensor:
        """Bregman divergence, plus what targeted classes lack to reach the threshold."""
        p = self._predict(theta)
        dropped = (p == 0) & (y > 0)
        shortfall = torch.where(dropped, -self._shifted(theta), 0).clamp(min=0)
        return self._divergence(y, p) + (y * shortfall).sum(-1)

    def _divergence(self, y: Tensor, p: Tensor) -> Tensor:
        if self.alpha == 2:
            return ((y - p) ** 2).sum(-1) / 2
        return _power_bregman(y, p, self.alpha).sum(-1)


def _power(p: Tensor, order: float) -> Tensor:
    """``p ** order``; 0 is kept out of the graph, since its slopes may be infinite."""
    present = p > 0
    return torch.where(present, torch.where(present, p, 1) ** order, 0)


def _power_bregman(y: Tensor, p: Tensor, alpha: float) -> Tensor:
    """``(y**a - a p**(a-1) y + (a-1) p**a) / (a (a-1))``, exact where y is nearly p."""
    both = (y > 0) & (p > 0)
    safe_y, safe_p = torch.where(both, y, 1), torch.where(both, p, 1)
    u = near_log_ratio(safe_y, safe_p)
    near = both & (u.abs() < NEAR)
    small = torch.where(near, u, 0)
    # Written around y, both gaps have the same sign: nothing cancels as alpha nears 1.
    bend = exp_gap(small) + exp_gap((1 - alpha) * small) / (alpha - 1)
    close = safe_p ** (alpha - 1) * safe_y * bend / alpha
    p_less = _power(p, alpha - 1)
    far = _power(y, alpha) - alpha * p_less * y + (alpha - 1) * p_less * p
    return torch.where(near, close, far / (alpha * (alpha - 1)))
