"""Margin losses of scores and classes: one class against the rest, and sets of labels."""

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import autocast_dtype
from lossary.core.errors import OptionError, ShapeError, teach
from lossary.core.reduction import check_reduction, legacy_reduction
from lossary.core.transforms import reason_not_plain
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate
from lossary.losses._module import ShowsSettings


def multi_margin_losses(
    x: Tensor, target: Tensor, p: int, margin: float, weight: Tensor | None
) -> Tensor:
    """``sum_{i != y} max(0, margin - x_y + x_i)^p / C`` for rows of scores."""
    y = target.unsqueeze(1)
    short = (margin - x.gather(1, y) + x).relu()
    terms = (short if p == 1 else short.square()).scatter(1, y, 0)
    losses = terms.sum(1) / x.shape[1]
    return losses if weight is None else losses * weight.to(losses.dtype)[target]


def multi_margin_kernel(
    wanted: tuple[int, ...],
    x: Tensor,
    target: Tensor,
    p: int,
    margin: float,
    weight: Tensor | None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same; each entry's slope is written out, the truth's is minus their sum."""
    y = target.unsqueeze(1)
    wide = x.double()
    short = wide.add_(margin - wide.gather(1, y)) if wide is not x else x + margin - x.gather(1, y)
    short = short.relu_().scatter_(1, y, 0)
    scale = x.new_full((x.shape[0],), 1 / x.shape[1], dtype=torch.float64)
    if weight is not None:
        scale *= weight.to(torch.float64)[target]
    losses = (short.sum(1) if p == 1 else (short * short).sum(1)) * scale
    if not wanted:
        return losses, ()
    slope = short.sign_() if p == 1 else short.mul_(2)
    slope.mul_(scale.unsqueeze(1))
    return losses, (slope.scatter_(1, y, -slope.sum(1, keepdim=True)),)


def multilabel_margin_losses(x: Tensor, labels: Tensor, most: int) -> Tensor:
    """``sum_{j in T} sum_{i not in T} max(0, 1 - x_j + x_i) / C``; T ends at the first -1."""
    listed = (labels >= 0).long().cumprod(1).bool()[:, :most]
    index = torch.where(listed, labels[:, :most], 0)
    in_set = torch.zeros_like(x).scatter_add(1, index, listed.to(x.dtype)) > 0
    scores = x.gather(1, index).unsqueeze(2)
    short = (1 - scores + x.unsqueeze(1)).relu()
    paired = listed.unsqueeze(2) & ~in_set.unsqueeze(1)
    return short.masked_fill(~paired, 0).sum((1, 2)) / x.shape[1]


def multilabel_margin_kernel(
    wanted: tuple[int, ...], x: Tensor, labels: Tensor, most: int
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same, one listed label after another: never rows x labels x classes at once."""
    wide = x.double()
    in_set = x.new_zeros(x.shape, dtype=torch.bool)
    alive = x.new_ones(x.shape[0], dtype=torch.bool)
    columns = []
    for j in range(most):
        alive = alive & (labels[:, j] >= 0)
        rows = alive.nonzero().squeeze(1)
        in_set[rows, labels[rows, j]] = True
        columns.append(alive)
    losses = wide.new_zeros(x.shape[0])
    slope = torch.zeros_like(wide) if wanted else None
    for j, alive in enumerate(columns):
        place = torch.where(alive, labels[:, j], 0).unsqueeze(1)
        short = (wide + (1 - wide.gather(1, place))).relu_()
        short.masked_fill_(in_set, 0).mul_(alive.unsqueeze(1))
        losses += short.sum(1)
        if slope is not None:
            active = short.sign_()
            slope.add_(active).scatter_add_(1, place, -active.sum(1, keepdim=True))
    losses /= x.shape[1]
    return losses, () if slope is None else (slope.div_(x.shape[1]),)


# Both work in float64, beside kernels of torch's that hold nothing: small blocks keep to that.
MULTI_MARGIN = Formula(
    multi_margin_losses, multi_margin_kernel, block_entries=2**13, elementwise=False
)
MULTILABEL_MARGIN = Formula(
    multilabel_margin_losses, multilabel_margin_kernel, block_entries=2**14, elementwise=False
)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""How far the true class falls short of leading every other class by the margin.

    .. math:: \ell_i = \frac{w_{y_i}}{C}\sum_{k\ne y_i}\max(0, m - x_{iy_i} + x_{ik})^p

    Shape: ``input`` (C) or (N, C); ``target`` () or (N); ``weight`` (C).
    Dtype: floating input; any integer dtype for the target.
    Units: the score's unit, to the power p (1 or 2); ``mean`` divides by N.
    Raises: ShapeError, DtypeError, DeviceError, ClassIndexError, OptionError.
    Reference: Crammer and Singer (2001), Multiclass kernel-based vector machines.

    >>> multi_margin_loss(torch.tensor([[0.1, 0.2, 0.4, 0.8]]), torch.tensor([3]))
    tensor(0.3250)
    """
    where = "multi_margin_loss"
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(where, reduction)
    if p not in (1, 2):
        raise OptionError(teach(where, f"only p == 1 and p == 2 supported, got {p}", "1 or 2"))
    checks.check_floating(where, "input", input)
    if weight is not None and weight.dim() != 1:
        came = f"weight must be one-dimensional, got shape {checks.shape(weight)}"
        raise ShapeError(teach(where, came, "one weight per class"))
    _check_batch(where, input)
    classes, rows = input.shape[-1:].numel(), input.shape[:-1].numel()
    if target.dim() > 1 or target.numel() != rows:
        came = (
            f"inconsistent target size, Expected target size [{rows}]"
            f" but got {list(target.shape)}; target tensor should be 1-D with size equal to"
            f" the batch. Expected target size [{rows}] but got {list(target.shape)}"
        )
        raise ShapeError(teach(where, came, "one class index per row"))
    if weight is not None and weight.numel() != classes:
        came = f"inconsistent weight size, expected {classes} but got {list(weight.shape)}"
        raise ShapeError(teach(where, came, "one weight per class"))
    checks.check_class_dtype(where, target)
    checks.check_class_weight(where, weight, classes)
    checks.check_same_device(where, input=input, target=target, weight=weight)
    checks.check_class_indices(where, target, classes, ignore_index=-(2**63))
    x = input.to(autocast_dtype(input)).reshape(rows, classes)
    options = {"p": p, "margin": margin, "weight": weight}
    result = evaluate(MULTI_MARGIN, (x, target.long().reshape(rows)), options, reduction, rows)
    return result.view(target.shape) if reduction == "none" else result


def _check_batch(where: str, input: Tensor) -> None:
    if input.dim() > 2 or not input.shape[-1:].numel():
        came = (
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got:"
            f" {list(input.shape)}"
        )
        raise ShapeError(teach(where, came, "scores of shape (C) or (N, C)"))


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""How far each true label falls short of leading each other label by 1.

    .. math:: \ell_i = \frac1C\sum_{j\in T_i}\sum_{k\notin T_i}\max(0, 1 - x_{ij} + x_{ik})

    Shape: equal shapes (C) or (N, C); each row of ``target`` lists the true labels and ends
    at its first negative entry.
    Dtype: floating input; any integer dtype for the target.
    Units: the score's unit; ``mean`` divides by N.
    Raises: ShapeError, DtypeError, DeviceError, ClassIndexError, OptionError.
    Reference: Weston and Watkins (1999), Support vector machines for multi-class recognition.

    >>> x = torch.tensor([[0.1, 0.2, 0.4, 0.8]])
    >>> multilabel_margin_loss(x, torch.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)
    """
    where = "multilabel_margin_loss"
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(where, reduction)
    checks.check_floating(where, "input", input)
    _check_batch(where, input)
    says = f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}"
    checks.check_same_shape(where, says, input=input, target=target)
    checks.check_class_dtype(where, target)
    checks.check_same_device(where, input=input, target=target)
    classes = input.shape[-1:].numel()
    # Any negative entry ends the list, so that only indices that are too large are wrong.
    if target.numel() and checks.readable(target) and int(target.amax()) >= classes:
        checks.check_class_indices(where, target[target >= 0], classes, ignore_index=-1)
    x = input.to(autocast_dtype(input)).reshape(-1, classes)
    labels = target.long().reshape(-1, classes)
    options = {"most": _longest_list(labels)}
    result = evaluate(MULTILABEL_MARGIN, (x, labels), options, reduction, x.shape[0])
    return result.view(input.shape[:-1]) if reduction == "none" else result


