"""Burg's entropy of positive numbers: its loss is Itakura-Saito, half the Gamma deviance."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.errors import DomainError, teach
from lossary.entropies._checks import check_rates
from lossary.entropies._numerics import exp_gap, near_log_ratio
from lossary.entropies.entropy import Elementwise


@dataclass(frozen=True)
class Burg(Elementwise):
    r"""Negative logarithm of a positive number, such as a power or a waiting time.

    .. math:: \Omega(\mu) = -\log\mu, \quad \Omega^*(\theta) = -1 - \log(-\theta), \quad
       \hat y = -1/\theta, \quad L = -\theta y - 1 - \log(-\theta y), \qquad \theta < 0

    Shape: any; one value per entry.
    Dtype: floating; computed wider and rounded once.
    Units: none: the loss does not change with the unit of the data.
    Raises: DtypeError, DomainError (a target that is not positive, a score that is not
    negative).
    Reference: Burg (1967), Maximum entropy spectral analysis; Itakura & Saito (1968).

    >>> Burg().value(torch.tensor([1.0])), Burg().predict(torch.tensor([-2.0]))
    (tensor([0.]), tensor([0.5000]))
    """

    def _check_outcomes(self, where: str, name: str, t: Tensor) -> None:
        if not t.numel() or not checks.readable(t):
            return
        high = float(t.detach().amax())
        if not high < 0:
            raise DomainError(
                teach(
                    where,
                    f"{name} has a largest entry of {high:.6g}",
                    "negative scores: the prediction is -1 / theta",
                    "a network's raw output",
                    f"-torch.nn.functional.softplus({name}), or -torch.exp({name})",
                )
            )

    def _check_target(self, where: str, name: str, y: Tensor) -> None:
        check_rates(where, name, y, strictly=True)

    def _value(self, y: Tensor) -> Tensor:
        return 0 - torch.log(y)

    def _conjugate(self, theta: Tensor) -> Tensor:
        return -1 - torch.log(-theta)

    def _predict(self, theta: Tensor) -> Tensor:
        return -1 / theta

    def _link(self, y: Tensor) -> Tensor:
        return -1 / y

    def _residual(self, theta: Tensor, y: Tensor) -> Tensor:
        return -1 / theta - y

    def _gap(self, theta: Tensor, y: Tensor) -> Tensor:
        return exp_gap(near_log_ratio(-1 / theta, y))

    def _divergence(self, y: Tensor, p: Tensor) -> Tensor:
        return exp_gap(near_log_ratio(p, y))
