"""Half a square: the entropy whose loss is half the squared error."""

from dataclasses import dataclass

from torch import Tensor

from lossary.entropies.entropy import Elementwise


@dataclass(frozen=True)
class Squared(Elementwise):
    r"""Half the square of a number; predictions are the scores themselves.

    .. math:: \Omega(\mu) = \tfrac12\mu^2, \quad \Omega^*(\theta) = \tfrac12\theta^2, \quad
       \hat y = \theta, \quad L = \tfrac12(\theta - y)^2

    Shape: any; one value per entry.
    Dtype: floating; computed wider and rounded once.
    Units: the square of the data's unit.
    Raises: DtypeError.
    Reference: Gauss (1809), Theoria motus; as a Fenchel-Young loss, Blondel et al. (2020).

    >>> import torch
    >>> Squared().value(torch.tensor([3.0])), Squared().predict(torch.tensor([3.0]))
    (tensor([4.5000]), tensor([3.]))
    """

    def _check_target(self, where: str, name: str, y: Tensor) -> None:
        """Every real number is in the domain."""

    def _value(self, y: Tensor) -> Tensor:
        return y * y / 2

    def _conjugate(self, theta: Tensor) -> Tensor:
        return theta * theta / 2

    def _predict(self, theta: Tensor) -> Tensor:
        return theta.clone()

    def _link(self, y: Tensor) -> Tensor:
        return y.clone()

    def _residual(self, theta: Tensor, y: Tensor) -> Tensor:
        return theta - y

    def _gap(self, theta: Tensor, y: Tensor) -> Tensor:
        return (theta - y) ** 2 / 2

    def _divergence(self, y: Tensor, p: Tensor) -> Tensor:
        return (y - p) ** 2 / 2
