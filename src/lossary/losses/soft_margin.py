"""Soft-margin losses: logistic loss of signed targets, and its mean over labels."""

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.reduction import check_reduction, legacy_reduction
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate
from lossary.losses._module import ShowsSettings
from lossary.losses._pairs import expanded_weight, paired
from lossary.losses._softplus import softplus
from lossary.losses.binary_cross_entropy import LOGITS, logits_kernel, logits_losses


def soft_margin_losses(x: Tensor, y: Tensor) -> Tensor:
    """``log(1 + exp(-y x))``."""
    return softplus(-y * x)


def soft_margin_kernel(
    wanted: tuple[int, ...], x: Tensor, y: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same, with the slope ``-y sigmoid(-y x)``, in which nothing cancels."""
    score = -y * x
    slopes = (score.sigmoid().mul_(y).neg_(),) if wanted else ()
    tail = score.abs().neg_().exp_().log1p_()
    return score.relu_().add_(tail), slopes


def multilabel_losses(x: Tensor, y: Tensor, *weight: Tensor) -> Tensor:
    """The mean over the labels of the binary cross-entropies of each row."""
    return logits_losses(x, y, *weight, weighted=bool(weight)).mean(1)


def multilabel_kernel(
    wanted: tuple[int, ...], x: Tensor, y: Tensor, *weight: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same, by the kernel of the binary cross-entropy."""
    losses, slopes = logits_kernel(wanted, x, y, *weight, weighted=bool(weight))
    return losses.mean(1), tuple(slope.div_(x.shape[1]) for slope in slopes)


SOFT_MARGIN = Formula(soft_margin_losses, soft_margin_kernel)
MULTILABEL = Formula(multilabel_losses, multilabel_kernel, elementwise=False)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Surprise, in nats, of a target of -1 or 1 under the sigmoid of the score.

    .. math:: \ell_i = \log(1 + e^{-y_i x_i})

    Shape: equal shapes.
    Dtype: floating input; the target may be of any real dtype.
    Units: nats.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Friedman, Hastie and Tibshirani (2000), Additive logistic regression.

    >>> soft_margin_loss(torch.tensor([-89.0]), torch.tensor([1.0]))
    tensor(89.)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    x, y = paired("soft_margin_loss", input, target, reduction, as_input=True)
    return evaluate(SOFT_MARGIN, (x, y), {}, reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Mean surprise, in nats, over the yes-or-no labels of one example.

    .. math:: \ell_i = \frac1C\sum_k w_k\bigl(y_{ik}\log(1 + e^{-x_{ik}})
       + (1 - y_{ik})\log(1 + e^{x_{ik}})\bigr)

    Shape: equal shapes (..., C); ``weight`` broadcasts; one loss per row.
    Dtype: floating input; the target may be of any real dtype.
    Units: nats per label.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Zhang and Zhou (2006), Multilabel neural networks.

    >>> multilabel_soft_margin_loss(torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 1.0]]))
    tensor(0.6931)
    """
    where = "multilabel_soft_margin_loss"
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(where, reduction)
    x, y = paired(where, input, target, reduction, autocast=False)
    checks.check_same_device(where, input=x, weight=weight)
    tensors = [x, y]
    if weight is not None:
        tensors.append(expanded_weight(where, "weight", weight, x))
    labels = x.shape[-1] if x.dim() else 1
    rows = tuple(t.reshape(x.shape[:-1].numel(), labels) for t in tensors)
    if reduction == "none":
        return evaluate(MULTILABEL, rows, {}, reduction).view(x.shape[:-1])
    # Reduced, it is the binary cross-entropy of all labels, whose sum is shared among them.
    divisor = labels if reduction == "sum" else x.numel()
    return evaluate(LOGITS, rows, {"weighted": weight is not None}, "mean", divisor)


class SoftMarginLoss(ShowsSettings, torch.nn.SoftMarginLoss):
    """Module of :func:`soft_margin_loss`, with the same keywords.

    >>> SoftMarginLoss()(torch.tensor([-89.0]), torch.tensor([1.0]))
    tensor(89.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`soft_margin_loss`."""
        return soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(ShowsSettings, torch.nn.MultiLabelSoftMarginLoss):
    """Module of :func:`multilabel_soft_margin_loss`, with the same keywords.

    >>> MultiLabelSoftMarginLoss()
    MultiLabelSoftMarginLoss(reduction='mean')
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`multilabel_soft_margin_loss`."""
        return multilabel_soft_margin_loss(
            input, target, weight=self.weight, reduction=self.reduction
        )
