"""Squared error: the loss whose prediction is a mean."""

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.reduction import legacy_reduction
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate
from lossary.losses._module import ShowsSettings
from lossary.losses._native import native_or_exact, straight
from lossary.losses._pairs import paired

WHERE = "mse_loss"


def squared_error(x: Tensor, y: Tensor, *weight: Tensor) -> Tensor:
    """``(x - y)**2``, entry by entry."""
    squares = (x - y).square()
    return squares * weight[0] if weight else squares


MSE = Formula(squared_error)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    r"""Squared distance between prediction and target.

    .. math:: \ell_i = (x_i - y_i)^2

    Shape: equal shapes; torch would broadcast (N, 1) against (N,) into N x N pairs.
    ``weight`` has the input's shape, and a mean then divides by its sum, as torch does.
    Dtype: floating; half precision is summed in float32.
    Units: the square of the target's unit.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Gauss (1809), Theoria motus.

    >>> mse_loss(torch.tensor([1.0, 4.0]), torch.tensor([1.0, 2.0]))
    tensor(2.)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if weight is None:
        quick = straight(torch._C._nn.mse_loss, input, target, reduction)
        if quick is not None:
            return quick
    x, y = paired(WHERE, input, target, reduction, refuse_nan=weight is not None)
    if weight is None:
        return native_or_exact(WHERE, torch.nn.functional.mse_loss, MSE, (x, y), {}, reduction)
    says = "Weights and input must have the same size."
    checks.check_same_device(WHERE, input=x, weight=weight)
    checks.check_same_shape(WHERE, says, input=x, weight=weight)
    x = x.to(torch.promote_types(x.dtype, weight.dtype))
    return evaluate(MSE, (x, y, weight), {}, reduction, weight.double().sum())


class MSELoss(ShowsSettings, torch.nn.MSELoss):
    """Module of :func:`mse_loss`, with the same keywords.

    >>> MSELoss()(torch.zeros(2), torch.ones(2))
    tensor(1.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`mse_loss`."""
        return mse_loss(input, target, reduction=self.reduction)
