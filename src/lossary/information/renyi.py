"""Renyi's measures: Shannon's with a dial for how much the likely outcomes count."""

import math

import torch
from torch import Tensor

from lossary.core.distributions import Distribution
from lossary.entropies._checks import check_order
from lossary.entropies._numerics import power_gap
from lossary.information._pairs import Pair, alpha_terms, kl, pair
from lossary.information._read import Mass, answer, log_base, read
from lossary.information.entropy import entropy_nats, seen_logs

# Up to here a sum of powers is measured from 1, beyond it from its logarithms.
HALF = 0.5


def renyi_entropy(
    p: Distribution, alpha: float = 2.0, *, dim: int = -1, base: float | None = None
) -> Tensor:
    r"""Uncertainty of order alpha: 0 counts outcomes, 1 is Shannon's, inf sees the likeliest.

    .. math:: H_\alpha(p) = \frac{1}{1 - \alpha} \log\sum_i p_i^\alpha

    A sum of powers near 1 is counted as 1 plus the sum of :math:`p_i^\alpha - p_i`, so that a row
    which rounding keeps from summing to 1 still has an exact, non-negative answer.

    Falls as alpha grows. At 0 it is the logarithm of the number of possible outcomes
    (Hartley), at 2 the collision entropy, at ``math.inf`` the surprise of the likeliest.

    Shape: (..., n, ...) with n outcomes along ``dim``, which is reduced.
    Dtype: floating, kept; computed wider and rounded once.
    Units: nats; ``base=2`` gives bits.
    Raises: ShapeError, DtypeError, DomainError, OptionError (alpha below 0).
    Reference: Renyi (1961), On measures of entropy and information.

    >>> renyi_entropy(torch.tensor([0.5, 0.25, 0.25]), alpha=2, base=2)
    tensor(1.4150)
    """
    order = check_order("renyi_entropy", "alpha", alpha, low=0.0, allow_inf=True)
    scale = log_base("renyi_entropy", base)
    given, dtype = read("renyi_entropy", "p", p, dim)
    return answer(_entropy_nats(given, order), scale, dtype)


def renyi_divergence(
    p: Distribution,
    q: Distribution,
    alpha: float = 2.0,
    *,
    dim: int = -1,
    base: float | None = None,
) -> Tensor:
    r"""Divergence of order alpha of the belief ``q`` from the truth ``p``; 1 is D(p || q).

    .. math:: D_\alpha(p \,\|\, q) = \frac{1}{\alpha - 1}
       \log\sum_i p_i^\alpha q_i^{1 - \alpha}

    A sum near 1 is counted as 1 plus the terms of :func:`~lossary.information.alpha_divergence`,
    all of one sign, so that nearly equal arguments lose nothing to rounding.

    Grows with alpha. At 0 it is minus the logarithm of the probability that ``q`` gives to
    what is possible under ``p``; at ``math.inf`` the largest ``log(p / q)``. From order 1 on
    it is infinite if ``q`` rules out what can happen, below only if the two share nothing.

    Shape: ``p`` and ``q`` (..., n, ...), equal once their outcomes are put last; the
    outcomes are reduced.
    Dtype: floating, promoted; computed wider and rounded once.
    Units: nats; ``base=2`` gives bits.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError (alpha below 0).
    Reference: Renyi (1961); van Erven & Harremoes (2014), arXiv 1206.2459.

    >>> renyi_divergence(torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75]), alpha=math.inf)
    tensor(0.6931)
    """
    order = check_order("renyi_divergence", "alpha", alpha, low=0.0, allow_inf=True)
    scale = log_base("renyi_divergence", base)
    both, dtype = pair("renyi_divergence", p, q, dim)
    return answer(divergence_nats(both, order), scale, dtype)


def _entropy_nats(given: Mass, order: float) -> Tensor:
    if order == 1:
        return entropy_nats(given)
    if order == math.inf:
        return 0 - torch.where(given.log_p == -torch.inf, -torch.inf, seen_logs(given)).amax(-1)
    if order == 0:
        return (given.log_p > -torch.inf).sum(-1).to(given.p.dtype).log()
    capped = Mass(given.p, given.log_p - given.log_p.detach().clamp(min=0))
    gap = power_gap(capped.p, capped.log_p, order).sum(-1)
    return 0 - _log_of_sum(gap, order * capped.log_p) / (order - 1)


def divergence_nats(both: Pair, order: float) -> Tensor:
    """Renyi's divergence over the last dimension, wide."""
    if order == 1:
        return kl(both).sum(-1)
    if order == math.inf:
        possible = both.p.log_p > -torch.inf
        return torch.where(possible, -both.d, -torch.inf).amax(-1).clamp(min=0)
    if order == 0:
        possible = both.p.log_p > -torch.inf
        lost = torch.where(possible, 0, both.q.p).sum(-1)
        return 0 - _log_of_sum(-lost, torch.where(possible, both.q.log_p, -torch.inf))
    with torch.no_grad():
        near = (order * (order - 1) * alpha_terms(both, order).sum(-1)).abs() < HALF
    # Elsewhere the powers may overflow: they are not formed where a gradient would meet them.
    gap = order * (order - 1) * alpha_terms(_kept(both, near), order).sum(-1)
    gap = torch.where(near, gap, 1)
    return _log_of_sum(gap, _log_products(both, order)) / (order - 1)


def _kept(both: Pair, rows: Tensor) -> Pair:
    """The pair in some rows, and nothing at all in the others."""
    rows = rows.unsqueeze(-1)
    p, q = (
        Mass(torch.where(rows, m.p, 0), torch.where(rows, m.log_p, 0)) for m in (both.p, both.q)
    )
    return Pair(p, q, torch.where(rows, both.d, 0))


def _log_products(both: Pair, order: float) -> Tensor:
    """``log(p**a q**(1-a))``: where q alone is 0 that is inf above order 1, -inf below."""
    possible = both.p.log_p > -torch.inf
    present = possible & (both.q.log_p > -torch.inf)
    logs = torch.where(present, both.p.log_p, 0) + (1 - order) * torch.where(present, both.d, 0)
    lone = torch.where(possible, torch.inf if order > 1 else -torch.inf, -torch.inf)
    return torch.where(present, logs, lone)


def _log_of_sum(gap: Tensor, logs: Tensor) -> Tensor:
    """``log(sum exp logs)``, where ``gap`` is that sum minus 1, exact near 0."""
    near = gap.abs() < HALF
    close = torch.log1p(torch.where(near, gap, 0))
    shielded = torch.where(near.unsqueeze(-1), 0, logs)
    top = shielded.detach().amax(-1, keepdim=True)
    top = torch.where(top.isfinite(), top, 0)
    total = (shielded - top).exp().sum(-1)
    present = total > 0
    far = torch.where(present, torch.where(present, total, 1).log(), -torch.inf) + top.squeeze(-1)
    return torch.where(near, close, far)
