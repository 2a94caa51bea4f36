"""Two distributions side by side: their log-ratio, and the one integrand of the alpha family."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.core.distributions import Distribution, Logits
from lossary.entropies._numerics import (
    NEAR,
    exp_gap,
    kl_terms,
    log_ratio,
    near_log_ratio,
    refined,
)
from lossary.information._read import Mass, mass, read_pair


@dataclass(frozen=True)
class Pair:
    """``p`` and ``q`` with ``d = log(q / p)``, which is 0 where both are impossible."""

    p: Mass
    q: Mass
    d: Tensor

    def swapped(self) -> "Pair":
        """The same pair with the roles exchanged."""
        return Pair(self.q, self.p, -self.d)


def pair(where: str, p: Distribution, q: Distribution, dim: int) -> tuple[Pair, torch.dtype]:
    """Two distributions, checked, with their log-ratio; and the dtype to answer in."""
    a, b, dtype = read_pair(where, p, q, dim)
    return Pair(a, b, _log_ratio(a, b)), dtype


def of_logits(x: Tensor, y: Tensor) -> Pair:
    """The pair of two tensors of logits, outcomes last, in the dtype to compute in."""
    a, b = mass(Logits(x), x), mass(Logits(y), y)
    return Pair(a, b, _log_ratio(a, b))


def _log_ratio(a: Mass, b: Mass) -> Tensor:
    """``log q - log p``, from whatever both came as, so that near equality keeps its digits."""
    if a.exact_p and b.exact_p:
        return near_log_ratio(a.p, b.p)
    plain = log_ratio(a.log_p, b.log_p)
    if a.scores is None or b.scores is None:
        return plain
    with torch.no_grad():
        exact = _centred(a.p, a.scores, b.scores, plain)
    return refined(plain, exact)


def _centred(p: Tensor, x: Tensor, y: Tensor, plain: Tensor) -> Tensor:
    """The log-ratio of two softmaxes from the difference of their scores, not of their logs.

    With ``u`` the difference less its mean under p, ``d = u - log1p(sum p expm1 u)``: nothing
    of the size of the scores or of their log-sum is ever subtracted. An outcome that p alone
    rules out adds its own ``p exp u``, one that q alone rules out takes its ``p`` away; so does
    one that moves far, which leaves the others near if it is improbable enough.
    """
    shared = (x > -torch.inf) & (y > -torch.inf)
    step = torch.where(shared, y - x, 0)
    mean = (p * step).sum(-1, keepdim=True)
    u = torch.where(shared, step - mean, 0)
    close = shared & (u.abs() < 1)
    grows = p * torch.expm1(torch.where(close, u, 0))
    # From scores, since exp(u) may overflow where its product with p does not.
    moves = torch.exp(y - mean - x.logsumexp(-1, keepdim=True)) - p
    rise = torch.where(close, grows, moves).sum(-1, keepdim=True)
    near = rise.abs() < NEAR
    return torch.where(near & shared, u - torch.where(near, rise, 0).log1p(), plain)


def kl(both: Pair) -> Tensor:
    """``p log(p / q) - p + q`` for every outcome."""
    return kl_terms(both.p.p, both.q.p, both.d)


def alpha_terms(both: Pair, alpha: float) -> Tensor:
    """``(p**a q**(1-a) - a p - (1-a) q) / (a (a-1))`` for every outcome: never negative.

    All of Kullback-Leibler (1; reversed: 0), Hellinger (1/2), chi-squared (2) and Renyi's
    divergences come from this one integrand. Orders below 1/2 exchange p and q, which keeps
    the gaps below from cancelling.
    """
    if alpha < 0.5:
        return alpha_terms(both.swapped(), 1 - alpha)
    if alpha == 1:
        return kl(both)
    p, q, beta = both.p.p, both.q.p, 1 - alpha
    absent, alone = both.p.log_p == -torch.inf, both.q.log_p == -torch.inf
    d = torch.where(absent, 0, both.d)
    # By a probability of 0 there is a finite slope only where p alone is 0, above order 1.
    q = torch.where(alone, 0, q)
    without_p = q / alpha + torch.where(alone, 0, p / beta) if alpha > 1 else q / alpha
    near = d.abs() < NEAR
    small = torch.where(near, d, 0)
    close = p * (exp_gap(small) - exp_gap(beta * small) / beta) / alpha
    # From logarithms, since the ratio may overflow where its product with p does not. What does
    # is a constant: masked out, an infinite slope would turn the upstream 0 into NaN.
    log_max = math.log(torch.finfo(p.dtype).max)
    endless = ~absent & (both.p.log_p + beta * d > log_max)
    elsewhere = near | absent | endless
    log_p = torch.where(elsewhere, 0, both.p.log_p)
    step = beta * torch.where(elsewhere, 0, d)
    rise = torch.where(
        step.abs() < NEAR,
        p * torch.expm1(torch.where(step.abs() < NEAR, step, 0)),
        torch.exp(log_p + step) - p,
    )
    far = ((q - p) - rise / beta) / alpha
    seen = torch.where(absent, without_p, torch.where(near, close, far))
    return torch.where(endless, torch.inf, seen)
