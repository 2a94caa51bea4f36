"""The entropy of rates: its link is exp, its loss half the Poisson deviance."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.entropies._checks import check_rates
from lossary.entropies._numerics import kl_terms, log_or_masked, near_log_ratio
from lossary.entropies.entropy import Elementwise


@dataclass(frozen=True)
class Poisson(Elementwise):
    r"""Negative entropy of a rate or a count; predictions are exponentials of the scores.

    .. math:: \Omega(\mu) = \mu\log\mu - \mu, \quad \Omega^*(\theta) = e^\theta, \quad
       \hat y = e^\theta, \quad L = e^\theta - y\theta + y\log y - y

    Shape: any; one value per entry.
    Dtype: floating; computed wider and rounded once.
    Units: nats; scores are logarithms of rates.
    Raises: DtypeError, DomainError (a negative target).
    Reference: Nelder & Wedderburn (1972), Generalized linear models.

    >>> Poisson().value(torch.tensor([1.0])), Poisson().predict(torch.tensor([0.0]))
    (tensor([-1.]), tensor([1.]))
    """

    def _check_target(self, where: str, name: str, y: Tensor) -> None:
        check_rates(where, name, y)

    def _value(self, y: Tensor) -> Tensor:
        return y * torch.where(y > 0, log_or_masked(y), 0) - y

    def _conjugate(self, theta: Tensor) -> Tensor:
        return theta.exp()

    def _predict(self, theta: Tensor) -> Tensor:
        return theta.exp()

    def _link(self, y: Tensor) -> Tensor:
        return torch.log(y)

    def _residual(self, theta: Tensor, y: Tensor) -> Tensor:
        return theta.exp() - y

    def _gap(self, theta: Tensor, y: Tensor) -> Tensor:
        return kl_terms(y, theta.exp(), theta - log_or_masked(y))

    def _divergence(self, y: Tensor, p: Tensor) -> Tensor:
        return kl_terms(y, p, near_log_ratio(y, p))
