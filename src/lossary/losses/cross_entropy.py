"""Cross-entropy of class scores: softmax and negative log-probability in one exact step."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import autocast_dtype, wide_dtype
from lossary.core.errors import OptionError, teach
from lossary.core.reduction import check_reduction, legacy_reduction
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate
from lossary.losses import _class_targets
from lossary.losses._express_rows import express_rows
from lossary.losses._module import ShowsSettings
from lossary.losses._soft_kernel import class_sum, soft_kernel

WHERE = "cross_entropy"


def hard_losses(x: Tensor, target: Tensor, ignore_index: int, weight: Tensor | None) -> Tensor:
    """``log(sum_k exp x_k) - x_y`` for rows of scores along dimension 1."""
    counted = target != ignore_index
    # Ignored rows are cleared first, so that a NaN in them reaches neither value nor gradient.
    x = torch.where(counted.unsqueeze(1), x, 0)
    y = torch.where(counted, target, 0).unsqueeze(1)
    truth = x.gather(1, y)
    rest = x.scatter(1, y, -torch.inf)
    top = rest.detach().amax(1, keepdim=True)
    top = torch.where(top == -torch.inf, torch.where(truth == -torch.inf, 0, truth), top).detach()
    others = (rest - top).exp().sum(1, keepdim=True)
    gap = top - truth
    # The truth leads: the loss is the tail alone, which log1p keeps however small it is.
    leads = torch.log1p(others * gap.clamp(max=0).exp())
    trails = gap + torch.log(others.clamp_min(1) + (-gap).clamp(max=0).exp())
    losses = torch.where(gap <= 0, leads, trails).squeeze(1).masked_fill(~counted, 0)
    if weight is None:
        return losses
    # Where a target is ignored, class 0 stands in for it: its weight, NaN or not, must not.
    return losses * torch.where(counted, weight.to(losses.dtype)[y.squeeze(1)], 0)


def hard_kernel(
    wanted: tuple[int, ...], x: Tensor, target: Tensor, ignore_index: int, weight: Tensor | None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same from one exponential; the tail, summed without the truth, is minus its slope."""
    counted = target != ignore_index
    all_count = bool(counted.all())
    y = (target if all_count else torch.where(counted, target, 0)).unsqueeze(1)
    if not all_count:
        x = torch.where(counted.unsqueeze(1), x, 0)
    # Along other dimensions than the last, torch sums one by one; and a tail that is next to
    # nothing may lack what float32 could not hold.
    odds, share, gap, tail = _odds(x if x.dim() == 2 else x.to(wide_dtype(x)), y)
    if odds.dtype != wide_dtype(x) and bool((tail < NEXT_TO_NOTHING).any()):
        odds, share, gap, tail = _odds(x.to(wide_dtype(x)), y)
    losses = gap + torch.log1p(tail + (share - 1))
    scale = None if weight is None else weight.to(odds.dtype)[y.squeeze(1)]
    if not all_count:
        scale = counted.to(odds.dtype) if scale is None else torch.where(counted, scale, 0)
    if scale is not None:
        losses = losses * scale
    if not wanted:
        return losses, ()
    unit = (tail + share).reciprocal_() if scale is None else scale / (tail + share)
    slope = odds.mul_(unit.unsqueeze(1)).scatter_(1, y, -(tail * unit).unsqueeze(1))
    return losses, (slope,)


