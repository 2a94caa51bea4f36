"""Huber's loss and smooth L1: squared near the target, absolute far from it."""

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.errors import OptionError, teach
from lossary.core.reduction import legacy_reduction
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate
from lossary.losses._module import ShowsSettings
from lossary.losses._native import native_or_exact
from lossary.losses._pairs import paired
from lossary.losses.l1 import L1

# Below this, torch's d * d / beta underflows for residuals that are ordinary beside beta.
SMALL_BETA = 2.0**-10
# Above this, it may overflow though the loss does not.
LARGE_BETA = 2.0**30


def huber_losses(x: Tensor, y: Tensor, *weight: Tensor, delta: float) -> Tensor:
    """``d**2 / 2`` up to ``delta``, ``delta (|d| - delta / 2)`` beyond."""
    d = x - y
    distance = d.abs()
    near = distance <= delta
    losses = torch.where(near, 0.5 * d * d, delta * (distance - 0.5 * delta))
    return losses * weight[0] if weight else losses


def smooth_l1_losses(x: Tensor, y: Tensor, beta: float) -> Tensor:
    """Huber's loss divided by ``beta``, in an order that neither over- nor underflows."""
    d = x - y
    distance = d.abs()
    return torch.where(distance < beta, 0.5 * d * (d / beta), distance - 0.5 * beta)


HUBER = Formula(huber_losses)
SMOOTH_L1 = Formula(smooth_l1_losses)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    r"""Squared error for small residuals, absolute error for large ones.

    .. math:: \ell_i = \tfrac12 d_i^2 \text{ if } |d_i| \le \delta,\quad
       \delta(|d_i| - \tfrac12\delta) \text{ otherwise},\quad d = x - y

    Shape: equal shapes. ``weight`` has the input's shape; a mean divides by the number of
    entries, as torch does.
    Dtype: floating.
    Units: the square of the target's unit.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Huber (1964), Robust estimation of a location parameter.

    >>> huber_loss(torch.tensor([0.5, 3.0]), torch.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    where = "huber_loss"
    x, y = paired(where, input, target, reduction, refuse_nan=weight is not None, as_input=True)
    if not delta > 0:
        came = f"huber_loss does not support non-positive values for delta. Got: {delta}"
        raise OptionError(teach("huber_loss", came, "delta > 0"))
    options = {"delta": delta}
    if weight is None:
        return native_or_exact(
            where, torch.nn.functional.huber_loss, HUBER, (x, y), options, reduction
        )
    says = "Weights and input must have the same size."
    checks.check_same_device("huber_loss", input=x, weight=weight)
    checks.check_same_shape("huber_loss", says, input=x, weight=weight)
    x = x.to(torch.promote_types(x.dtype, weight.dtype))
    return evaluate(HUBER, (x, y, weight), options, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    r"""Huber's loss divided by its threshold, so that its slope far out is 1.

    .. math:: \ell_i = \frac{d_i^2}{2\beta} \text{ if } |d_i| < \beta,\quad
       |d_i| - \tfrac12\beta \text{ otherwise},\quad d = x - y

    Shape: equal shapes.
    Dtype: floating.
    Units: the target's unit.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Girshick (2015), Fast R-CNN, arXiv 1504.08083.

    >>> smooth_l1_loss(torch.tensor([0.5, 3.0]), torch.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    where, usual = "smooth_l1_loss", SMALL_BETA <= beta <= LARGE_BETA
    x, y = paired(where, input, target, reduction, refuse_nan=beta > 0 and not usual)
    if not beta >= 0:
        came = f"smooth_l1_loss does not support negative values for beta. Got: {beta}"
        raise OptionError(teach("smooth_l1_loss", came, "beta >= 0; 0 is the L1 loss"))
    if beta == 0:
        return native_or_exact(where, torch.nn.functional.l1_loss, L1, (x, y), {}, reduction)
    options = {"beta": beta}
    if not usual:
        return evaluate(SMOOTH_L1, (x, y), options, reduction)
    native = torch.nn.functional.smooth_l1_loss
    return native_or_exact(where, native, SMOOTH_L1, (x, y), options, reduction)


class HuberLoss(ShowsSettings, torch.nn.HuberLoss):
    """Module of :func:`huber_loss`, with the same keywords.

    >>> HuberLoss(delta=0.5)
    HuberLoss(reduction='mean', delta=0.5)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`huber_loss`."""
        return huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class SmoothL1Loss(ShowsSettings, torch.nn.SmoothL1Loss):
    """Module of :func:`smooth_l1_loss`, with the same keywords.

    >>> SmoothL1Loss()
    SmoothL1Loss(reduction='mean', beta=1.0)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`smooth_l1_loss`."""
        return smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)
