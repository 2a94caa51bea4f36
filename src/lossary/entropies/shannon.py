"""Shannon's entropy of a distribution: its link is softmax, its loss cross-entropy."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.entropies._numerics import (
    kl_terms,
    leads,
    log_or_masked,
    log_ratio,
    log_softmax,
    near_log_ratio,
)
from lossary.entropies.entropy import OnSimplex


@dataclass(frozen=True)
class Shannon(OnSimplex):
    r"""Negative entropy, in nats, of a distribution over the outcomes along ``dim``.

    .. math:: \Omega(p) = \sum_i p_i\log p_i, \quad \Omega^*(\theta) = \log\sum_i e^{\theta_i},
       \quad \hat y = \mathrm{softmax}(\theta), \quad L = \mathrm{CE}(\theta, y) - H(y)
       = D(y\,\|\,\hat y)

    ``0 log 0 = 0`` in value and gradient; ``-inf`` scores are masked classes.

    Shape: (..., n, ...) with n outcomes along ``dim``; one value per distribution.
    Dtype: floating; computed wider and rounded once.
    Units: nats.
    Raises: ShapeError, DtypeError, DomainError (a target that does not sum to 1).
    Reference: Shannon (1948), A mathematical theory of communication.

    >>> Shannon().value(torch.tensor([0.5, 0.5])), Shannon().conjugate(torch.zeros(2))
    (tensor(-0.6931), tensor(0.6931))
    """

    def _value(self, y: Tensor) -> Tensor:
        return (y * torch.where(y > 0, log_or_masked(y), 0)).sum(-1)

    def _conjugate(self, theta: Tensor) -> Tensor:
        return theta.logsumexp(-1)

    def _predict(self, theta: Tensor) -> Tensor:
        return log_softmax(theta).exp()

    def _link(self, y: Tensor) -> Tensor:
        return torch.log(y)

    def _shifted(self, theta: Tensor) -> Tensor:
        return log_softmax(theta)

    def _residual(self, theta: Tensor, y: Tensor) -> Tensor:
        is_leader = leads(theta)
        p = log_softmax(theta).exp()
        # 1 - p of the leader is the sum of the others, which keeps every digit near certainty.
        others = p.masked_fill(is_leader, 0).sum(-1, keepdim=True)
        return torch.where(is_leader, (1 - y) - others, p - y)

    def _gap(self, theta: Tensor, y: Tensor) -> Tensor:
        log_q = log_softmax(theta)
        return kl_terms(y, log_q.exp(), log_ratio(log_or_masked(y), log_q)).sum(-1)

    def _divergence(self, y: Tensor, p: Tensor) -> Tensor:
        return kl_terms(y, p, near_log_ratio(y, p)).sum(-1)
