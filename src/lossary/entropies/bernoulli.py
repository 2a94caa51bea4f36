"""The entropy of a coin: its link is the sigmoid, its loss binary cross-entropy."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.errors import DomainError, teach
from lossary.entropies._numerics import kl_terms, log_or_masked, near_log_ratio, sigmoid, softplus
from lossary.entropies.entropy import Elementwise


@dataclass(frozen=True)
class Bernoulli(Elementwise):
    r"""Negative entropy, in nats, of a coin that shows heads with probability mu.

    .. math:: \Omega(\mu) = \mu\log\mu + (1-\mu)\log(1-\mu), \quad
       \Omega^*(\theta) = \log(1 + e^\theta), \quad \hat y = \sigma(\theta), \quad
       L = \mathrm{BCE}(\theta, y) - H(y)

    Shape: any; one value per entry.
    Dtype: floating; computed wider and rounded once.
    Units: nats; scores are log-odds.
    Raises: DtypeError, DomainError (a target outside [0, 1]).
    Reference: Cox (1958), The regression analysis of binary sequences.

    >>> Bernoulli().value(torch.tensor([0.0, 0.5])), Bernoulli().predict(torch.tensor([0.0]))
    (tensor([ 0.0000, -0.6931]), tensor([0.5000]))
    """

    def _check_target(self, where: str, name: str, y: Tensor) -> None:
        if not y.numel() or not checks.readable(y):
            return
        low, high = (float(v) for v in y.detach().aminmax())
        if not (low >= 0 and high <= 1):
            came = f"{name} has values from {low:.6g} to {high:.6g}"
            cause = "targets coded as -1 and 1, or logits passed as probabilities"
            fix = f"({name} + 1) / 2 for -1 and 1; sigmoid({name}) for logits"
            raise DomainError(teach(where, came, "probabilities between 0 and 1", cause, fix))

    def _value(self, y: Tensor) -> Tensor:
        return _times_log(y) + _times_log(1 - y)

    def _conjugate(self, theta: Tensor) -> Tensor:
        return softplus(theta)

    def _predict(self, theta: Tensor) -> Tensor:
        return sigmoid(theta)

    def _link(self, y: Tensor) -> Tensor:
        return torch.log(y) - torch.log1p(-y)

    def _residual(self, theta: Tensor, y: Tensor) -> Tensor:
        # For a sure head, 1 - y and sigmoid(-theta) keep the digits that sigmoid - y cancels.
        return torch.where(theta > 0, (1 - y) - sigmoid(-theta), sigmoid(theta) - y)

    def _gap(self, theta: Tensor, y: Tensor) -> Tensor:
        return _side(y, theta) + _side(1 - y, -theta)

    def _divergence(self, y: Tensor, p: Tensor) -> Tensor:
        tails = kl_terms(1 - y, 1 - p, near_log_ratio(1 - y, 1 - p))
        return kl_terms(y, p, near_log_ratio(y, p)) + tails


def _times_log(y: Tensor) -> Tensor:
    return y * torch.where(y > 0, log_or_masked(y), 0)


def _side(y: Tensor, theta: Tensor) -> Tensor:
    """The terms of one side of the coin, whose log-probability is ``-softplus(-theta)``."""
    log_s = -softplus(-theta)
    return kl_terms(y, log_s.exp(), log_s - log_or_masked(y))
