"""Losses of pairs: a distance or a score that should be small, large, or larger than another."""

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.errors import ShapeError, teach
from lossary.core.reduction import check_reduction, legacy_reduction
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate
from lossary.losses._module import ShowsSettings
from lossary.losses._pairs import common_dtype, paired


def hinge_embedding_losses(x: Tensor, y: Tensor, margin: float) -> Tensor:
    """``x`` where y is 1, ``max(0, margin - x)`` where y is -1; both terms otherwise, as torch."""
    apart = torch.where(y != 1, (margin - x).clamp_min(0), 0)
    return apart + torch.where(y != -1, x, 0)


def hinge_embedding_kernel(
    wanted: tuple[int, ...], x: Tensor, y: Tensor, margin: float
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same; the slope is a sum of three signs."""
    losses = hinge_embedding_losses(x.double(), y, margin)
    if not wanted:
        return losses, ()
    inside = (y != 1) & (x <= margin)
    return losses, ((y != -1).to(x.dtype).sub_(inside.to(x.dtype)),)


def margin_ranking_losses(x1: Tensor, x2: Tensor, y: Tensor, margin: float) -> Tensor:
    """``max(0, margin - y (x1 - x2))``."""
    return (margin - y * (x1 - x2)).clamp_min(0)


def margin_ranking_kernel(
    wanted: tuple[int, ...], x1: Tensor, x2: Tensor, y: Tensor, margin: float
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same; each slope is the target's sign where the margin is not kept."""
    short = (x2.double() - x1).mul_(y).add_(margin)
    if not wanted:
        return short.clamp_min_(0), ()
    slope = y * (short >= 0)
    return short.clamp_min_(0), tuple(-slope if place == 0 else slope for place in wanted)


def cosine_losses(x1: Tensor, x2: Tensor, target: Tensor, margin: float) -> Tensor:
    """``1 - cos`` where the target is 1, ``max(0, cos - margin)`` where it is -1."""
    u, v = _direction(x1), _direction(x2)
    # 1 - cos = |u - v|^2 / 2 keeps the digits that the subtraction from 1 would lose.
    gap = 0.5 * (u - v).square().sum(1)
    no_direction = (x1 == 0).all(1) | (x2 == 0).all(1)
    gap = gap.masked_fill(no_direction, 1)
    cosine = (u * v).sum(1).masked_fill(no_direction, 0)
    same = torch.where(target == 1, gap, 0)
    return same + torch.where(target == -1, (cosine - margin).clamp_min(0), 0)


def cosine_kernel(
    wanted: tuple[int, ...], x1: Tensor, x2: Tensor, target: Tensor, margin: float
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same from three dot products; rows that these do not settle go by directions."""
    x1, x2 = x1.double(), x2.double()
    dot, square1, square2 = (torch.linalg.vecdot(a, b) for a, b in ((x1, x2), (x1, x1), (x2, x2)))
    norms = (square1 * square2).sqrt()
    cosine = dot / norms
    same, other = target == 1, target == -1
    short = torch.where(same, 1 - cosine, torch.where(other, (cosine - margin).clamp_min(0), 0))
    sign = torch.where(same, -1.0, (other & (cosine >= margin)).double())
    slopes = []
    for place in wanted:
        own, across, square = (x1, x2, square1) if place == 0 else (x2, x1, square2)
        slope = across * (sign / norms).unsqueeze(1)
        slopes.append(slope.addcmul_(own, (-sign * cosine / square).unsqueeze(1)))
    # Nearly parallel rows cancel; norms far from 1 over- or underflow when squared.
    odd = ~((cosine.abs() < NEARLY_PARALLEL) & (norms > 1e-150) & (norms < 1e150))
    if bool(odd.any()):
        at = odd.nonzero(as_tuple=True)
        rows = [x[at].requires_grad_() for x in (x1, x2)]
        with torch.enable_grad():
            right = cosine_losses(rows[0], rows[1], target[at], margin)
            grads = torch.autograd.grad(right.sum(), rows)
        short[at] = right.detach()
        for slope, place in zip(slopes, wanted, strict=True):
            slope[at] = grads[place]
    return short, tuple(slopes)


def _direction(x: Tensor) -> Tensor:
    """``x / |x|`` for any norm: scaled first, so that no square over- or underflows."""
    scale = x.detach().abs().amax(1, keepdim=True)
    scaled = x / scale.masked_fill(scale == 0, 1)
    square = scaled.square().sum(1, keepdim=True)
    return scaled / square.masked_fill(square == 0, 1).sqrt()


HINGE_EMBEDDING = Formula(hinge_embedding_losses, hinge_embedding_kernel)
MARGIN_RANKING = Formula(margin_ranking_losses, margin_ranking_kernel, slopes_for=(0, 1))
# Above this, 1 - cos has lost two of float64's digits.
NEARLY_PARALLEL = 0.99

COSINE = Formula(cosine_losses, cosine_kernel, slopes_for=(0, 1), elementwise=False)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""A distance to make small for similar pairs, and larger than the margin for others.

    .. math:: \ell_i = x_i \text{ if } y_i = 1,\qquad \max(0, m - x_i) \text{ if } y_i = -1

    Shape: equal shapes; torch would broadcast silently.
    Dtype: floating input; the target may be of any real dtype.
    Units: the input's unit.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Hadsell, Chopra and LeCun (2006), Dimensionality reduction by an invariant mapping.

    >>> hinge_embedding_loss(torch.tensor([0.25, 0.25]), torch.tensor([1.0, -1.0]))
    tensor(0.5000)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    x, y = paired("hinge_embedding_loss", input, target, reduction, as_input=True)
    return evaluate(HINGE_EMBEDDING, (x, y), {"margin": margin}, reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""How far the score that should lead falls short of leading by the margin.

    .. math:: \ell_i = \max(0, m - y_i (x^1_i - x^2_i))

    Shape: three equal shapes; torch would broadcast silently.
    Dtype: floating inputs; the target may be of any real dtype.
    Units: the score's unit.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Herbrich, Graepel and Obermayer (1999), Support vector learning for ordinal
    regression.

    >>> margin_ranking_loss(torch.tensor([1.0]), torch.tensor([3.0]), torch.tensor([1.0]))
    tensor(2.)
    """
    where = "margin_ranking_loss"
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(where, reduction)
    checks.check_floating(where, "input1", input1)
    checks.check_floating(where, "input2", input2)
    says = (
        "margin_ranking_loss : All input tensors should have same dimension but got sizes:"
        f" input1: {input1.size()}, input2: {input2.size()}, target: {target.size()}"
    )
    checks.check_same_shape(where, says, input1=input1, input2=input2, target=target)
    checks.check_same_device(where, input1=input1, input2=input2, target=target)
    checks.check_not_nan(where, target, reduction)
    dtype = common_dtype(input1, input2, target)
    tensors = (input1.to(dtype), input2.to(dtype), target.to(dtype))
    return evaluate(MARGIN_RANKING, tensors, {"margin": margin}, reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""An angle to close for similar pairs, and to keep open for others.

    .. math:: \ell_i = 1 - \cos(x^1_i, x^2_i) \text{ if } y_i = 1,\qquad
       \max(0, \cos(x^1_i, x^2_i) - m) \text{ if } y_i = -1

    Exact for any norm: torch adds an epsilon, which decides the cosine of short vectors. A
    vector of zeros has no direction: its cosine is 0, without a gradient.

    Shape: inputs (N, D) with target (N), or inputs (D) with target ().
    Dtype: floating inputs; the target may be of any real dtype.
    Units: none.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Chopra, Hadsell and LeCun (2005), Learning a similarity metric discriminatively.

    >>> a, b = torch.tensor([[1e-8, 0.0]]), torch.tensor([[0.0, 1e-8]])
    >>> cosine_embedding_loss(a, b, torch.tensor([1]))
    tensor(1.)
    """
    where = "cosine_embedding_loss"
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(where, reduction)
    checks.check_floating(where, "input1", input1)
    checks.check_floating(where, "input2", input2)
    checks.check_same_shape(where, input1=input1, input2=input2)
    if input1.dim() not in (1, 2) or target.shape != input1.shape[:-1]:
        came = f"got inputs {checks.shape(input1)} and target {checks.shape(target)}"
        raise ShapeError(
            teach(
                where,
                f"{target.dim()}D target tensor expects {target.dim() + 1}D input tensors; {came}",
                "inputs (N, D) with target (N), or inputs (D) with target ()",
                "one target per entry where one per pair belongs",
                "target.squeeze(-1)",
            )
        )
    checks.check_same_device(where, input1=input1, input2=input2, target=target)
    checks.check_not_nan(where, target, reduction)
    dtype = common_dtype(input1, input2)
    size = input1.shape[-1]
    rows = tuple(t.to(dtype).reshape(target.numel(), size) for t in (input1, input2))
    y = target.reshape(-1)
    result = evaluate(COSINE, (*rows, y), {"margin": margin}, reduction, rows[0].shape[0])
    return result.view(target.shape) if reduction == "none" else result


class HingeEmbeddingLoss(ShowsSettings, torch.nn.HingeEmbeddingLoss):
    """Module of :func:`hinge_embedding_loss`, with the same keywords.

    >>> HingeEmbeddingLoss()
    HingeEmbeddingLoss(reduction='mean', margin=1.0)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`hinge_embedding_loss`."""
        return hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(ShowsSettings, torch.nn.MarginRankingLoss):
    """Module of :func:`margin_ranking_loss`, with the same keywords.

    >>> MarginRankingLoss(margin=0.5)
    MarginRankingLoss(reduction='mean', margin=0.5)
    """

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """See :func:`margin_ranking_loss`."""
        return margin_ranking_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction
        )


class CosineEmbeddingLoss(ShowsSettings, torch.nn.CosineEmbeddingLoss):
    """Module of :func:`cosine_embedding_loss`, with the same keywords.

    >>> CosineEmbeddingLoss()
    CosineEmbeddingLoss(reduction='mean', margin=0.0)
    """

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """See :func:`cosine_embedding_loss`."""
        return cosine_embedding_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction
        )
