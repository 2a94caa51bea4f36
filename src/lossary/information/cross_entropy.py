"""Cross-entropy of two distributions: the surprise of one who believes q where p is true."""

import torch
from torch import Tensor

from lossary.core.distributions import Distribution
from lossary.information._read import answer, log_base, read_pair

WHERE = "cross_entropy"


def cross_entropy(
    p: Distribution, q: Distribution, *, dim: int = -1, base: float | None = None
) -> Tensor:
    r"""The surprise to expect when outcomes follow ``p`` and one believes ``q``.

    .. math:: H(p, q) = -\sum_i p_i \log q_i = H(p) + D(p \,\|\, q)

    ``p`` is the truth, ``q`` the belief. It is infinite if ``q`` rules out what can happen; an
    outcome impossible under both counts nothing, in value and gradient, and one that makes the
    answer infinite has a slope of 0. For class indices and batches see the loss of the same
    name in :mod:`lossary.functional`.

    Shape: ``p`` and ``q`` (..., n, ...), equal once their outcomes are put last; the
    outcomes are reduced.
    Dtype: floating, promoted; computed wider and rounded once.
    Units: nats; ``base=2`` gives bits.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Good (1952), Rational decisions.

    >>> cross_entropy(torch.tensor([0.5, 0.5]), torch.tensor([0.4, 0.6]))
    tensor(0.7136)
    """
    scale = log_base(WHERE, base)
    nats, dtype = cross_entropy_nats(WHERE, p, q, dim)
    return answer(nats, scale, dtype)


def cross_entropy_nats(
    where: str, p: Distribution, q: Distribution, dim: int
) -> tuple[Tensor, torch.dtype]:
    """``-sum p log q`` over the last dimension, wide; and the dtype to answer in."""
    truth, belief, dtype = read_pair(where, p, q, dim)
    ruled_out = belief.log_p == -torch.inf
    log_q = torch.where(ruled_out, 0, belief.log_p)
    # A probability that rounding carried above 1 brings no surprise, rather than a negative one.
    log_q = log_q - log_q.detach().clamp(min=0)
    surprise = truth.p * (0 - log_q)
    # A constant: masked out, an infinite slope would turn the upstream 0 into NaN.
    endless = ruled_out & (truth.log_p > -torch.inf)
    return torch.where(endless, torch.inf, surprise).sum(-1), dtype
