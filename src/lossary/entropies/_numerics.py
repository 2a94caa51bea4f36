"""The few exact pieces that every entropy and every divergence is made of."""

import torch
from torch import Tensor

# Below this, exp(x) - 1 - x is summed as its series; above it the difference keeps its digits.
NEAR = 0.3
# x**15 / 15! is below 1e-19 of x**2 / 2 for |x| <= NEAR, derivative included.
SERIES_TERMS = 14


def exp_gap(x: Tensor) -> Tensor:
    """``exp(x) - 1 - x``, never negative: how far exp lies above its tangent at 0.

    >>> print(f"{exp_gap(torch.tensor(1e-4)).item():.6e}")
    5.000167e-09
    """
    near = x.abs() < NEAR
    # Each branch is fed only arguments that are safe for it: where() differentiates both.
    far = torch.where(near, 1, x)
    # exp(inf) - inf is inf, not NaN.
    beyond = torch.expm1(far) - torch.where(far == torch.inf, 0, far)
    return torch.where(near, near_exp_gap(torch.where(near, x, 0)), beyond)


def near_exp_gap(x: Tensor) -> Tensor:
    """``exp(x) - 1 - x`` for ``|x| < NEAR``, from its series: no digit is cancelled."""
    total = torch.ones_like(x)
    for k in range(SERIES_TERMS, 2, -1):
        total = 1 + x * total / k
    return x * x * total / 2


def log_or_masked(p: Tensor) -> Tensor:
    """``log p``, and ``-inf`` with a zero gradient where ``p`` is exactly 0.

    >>> log_or_masked(torch.tensor([0.0, 1.0]))
    tensor([-inf, 0.])
    """
    present = p > 0
    return torch.where(present, torch.log(torch.where(present, p, 1)), -torch.inf)


def log_ratio(log_p: Tensor, log_q: Tensor) -> Tensor:
    """``log q - log p``, where two absent outcomes count as equal.

    >>> log_ratio(torch.tensor([-torch.inf, 0.0]), torch.tensor([-torch.inf, -1.0]))
    tensor([ 0., -1.])
    """
    absent = (log_p == -torch.inf) & (log_q == -torch.inf)
    return torch.where(absent, 0, log_q - log_p)


def near_log_ratio(p: Tensor, q: Tensor) -> Tensor:
    """``log(q / p)`` of two positive masses, all digits kept where they are nearly equal.

    The value comes from ``log1p((q - p) / p)`` where that is exact; the derivative is that of
    ``log q - log p`` everywhere.
    """
    plain = log_ratio(log_or_masked(p), log_or_masked(q))
    with torch.no_grad():
        step = (q - p) / torch.where(p > 0, p, 1)
        near = (step.abs() < 0.5) & (p > 0)
        exact = torch.where(near, torch.log1p(torch.where(near, step, 0)), plain)
    return refined(plain, exact)


def refined(plain: Tensor, exact: Tensor) -> Tensor:
    """The derivatives of ``plain`` under the value of ``exact``, which differs by rounding."""
    correction = (exact - plain).detach()
    # inf - inf where both are infinite: nothing to correct.
    return plain + torch.where(correction.isfinite(), correction, 0)


def kl_terms(p: Tensor, q: Tensor, d: Tensor) -> Tensor:
    """``p log(p / q) - p + q`` for ``d = log(q / p)``: never negative, 0 only where p = q.

    Summed over two distributions this is the KL divergence; term by term it is what Poisson
    deviance, binary cross-entropy and every Bregman gap of ``x log x`` are made of.
    """
    absent = (p == 0) & (d == torch.inf)
    # A constant: masked out, an infinite slope would turn the upstream 0 into NaN.
    endless = d == -torch.inf
    d = torch.where(absent | endless, 0, d)
    near = d.abs() < NEAR
    d_far = torch.where(near, 1, d)
    far = (q - p) - p * d_far
    close = p * near_exp_gap(torch.where(near, d, 0))
    seen = torch.where(absent, q, torch.where(near, close, far))
    return torch.where(endless, torch.inf, seen)


def softplus(x: Tensor) -> Tensor:
    """``log(1 + exp x)`` with no threshold beyond which it is cut off.

    >>> print(f"{softplus(torch.tensor(-20.0)).item():.4e}")
    2.0612e-09
    """
    positive = x > 0
    # One branch for each sign keeps every derivative right, at 0 and in both tails.
    above = torch.where(positive, x, 0)
    below = torch.where(positive, 0, x)
    return torch.where(
        positive, above + torch.log1p(torch.exp(-above)), torch.log1p(torch.exp(below))
    )


def sigmoid(x: Tensor) -> Tensor:
    """``1 / (1 + exp(-x))``, whose derivatives keep their digits in both tails.

    >>> sigmoid(torch.tensor(0.0))
    tensor(0.5000)
    """
    positive = x > 0
    small_above = torch.exp(-torch.where(positive, x, 0))
    small_below = torch.exp(torch.where(positive, 0, x))
    return torch.where(positive, 1 / (1 + small_above), small_below / (1 + small_below))


def power_gap(p: Tensor, log_p: Tensor, order: float) -> Tensor:
    """``p ** order - p`` for ``log_p = log p``, all digits kept as the order nears 1."""
    absent = log_p == -torch.inf
    log_p = torch.where(absent, 0, log_p)
    step = (order - 1) * log_p
    near = step.abs() < NEAR
    close = p * torch.expm1(torch.where(near, step, 0))
    # From the logarithm, since p itself may have underflowed where p ** order has not.
    far = torch.exp(torch.where(near, 0, log_p + step)) - p
    # At p = 0 the slope is -1 above order 1, and infinite below, where none is passed.
    return torch.where(absent, -p if order > 1 else 0, torch.where(near, close, far))


def leads(scores: Tensor) -> Tensor:
    """A mask of the largest score of each row, one only, along the last dimension.

    >>> leads(torch.tensor([1.0, 3.0, 3.0]))
    tensor([False,  True, False])
    """
    outcome = torch.arange(scores.shape[-1], device=scores.device)
    return outcome == scores.detach().argmax(-1, keepdim=True)


def picked(t: Tensor, one: Tensor) -> Tensor:
    """The entry of each row that a mask names, kept as a dimension of 1.

    A masked sum, since torch.compile on CPUs was seen to drop part of the gradient of several
    gathers that it fused into one kernel (torch 2.13).
    """
    return torch.where(one, t, 0).sum(-1, keepdim=True)


def log_softmax(scores: Tensor) -> Tensor:
    """Log-probabilities along the last dimension, the leader's own included to every digit.

    The leader's score is taken out of the sum, so ``1 - p`` is never formed: its logarithm is
    ``-log1p(sum of the others)`` and its gradient is summed over the others.

    >>> print([f"{v:.4e}" for v in log_softmax(torch.tensor([20.0, 0.0])).tolist()])
    ['-2.0612e-09', '-2.0000e+01']
    """
    is_leader = leads(scores)
    # The leader's own fall is 0; masking it keeps x - x out of the gradient.
    fall = (scores - picked(scores, is_leader)).masked_fill(is_leader, 0)
    tail = fall.exp().masked_fill(is_leader, 0).sum(-1, keepdim=True).log1p()
    return fall - tail