def _longest_list(labels: Tensor) -> int:
    """How many columns of the label lists are in use; all of them where values are not read."""
    classes = labels.shape[1]
    if not labels.numel() or labels.device.type != "cpu" or reason_not_plain(labels) is not None:
        return classes
    alive = labels.new_ones(labels.shape[0], dtype=torch.bool)
    for j in range(classes):
        alive &= labels[:, j] >= 0
        if not bool(alive.any()):
            return j
    return classes


class MultiMarginLoss(ShowsSettings, torch.nn.MultiMarginLoss):
    """Module of :func:`multi_margin_loss`, with the same keywords.

    >>> MultiMarginLoss(p=2)
    MultiMarginLoss(reduction='mean', p=2, margin=1.0)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`multi_margin_loss`."""
        return multi_margin_loss(
            input,
            target,
            p=self.p,
            margin=self.margin,
            weight=self.weight,
            reduction=self.reduction,
        )


class MultiLabelMarginLoss(ShowsSettings, torch.nn.MultiLabelMarginLoss):
    """Module of :func:`multilabel_margin_loss`, with the same keywords.

    >>> MultiLabelMarginLoss()
    MultiLabelMarginLoss(reduction='mean')
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`multilabel_margin_loss`."""
        return multilabel_margin_loss(input, target, reduction=self.reduction)