def _odds(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Exponentials below the highest score without the truth's; the truth's, its fall, the rest."""
    top = x.amax(1, keepdim=True)
    odds = (x - top).exp_()
    share = odds.gather(1, y).squeeze(1)
    gap = (top - x.gather(1, y)).squeeze(1)
    return odds.scatter_(1, y, 0), share, gap, class_sum(odds)


def soft_losses(x: Tensor, mass: Tensor) -> Tensor:
    """``sum_k mass_k (logsumexp x - x_k)`` for rows of scores along dimension 1."""
    leader = x.detach().argmax(1, keepdim=True)
    fall = x - x.gather(1, leader)
    # The leader's own fall is 0 and is taken out, so that its gradient is summed, not cancelled;
    # 0 * inf at a masked class that carries no mass is 0.
    is_leader = torch.zeros_like(fall, dtype=torch.bool).scatter(1, leader, 1)
    tail = fall.masked_fill(is_leader, -torch.inf).exp().sum(1).log1p()
    silent = is_leader | ((mass == 0) & (fall == -torch.inf))
    return mass.sum(1) * tail - (mass * fall.masked_fill(silent, 0)).sum(1)


def smoothed_mass(
    x: Tensor, target: Tensor, ignore_index: int, weight: Tensor | None, smoothing: float
) -> tuple[Tensor, Tensor]:
    """Scores and the weighted mass of smoothed labels; ignored rows are cleared of both."""
    counted = target != ignore_index
    y = torch.where(counted, target, 0).unsqueeze(1)
    # In tensors of the dtype throughout: while torch.jit traces, a size is a tensor too.
    spread = torch.full_like(x, smoothing) / x.shape[1]
    mass = spread.scatter_add(1, y, torch.full_like(y, 1 - smoothing, dtype=x.dtype))
    mass = mass if weight is None else mass * _along_classes(weight.to(x.dtype), x)
    return torch.where(counted.unsqueeze(1), x, 0), mass * counted.unsqueeze(1)


def smoothed_losses(x: Tensor, target: Tensor, **options: Any) -> Tensor:
    """The soft losses of a smoothed one-hot target."""
    return soft_losses(*smoothed_mass(x, target, **options))


def smoothed_kernel(
    wanted: tuple[int, ...], x: Tensor, target: Tensor, **options: Any
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The soft kernel of a smoothed one-hot target."""
    return soft_kernel(wanted, *smoothed_mass(x.to(wide_dtype(x)), target, **options))


def probability_mass(target: Tensor, weight: Tensor | None, smoothing: float) -> Tensor:
    """The weighted mass of given probabilities, smoothed."""
    if smoothing:
        target = target * (1 - smoothing) + smoothing / target.shape[1]
    return target if weight is None else target * weight


def probability_losses(x: Tensor, target: Tensor, *weight: Tensor, smoothing: float) -> Tensor:
    """The soft losses of given probabilities, smoothed and weighted by class."""
    return soft_losses(x, probability_mass(target, weight[0] if weight else None, smoothing))


def probability_kernel(
    wanted: tuple[int, ...], x: Tensor, target: Tensor, *weight: Tensor, smoothing: float
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The soft kernel of given probabilities, smoothed and weighted by class."""
    if smoothing or weight:
        target, *weights = (t.to(wide_dtype(x)) for t in (target, *weight))
        target = probability_mass(target, weights[0] if weights else None, smoothing)
    return soft_kernel(wanted, x, target)


HARD = Formula(hard_losses, hard_kernel, fused="hard_cross_entropy", elementwise=False, wide=False)
SMOOTHED = Formula(smoothed_losses, smoothed_kernel, fused="soft_cross_entropy", elementwise=False)
SOFT = Formula(
    probability_losses, probability_kernel, fused="soft_cross_entropy", elementwise=False
)

# Of a sum above this float32 misses nothing that counts.
NEXT_TO_NOTHING = 1e-30


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    r"""Surprise, in nats, of the true class under the softmax of the scores.

    .. math:: \ell_i = w_{y_i}\Bigl(\log\sum_k e^{x_{ik}} - x_{iy_i}\Bigr)
       \quad\text{or}\quad \ell_i = \sum_k w_k q_{ik}\Bigl(\log\sum_j e^{x_{ij}} - x_{ik}\Bigr)

    The gradient is the prediction minus the target: :math:`p - 1_y` or :math:`p - q`.

    Shape: ``input`` (C), (N, C) or (N, C, d1, ...); ``target`` class indices (), (N) or
    (N, d1, ...), or probabilities of the input's shape; ``weight`` (C).
    Dtype: floating input; any integer dtype for indices. The answer has the input's dtype.
    Units: nats. ``mean`` divides by the summed weights of the counted targets, by the
    number of rows for probabilities; a mean over nothing is 0.
    Raises: ShapeError, DtypeError, DeviceError, ClassIndexError, DomainError, OptionError.
    Reference: Bridle (1990), Training stochastic model recognition algorithms; label
    smoothing: Szegedy et al. (2016), arXiv 1512.00567.

    >>> print(f"{cross_entropy(torch.tensor([[20.0, 0.0]]), torch.tensor([0])).item():.4e}")
    2.0612e-09
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    ignore_index = _class_targets.whole_index(WHERE, ignore_index)
    label_smoothing = _class_targets.smoothing_share(WHERE, label_smoothing)
    quick = express_rows(problem, input, target, weight, ignore_index, reduction, label_smoothing)
    if quick is not None:
        return quick
    check_reduction(WHERE, reduction)
    checks.check_floating(WHERE, "input", input)
    checks.check_tensor(WHERE, "target", target)
    checks.check_same_device(WHERE, input=input, target=target, weight=weight)
    asked = problem(input, target, weight, ignore_index, reduction, label_smoothing)
    result = evaluate(asked.formula, asked.tensors, asked.options, reduction, asked.divisor)
    if reduction != "none":
        return result
    return result.view(*input.shape[:1], *input.shape[2:]) if input.dim() > 1 else result.view(())


@dataclass(frozen=True)
class Problem:
    """A checked cross-entropy: what to evaluate, on which tensors, and what a mean divides by."""

    formula: Formula
    tensors: tuple[Tensor, ...]
    options: dict[str, Any]
    divisor: Tensor | float


def problem(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    smoothing: float,
    where: str = WHERE,
) -> Problem:
    """The cross-entropy that these arguments ask for; of the input only shape and dtype matter."""
    ignore_index = _class_targets.whole_index(where, ignore_index)
    smoothing = _class_targets.smoothing_share(where, smoothing)
    if not 0 <= smoothing <= 1:
        came = f"label_smoothing must be between 0.0 and 1.0. Got: {smoothing}"
        raise OptionError(teach(where, came, "a share of the target's mass, such as 0.1"))
    # torch's rule for what a target holds: probabilities if and only if the shapes are equal.
    if target.shape == input.shape:
        _class_targets.check_probabilities(where, target, ignore_index)
        checks.check_not_nan(where, target, reduction)
        return _of_probabilities(where, input, target, weight, smoothing)
    x, y = _class_targets.checked(where, input, target, weight, ignore_index)
    options: dict[str, Any] = {"ignore_index": ignore_index, "weight": weight}
    divisor = _class_targets.counted_weight(y, weight, ignore_index)
    if smoothing:
        return Problem(SMOOTHED, (x, y), {**options, "smoothing": smoothing}, divisor)
    return Problem(HARD, (x, y), options, divisor)


def _of_probabilities(
    where: str, input: Tensor, target: Tensor, weight: Tensor | None, smoothing: float
) -> Problem:
    dtype = torch.promote_types(autocast_dtype(input), autocast_dtype(target))
    batched = input.dim() > 1
    x, q = (t.to(dtype) if batched else t.to(dtype).unsqueeze(0) for t in (input, target))
    checks.check_class_weight(where, None if weight is None else weight.detach(), x.shape[1])
    tensors = (x, q) if weight is None else (x, q, _along_classes(weight, x).expand_as(x))
    rows = x.numel() // x.shape[1] if x.shape[1] else 0
    return Problem(SOFT, tensors, {"smoothing": smoothing}, rows)


def _along_classes(weight: Tensor, x: Tensor) -> Tensor:
    return weight.view(1, -1, *[1] * (x.dim() - 2))


class CrossEntropyLoss(ShowsSettings, torch.nn.CrossEntropyLoss):
    """Module of :func:`cross_entropy`, with the same keywords.

    >>> CrossEntropyLoss(label_smoothing=0.1)
    CrossEntropyLoss(reduction='mean', ignore_index=-100, label_smoothing=0.1)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`cross_entropy`."""
        return cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )
