"""Absolute error: the loss whose prediction is a median."""

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.reduction import legacy_reduction
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate
from lossary.losses._module import ShowsSettings
from lossary.losses._native import native_or_exact, straight
from lossary.losses._pairs import paired

WHERE = "l1_loss"


def absolute_error(x: Tensor, y: Tensor, *weight: Tensor) -> Tensor:
    """``|x - y|``, entry by entry."""
    distances = (x - y).abs()
    return distances * weight[0] if weight else distances


L1 = Formula(absolute_error)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    r"""Distance between prediction and target.

    .. math:: \ell_i = |x_i - y_i|

    Shape: equal shapes. ``weight`` has the input's shape, and a mean then divides by its
    sum, as torch does.
    Dtype: floating; complex numbers are passed on to torch.
    Units: the target's unit.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Laplace (1774), Memoire sur la probabilite des causes.

    >>> l1_loss(torch.tensor([1.0, 4.0]), torch.tensor([1.0, 2.0]))
    tensor(1.)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if weight is None:
        quick = straight(torch._C._nn.l1_loss, input, target, reduction)
        if quick is not None:
            return quick
    native = torch.nn.functional.l1_loss
    if input.is_complex():
        checks.check_same_shape(WHERE, input=input, target=target)
        # torch takes a weight here, and its type annotations do not say so.
        return native(input, target, reduction=reduction, weight=weight)  # type: ignore[call-arg]
    x, y = paired(WHERE, input, target, reduction, refuse_nan=weight is not None)
    if weight is None:
        return native_or_exact(WHERE, native, L1, (x, y), {}, reduction)
    says = "Weights and input must have the same size."
    checks.check_same_device(WHERE, input=x, weight=weight)
    checks.check_same_shape(WHERE, says, input=x, weight=weight)
    x = x.to(torch.promote_types(x.dtype, weight.dtype))
    return evaluate(L1, (x, y, weight), {}, reduction, weight.double().sum())


class L1Loss(ShowsSettings, torch.nn.L1Loss):
    """Module of :func:`l1_loss`, with the same keywords.

    >>> L1Loss()(torch.zeros(2), torch.ones(2))
    tensor(1.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`l1_loss`."""
        return l1_loss(input, target, reduction=self.reduction)
